"""Texts that several resources take."""

from __future__ import annotations

from typing import Annotated, Final

from addonkit.models.identifiers import APP_NAME_MAX, INSTANCE_NAME_MAX
from addonkit.server.schema import Text

_NAME: Final = "[A-Za-z0-9][A-Za-z0-9._-]*"

AppName = Annotated[str, Text(_NAME, APP_NAME_MAX, 1, "shop")]
InstanceName = Annotated[str, Text(_NAME, INSTANCE_NAME_MAX, 1, "shop-postgresql")]
Alias = Annotated[str, Text("([a-z][a-z0-9_-]{0,39})?", 40, 0, "analytics")]
AddonSpec = Annotated[str, Text("[a-z][a-z0-9-]{0,62}(:[A-Za-z0-9._-]{1,100})?", 164, 1, "postgresql:small")]
Version = Annotated[str, Text("[0-9A-Za-z._-]*", 100)]
VariableName = Annotated[str, Text("[A-Za-z_][A-Za-z0-9_]*", 200, 1, "DEBUG")]
RoleName = Annotated[str, Text("[A-Za-z0-9._-]*", 100, 0, "read-only")]
OptionName = Annotated[str, Text("[a-z][a-z0-9_-]*", 100, 1, "max_connections")]
"""Words of users, as the models check them."""
