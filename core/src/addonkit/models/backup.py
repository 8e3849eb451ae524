"""A backup: what its archive says about itself, and what a repository says about the archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from addonkit.models.fingerprint import Fingerprint
from addonkit.util.values import frozen

FORMAT = 1
"""Version of the archives that are written, and the newest that can be read."""


@frozen
class ArchiveManifest:
    """The first member of an archive.

    Attributes:
        name: of the backup.
        created: when it was begun.
        instance: name of the instance; `instance_id` is its id.
        app: name of the app it was created for.
        addon: name of the addon; `distribution` and `distribution_version` are who wrote the archive.
        variant: of the instance; `config` is its resolved config.
        server_version: of the program that held the data; empty when there is none.
        format: version of the archive's format.
    """

    name: str
    created: datetime
    instance: str
    instance_id: str
    app: str
    addon: str
    variant: str
    distribution: str = ""
    distribution_version: str = ""
    config: Mapping[str, str] = attrs.field(factory=dict)
    server_version: str = ""
    format: int = FORMAT


@frozen
class Proof:
    """The proof of an archive: a scratch instance that it was restored into held the same data.

    Attributes:
        verified: when.
        sha256: of the archive that was read, encrypted as it is.
        items: that were compared.
    """

    verified: datetime
    sha256: str
    items: int = 0


@frozen
class Backup:
    """An archive in a repository.

    Attributes:
        name: `<instance>/<time>-<number>`; those of an instance sort by time.
        addon: name of the addon.
        created: when it was begun.
        size: bytes of the archive.
        location: URL of the archive.
        proof: see Proof; None when it was never restored.
    """

    name: str
    addon: str
    created: datetime
    size: int
    location: str
    proof: Proof | None = None

    @property
    def instance(self) -> str:
        """Name that the instance had."""
        return self.name.rpartition("/")[0]


@frozen
class Trailer:
    """The last member of an archive: without it the archive is not whole.

    Attributes:
        fingerprint: of the data in it, taken in the moment that the archive shows.
        members: how many came before.
    """

    fingerprint: Fingerprint
    members: int
