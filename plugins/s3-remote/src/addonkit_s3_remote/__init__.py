"""S3 for addonkit: a bucket or a prefix on a service that runs elsewhere."""

__version__ = "0.1.0"
