"""The conformance kit, on Valkey."""

from addonkit.testing import AddonConformance


class TestValkey(AddonConformance):
    """Everything an addon promises."""

    addon = "valkey"
