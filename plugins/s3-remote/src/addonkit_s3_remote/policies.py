"""Writes what an app may do, as IAM policies. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from addonkit_s3_remote.service import Service

NAME = "addonkit"
"""Of the inline policy of each user."""

READ_ONLY: Final = "read-only"
ROLES: Final = {"owner": "reads, writes and deletes objects", READ_ONLY: "reads objects"}
"""What apps may do; the first is what they get unless they ask for another."""

_OBJECT = (
    "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectAttributes",
    "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectTagging",
    "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
)  # fmt: skip
_BUCKET = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation")
_FOLDER = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads")


def policy(service: Service, bucket: str, prefix: str = "", *, reads_only: bool = False) -> str:
    """Return the policy that reaches one bucket, or one folder of it, as JSON text."""
    arn = f"arn:{service.partition}:s3:::{bucket}"
    actions = tuple(each for each in _OBJECT if each.startswith("s3:Get")) if reads_only else _OBJECT
    statements = [_allow(actions, f"{arn}/{prefix}*")]
    if prefix:
        condition = {"StringLike": {"s3:prefix": [f"{prefix}*"]}}
        statements += [{**_allow(_FOLDER, arn), "Condition": condition}, _allow(("s3:GetBucketLocation",), arn)]
    else:
        statements.append(_allow(_BUCKET, arn))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(actions: tuple[str, ...], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
