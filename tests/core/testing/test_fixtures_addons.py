"""What a fresh one is, of addons that cannot copy: an instance of its own, in projects of app developers."""

from __future__ import annotations

import pytest

from addonkit_s3_remote.local import local_service

VALKEY = """
import valkey

def keys(given):
    with valkey.Valkey.from_url(given.url, decode_responses=True) as client:
        prefix = given.environ.get("VALKEY_PREFIX", "")
        return [client.get(f"{prefix}who"), client.set(f"{prefix}who", "me")]

def prepare(environ):
    note("prepared", environ["VALKEY_PORT"])

@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("variant", ["small", "shared"])
def test_is_empty(addon, variant, number):
    given = addon(f"valkey:{variant}", prepare=prepare)
    note(variant, given.environ["VALKEY_PORT"])
    assert keys(given)[0] is None
    assert keys(given)[0] == "me"
"""

S3 = """
import boto3

@pytest.mark.parametrize("number", [1, 2])
def test_is_empty(addon, number):
    given = addon("s3-remote")
    note("buckets", given.environ["S3_BUCKET"])
    client = boto3.Session().client("s3")  # the default session remembers the first key it saw
    bucket = given.environ["S3_BUCKET"]
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="who", Body=b"me")
"""


def test_a_store_is_a_server_or_a_prefix_of_its_own(project):
    project.write(VALKEY)

    ended = project.run("-n", "2")

    assert ended.status == 0, ended.output
    assert len(project.noted("small")) == 2
    assert len(set(project.noted("shared"))) == 1, "the shared server stays for the session"
    assert len(project.noted("prepared")) == 4, "what cannot be copied is prepared each time"
    project.expect_nothing()


@pytest.mark.slow
def test_a_bucket_is_one_of_its_own(project):
    project.write(S3)
    with local_service() as settings:
        ended = project.run(**{f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in settings.items()})
        left = buckets(settings)

    assert ended.status == 0, ended.output
    assert len(set(project.noted("buckets"))) == 2
    assert left == []
    project.expect_nothing()


def buckets(settings: dict[str, str]) -> list[str]:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=settings["endpoint"],
        region_name="us-east-1",
        aws_access_key_id=settings["access_key"],
        aws_secret_access_key=settings["secret_key"],
    )
    return [each["Name"] for each in client.list_buckets()["Buckets"]]
