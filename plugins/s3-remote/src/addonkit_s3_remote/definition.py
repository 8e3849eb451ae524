"""The definition of the addon: data."""

from __future__ import annotations

from typing import Final

from addonkit import AddonDefinition, LocalityMode, SettingDefinition, ShellDefinition, VariantDefinition
from addonkit_s3_remote.options import OPTIONS
from addonkit_s3_remote.policies import ROLES

BUCKET: Final = "bucket"
PREFIX: Final = "prefix"
"""Names of the variants."""

_KEYS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "S3_URL",
)
_FAMILY: Final = ("AWS_*", "S3_PREFIX", "RCLONE_S3_*", "FSSPEC_S3*")
"""Names by which the SDKs of AWS, rclone and fsspec let a shell change whose key is used, and where.

Of AWS all: there are more than forty (profiles, roles, tokens of sessions, endpoints of single services, settings that
switch endpoints off), and each SDK adds some ("Environment variables" of the AWS SDKs and Tools guide).
"""

_SWITCH: Final = ("true", "false")

DEFINITION: Final = AddonDefinition(
    name="s3-remote",
    display_name="S3",
    shell=ShellDefinition(module="addonkit_s3_remote.shell"),
    description="Object storage on an S3-compatible service",
    default_variant=BUCKET,
    variants=(
        VariantDefinition(BUCKET, "A bucket of its own", details={"Place": "its own bucket"}),
        VariantDefinition(
            PREFIX,
            "A folder in a bucket shared with other apps",
            details={"Place": "a folder of the operator's bucket"},
            variables=("S3_BUCKET", "S3_PREFIX", *_KEYS),
            settings=("bucket",),
        ),
    ),
    locality=LocalityMode.REMOTE,
    roles=ROLES,
    imports=("folder", "s3"),
    options=OPTIONS,
    variables=("S3_BUCKET", *_KEYS),
    unset_variables=_FAMILY,
    settings=(
        SettingDefinition("endpoint", "URL of the service, as https://s3.example.org"),
        SettingDefinition("region", "region that requests are signed for", default="us-east-1"),
        SettingDefinition("access_key", "access key of an administrator"),
        SettingDefinition("secret_key", "its secret", secret=True),
        SettingDefinition(
            "credentials",
            "iam: each app a user of its own; static: every app gets the administrator's key",
            default="iam",
            choices=("iam", "static"),
        ),
        SettingDefinition("bucket", "bucket that holds the folders of the variant prefix", default=""),
        SettingDefinition("path_style", "bucket in the path, not in the host name", default="true", choices=_SWITCH),
        SettingDefinition("ca_file", "file with the certificates to trust, when they are not public", default=""),
        SettingDefinition("allow_http", "allow an endpoint without TLS", default="false", choices=_SWITCH),
        SettingDefinition(
            "require_isolation",
            "refuse a service where the key of an app reaches what is not the app's",
            default="true",
            choices=_SWITCH,
        ),
        SettingDefinition(
            "bypass_governance",
            "remove objects that are locked in governance mode, when an instance is destroyed",
            default="false",
            choices=_SWITCH,
        ),
        SettingDefinition("iam_endpoint", "URL of the IAM service; default is the endpoint", default=""),
    ),
)
