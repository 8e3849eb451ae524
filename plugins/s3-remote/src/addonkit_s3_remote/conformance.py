"""How an app uses a bucket: through its variables alone. For the conformance kit; needs the extra `local`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from addonkit.testing import ConformanceClient
from addonkit_s3_remote.local import local_service

SHARED = "kit-shared"
"""The bucket that holds the folders of the variant `prefix`."""


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
        """The value, None without one."""
        client = of_app(environ)
        try:
            found = client.get_object(Bucket=environ["S3_BUCKET"], Key=_key(environ, key))
        except client.exceptions.NoSuchKey:
            return None
        content: bytes = found["Body"].read()
        return content.decode()

    def keys(self, environ: Mapping[str, str]) -> Collection[str]:
        """All objects of the bucket, or of its folder: past that, a key may not list."""
        found = of_app(environ).list_objects_v2(Bucket=environ["S3_BUCKET"], Prefix=environ.get("S3_PREFIX", ""))
        return [str(each["Key"]) for each in found.get("Contents", ())]

    def listing(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return buckets and users, where they are shown."""
        from botocore.exceptions import ClientError

        found: list[str] = []
        with suppress(ClientError):
            found += [str(each["Name"]) for each in of_app(environ).list_buckets()["Buckets"]]
        with suppress(ClientError):
            found += [str(each["UserName"]) for each in of_app(environ, "iam").list_users()["Users"]]
        return found

    @contextmanager
    def service(self) -> Iterator[Mapping[str, str]]:
        """A service with IAM, and a bucket for folders."""
        with local_service() as settings:
            of_operator(settings).create_bucket(Bucket=SHARED)
            yield {**settings, "bucket": SHARED}

    def left_behind(self, settings: Mapping[str, str]) -> Collection[str]:
        """Buckets, objects in the shared one, and users."""
        s3, iam = of_operator(settings), of_operator(settings, "iam")
        buckets = [f"bucket {each['Name']}" for each in s3.list_buckets()["Buckets"]]
        objects = [f"object {each['Key']}" for each in s3.list_objects_v2(Bucket=SHARED).get("Contents", ())]
        users = [f"user {each['UserName']}" for each in iam.list_users()["Users"]]
        return [*buckets, *objects, *users]


def of_app(environ: Mapping[str, str], kind: str = "s3") -> Any:
    """A client as an app makes it of its variables, of `s3` or `iam`; each request is sent once."""
    return _client(
        kind,
        environ["AWS_ENDPOINT_URL_S3"],
        environ["AWS_REGION"],
        (environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]),
    )


def of_operator(settings: Mapping[str, str], kind: str = "s3") -> Any:
    """A client of the operator's, of `s3` or `iam`."""
    return _client(kind, settings["endpoint"], "us-east-1", (settings["access_key"], settings["secret_key"]))


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
