"""The conformance kit, on PostgreSQL."""

from addonkit.testing import AddonConformance


class TestPostgreSQL(AddonConformance):
    """Everything an addon promises."""

    addon = "postgresql"
