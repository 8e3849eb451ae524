"""The conformance kit, on a real memcached."""

from addonkit.testing import AddonConformance


class TestMemcached(AddonConformance):
    """Everything an addon promises."""

    addon = "memcached"
