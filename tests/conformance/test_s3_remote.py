"""The conformance kit, on S3."""

from addonkit.testing import AddonConformance


class TestS3(AddonConformance):
    """Everything an addon promises."""

    addon = "s3-remote"
