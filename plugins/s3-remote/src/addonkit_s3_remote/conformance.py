"""Uses a bucket as an app does: through its variables alone. For the conformance kit; needs the extra `local`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, ClassVar
from unittest.mock import patch

from addonkit.testing import ConformanceClient
from addonkit_s3_remote.local import local_service

SHARED = "kit-shared"
"""The bucket that holds the folders of the variant `prefix`."""

_OF_OBJECTS = (
    *("put_object", "head_object", "get_object", "get_object_tagging", "put_object_tagging"),
    *("create_multipart_upload", "delete_object_tagging", "delete_object"),
)
_LISTED = ("list_objects_v2", "list_object_versions", "list_multipart_uploads")
_OF_BUCKETS = ("delete_bucket", "put_bucket_policy", "put_bucket_acl", "delete_bucket_policy", "create_bucket")

_ALLOWED = tuple(f"s3 {each}" for each in (*_OF_OBJECTS, *_LISTED, "get_bucket_location"))
_REFUSED = (
    *(f"s3 {each}" for each in _OF_BUCKETS),
    *("iam list_users", "iam create_user", "iam create_access_key", "iam put_user_policy", "iam list_access_keys"),
)
_READS = tuple(
    f"s3 {each}" for each in ("get_object", "head_object", "get_object_tagging", *_LISTED, "get_bucket_location")
)
_DESCRIBED = "described object"
_LARGE = "object in parts"
_PARTS = 17 * 1024 * 1024
"""Bytes past which an object is written in parts."""

_running: dict[str, str] = {}
"""Settings of the service that runs."""

_MORE: dict[str, dict[str, Any]] = {"put_object_tagging": {"Tagging": {"TagSet": [{"Key": "kit", "Value": "right"}]}}}


class Client(ConformanceClient):
    """Values in objects."""

    not_applicable: ClassVar[Mapping[str, str]] = {
        "sessions_end_with_the_login": "S3 keeps no sessions: each request is signed",
        "an_app_sees_no_statement_of_another": "S3 shows no requests",
        "the_server_is_what_the_variant_says": "S3 tells nothing of its version and limits",
    }

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        of_app(environ).put_object(Bucket=environ["S3_BUCKET"], Key=_key(environ, key), Body=value.encode())

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """Return the value, None without one."""
        client = of_app(environ)
        try:
            found = client.get_object(Bucket=environ["S3_BUCKET"], Key=_key(environ, key))
        except client.exceptions.NoSuchKey:
            return None
        content: bytes = found["Body"].read()
        return content.decode()

    def keys(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return all objects of the bucket, or of its folder: past that, a key may not list."""
        found = of_app(environ).list_objects_v2(Bucket=environ["S3_BUCKET"], Prefix=environ.get("S3_PREFIX", ""))
        return [str(each["Key"]) for each in found.get("Contents", ())]

    def knows(self, environ: Mapping[str, str]) -> bool:
        """Return whether the key counts: the service looks at it before it looks at what that may do."""
        from botocore.exceptions import ClientError

        try:
            of_app(environ).list_buckets()
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "AccessDenied")
        return True

    def listing(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return buckets and users, where they are shown."""
        from botocore.exceptions import ClientError

        found: list[str] = []
        with suppress(ClientError):
            found += [str(each["Name"]) for each in of_app(environ).list_buckets()["Buckets"]]
        with suppress(ClientError):
            found += [str(each["UserName"]) for each in of_app(environ, "iam").list_users()["Users"]]
        return found

    def facts(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return the settings of a bucket. The key of an app does not show them, so the operator asks."""
        if "S3_PREFIX" in environ:
            return {}
        operator, bucket = of_operator(_running), environ["S3_BUCKET"]
        versioning = operator.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
        return {"versioning": "on" if versioning else "off", "expire_days": str(_expire_days(operator, bucket))}

    def rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return requests, each as `SERVICE OPERATION`."""
        del environ
        return dict.fromkeys(_ALLOWED, True) | dict.fromkeys(_REFUSED, False)

    def reader_rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return requests that read, and those that change something."""
        del environ
        refused = [each for each in (*_ALLOWED, *_REFUSED) if each not in _READS]
        return dict.fromkeys(_READS, True) | dict.fromkeys(refused, False)

    def kinds(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return objects about which more is said, and those that are written in parts."""
        del environ
        return (_DESCRIBED, _LARGE)

    def make(self, environ: Mapping[str, str], kind: str) -> None:
        """Put one."""
        _put(environ, kind, "kept")

    def change(self, environ: Mapping[str, str], kind: str) -> bool:
        """Let the last bytes, or what is said, be other ones."""
        _put(environ, kind, "lost")
        return True

    def look(self, environ: Mapping[str, str], kind: str) -> str:
        """Return what it is."""
        client, place = of_app(environ), {"Bucket": environ["S3_BUCKET"], "Key": _key(environ, kind)}
        found, tags = client.get_object(**place), client.get_object_tagging(**place)["TagSet"]
        content: bytes = found["Body"].read()
        return f"{len(content)} bytes, {content[-4:]!r}, {found['ContentType']}, {found['Metadata']}, {tags}"

    def attempt(self, environ: Mapping[str, str], action: str) -> None:
        """Send a request about the app's own bucket, an object in its folder, or a user."""
        from botocore.exceptions import ClientError

        kind, operation = action.split()
        try:
            getattr(of_app(environ, kind), operation)(**_arguments(operation, environ))
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
                raise

    @contextmanager
    def service(self) -> Iterator[Mapping[str, str]]:
        """Yield a service with IAM, and a bucket for folders."""
        with local_service() as settings:
            of_operator(settings).create_bucket(Bucket=SHARED)
            with patch.dict(_running, settings):
                yield {**settings, "bucket": SHARED}

    def left_behind(self, settings: Mapping[str, str]) -> Collection[str]:
        """Return buckets, objects in the shared one, and users."""
        s3, iam = of_operator(settings), of_operator(settings, "iam")
        buckets = [f"bucket {each['Name']}" for each in s3.list_buckets()["Buckets"]]
        objects = [f"object {each['Key']}" for each in s3.list_objects_v2(Bucket=SHARED).get("Contents", ())]
        users = [f"user {each['UserName']}" for each in iam.list_users()["Users"]]
        return [*buckets, *objects, *users]


def _put(environ: Mapping[str, str], kind: str, word: str) -> None:
    place = {"Bucket": environ["S3_BUCKET"], "Key": _key(environ, kind)}
    if kind == _LARGE:
        of_app(environ).put_object(**place, Body=bytes(_PARTS) + word.encode())
        return
    said = {"ContentType": "text/csv", "Metadata": {"word": word}, "Tagging": f"word={word}"}
    of_app(environ).put_object(**place, Body=b"a,b", **said)


def _expire_days(operator: Any, bucket: str) -> int:
    """Return after how many days objects of a bucket are deleted; 0 is never."""
    from botocore.exceptions import ClientError

    try:
        rules = operator.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError:
        return 0
    return next((int(each["Expiration"]["Days"]) for each in rules if each["Status"] == "Enabled"), 0)


def _arguments(operation: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what an operation needs; harmless if it is let through."""
    bucket = {"Bucket": environ["S3_BUCKET"]}
    if operation in _OF_OBJECTS:
        return bucket | {"Key": _key(environ, "right")} | _MORE.get(operation, {})
    if operation in _LISTED:
        return bucket | {"Prefix": environ.get("S3_PREFIX", "")}
    given: dict[str, dict[str, Any]] = {
        "create_bucket": {"Bucket": "kit-rights"},
        "put_bucket_policy": {**bucket, "Policy": "{}"},
        "put_bucket_acl": {**bucket, "ACL": "private"},
        "delete_bucket": bucket,
        "delete_bucket_policy": bucket,
        "get_bucket_location": bucket,
        "create_user": {"UserName": "kit-rights"},
        "put_user_policy": {"UserName": "kit-rights", "PolicyName": "kit-rights", "PolicyDocument": "{}"},
    }
    return given.get(operation, {})


def of_app(environ: Mapping[str, str], kind: str = "s3") -> Any:
    """Return a client as an app makes it of its variables, of `s3` or `iam`; each request is sent once."""
    return _client(
        kind,
        environ["AWS_ENDPOINT_URL_S3"],
        environ["AWS_REGION"],
        (environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]),
    )


def of_operator(settings: Mapping[str, str], kind: str = "s3") -> Any:
    """Return a client of the operator's, of `s3` or `iam`."""
    return _client(kind, settings["endpoint"], "us-east-1", (settings["access_key"], settings["secret_key"]))


@lru_cache(maxsize=16)
def _client(kind: str, url: str, region: str, key: tuple[str, str]) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        kind,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def _key(environ: Mapping[str, str], key: str) -> str:
    return environ.get("S3_PREFIX", "") + key
