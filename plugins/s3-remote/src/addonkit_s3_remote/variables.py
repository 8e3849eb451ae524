"""The variables an app receives. Pure."""

from __future__ import annotations

from addonkit import Variable
from addonkit_s3_remote.service import Key, Service


def variables(service: Service, bucket: str, prefix: str, key: Key) -> tuple[Variable, ...]:
    """Return the variables in their order; `S3_PREFIX` only with a prefix."""
    # Many services other than AWS refuse, or do not give, checksums that are not required.
    checksums = "when_supported" if service.is_aws else "when_required"
    folder = (Variable("S3_PREFIX", prefix),) if prefix else ()
    return (
        Variable("S3_BUCKET", bucket),
        *folder,
        Variable("AWS_ACCESS_KEY_ID", key.id),
        Variable("AWS_SECRET_ACCESS_KEY", key.secret),
        Variable("AWS_REGION", service.region),
        Variable("AWS_DEFAULT_REGION", service.region),
        Variable("AWS_ENDPOINT_URL_S3", service.endpoint),
        Variable("AWS_REQUEST_CHECKSUM_CALCULATION", checksums),
        Variable("AWS_RESPONSE_CHECKSUM_VALIDATION", checksums),
        Variable("S3_URL", f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"),
    )
