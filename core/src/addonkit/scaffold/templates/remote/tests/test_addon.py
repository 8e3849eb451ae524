"""The conformance kit, on a real server."""

from addonkit.testing import AddonConformance


class TestAcme(AddonConformance):
    """Everything an addon promises."""

    addon = "acme"
