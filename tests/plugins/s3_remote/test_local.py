"""The local service lets in who has a key, by a header, an address or a form, and judges policies as S3 does."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from addonkit_s3_remote.conformance import of_operator
from addonkit_s3_remote.policies import policy
from addonkit_s3_remote.service import service_of

Client = Callable[..., Any]
BOUNDARY = "parts"


def call(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """Ask without any client library: status and answer."""
    named = {name.replace("_", "-"): value for name, value in {"Content_Type": "", **headers}.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, named, method=method), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def client(local: Mapping[str, str], version: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=local["endpoint"],
        region_name="us-east-1",
        aws_access_key_id=local["access_key"],
        aws_secret_access_key=local["secret_key"],
        config=Config(signature_version=version) if version else None,
    )


@pytest.fixture
def bucket(local: Mapping[str, str]) -> str:
    name = f"box-{time.time_ns()}"
    client(local).create_bucket(Bucket=name)
    return name


@pytest.fixture
def app(local: Mapping[str, str], bucket: str) -> Client:
    """Makes a client of an app that may use the bucket, or one folder of it."""

    def make(prefix: str = "") -> Any:
        iam, name = of_operator(local, "iam"), f"app-{time.time_ns()}"
        iam.create_user(UserName=name)
        document = policy(service_of(local), bucket, prefix)
        iam.put_user_policy(UserName=name, PolicyName="place", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return client({**local, "access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]})

    return make


@pytest.mark.parametrize(
    "path", ["/moto-api/data.json", "/moto-api/", "/moto-api", "/moto-api/reset", "//moto-api/reset", "/%6doto-api/",
             "/latest/meta-data/iam/", "/", "/some-bucket", "/some-bucket/key"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_request_without_a_key_gets_nothing(local: Mapping[str, str], path: str, method: str) -> None:
    status, answer = call(local["endpoint"] + path, method, b"" if method in {"POST", "PUT"} else None)

    assert 400 <= status < 500, answer
    assert local["access_key"].encode() not in answer
    client(local).list_buckets()  # and nothing was reset


@pytest.mark.parametrize("service", ["ec2", "motoapi", "dynamodb"])
def test_another_service_is_not_there(local: Mapping[str, str], service: str) -> None:
    scope = f"{local['access_key']}/20260101/us-east-1/{service}/aws4_request"
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"

    assert call(f"{local['endpoint']}/", Authorization=header)[0] == 403


@pytest.mark.parametrize("header", ["AWS key:signature", "Bearer word", "AWS4-HMAC-SHA256 Credential=x"])
def test_a_header_that_cannot_be_read_is_refused(local: Mapping[str, str], header: str) -> None:
    assert call(f"{local['endpoint']}/box", Authorization=header)[0] == 400


KEYS = ["plain", "a b/ü+&=.txt", "x//y", "%41", "~'()*!"]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("key", KEYS)
def test_a_signed_address_reads_and_writes(local: Mapping[str, str], bucket: str, version: str, key: str) -> None:
    signing, place = client(local, version), {"Bucket": bucket, "Key": key}
    put = signing.generate_presigned_url("put_object", Params={**place, "ContentType": "text/plain"})
    get = signing.generate_presigned_url("get_object", Params=place)

    assert call(put, "PUT", b"hello", Content_Type="text/plain") == (200, b"")
    assert call(get) == (200, b"hello")
    assert client(local).get_object(**place)["Body"].read() == b"hello"
    assert call(get, "DELETE")[0] == 403, "it was signed for reading"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_signed_address_that_is_over_or_changed_is_refused(
    local: Mapping[str, str], bucket: str, version: str
) -> None:
    signing, place = client(local, version), {"Bucket": bucket, "Key": "key"}
    client(local).put_object(**place, Body=b"hello")
    fresh = signing.generate_presigned_url("get_object", Params=place)

    assert call(signing.generate_presigned_url("get_object", Params=place, ExpiresIn=-5))[0] == 403
    assert call(fresh.replace("/key?", "/other?"))[0] == 403
    assert call(fresh.replace(local["access_key"], "AKIAUNKNOWN"))[0] == 403
    assert call(signing.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket}))[0] == 200


def test_a_signed_address_reaches_no_further_than_its_key(local: Mapping[str, str], bucket: str, app: Client) -> None:
    client(local).put_object(Bucket=bucket, Key="outside", Body=b"secret")
    inside = app("mine/").generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "mine/a"})
    outside = app("mine/").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "outside"})

    assert call(inside, "PUT", b"hello")[0] == 200
    assert call(outside)[0] == 403


def test_a_browser_may_ask_whether_it_may_send(local: Mapping[str, str], bucket: str) -> None:
    asked = {"Origin": "http://shop.example", "Access_Control_Request_Method": "PUT"}

    assert call(f"{local['endpoint']}/{bucket}/key", "OPTIONS", **asked)[0] == 200


def send(form: Mapping[str, Any], content: bytes) -> int:
    fields = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    )
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="n.txt"\r\n\r\n'
    body = f"{fields}{file}".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    return call(form["url"], "POST", body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}")[0]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_form_uploads_what_its_policy_allows(
    local: Mapping[str, str], bucket: str, app: Client, version: str
) -> None:
    limits = [["content-length-range", 1, 10]]
    form = client(local, version).generate_presigned_post(bucket, "up/${filename}", Conditions=limits)

    assert send(form, b"hello") == 204
    assert client(local).get_object(Bucket=bucket, Key="up/n.txt")["Body"].read() == b"hello"
    assert send(form, b"more than ten bytes") == 403
    assert send({**form, "fields": {**form["fields"], "key": "elsewhere"}}, b"hello") == 403
    over = client(local, version).generate_presigned_post(bucket, "up", ExpiresIn=-5)
    assert send(over, b"hello") == 403
    assert send(app("mine/").generate_presigned_post(bucket, "mine/a"), b"hello") == 204
    assert send(app("mine/").generate_presigned_post(bucket, "outside"), b"hello") == 403


def test_a_folder_is_all_that_its_key_lists_copies_and_removes(
    local: Mapping[str, str], bucket: str, app: Client
) -> None:
    for key in ("mine/a", "theirs/b"):
        client(local).put_object(Bucket=bucket, Key=key, Body=b"x")
    mine, place = app("mine/"), {"Bucket": bucket}

    assert mine.list_objects_v2(**place, Prefix="mine/")["KeyCount"] == 1
    mine.copy_object(**place, Key="mine/c", CopySource={**place, "Key": "mine/a"})
    assert "Errors" not in mine.delete_objects(**place, Delete={"Objects": [{"Key": "mine/a"}, {"Key": "mine/c"}]})
    for refused in (
        lambda: mine.list_objects_v2(**place),
        lambda: mine.list_object_versions(**place, Prefix="theirs/"),
        lambda: mine.copy_object(**place, Key="mine/d", CopySource={**place, "Key": "theirs/b"}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    answer = mine.delete_objects(**place, Delete={"Objects": [{"Key": "mine/a"}, {"Key": "theirs/b"}]})
    assert {each["Code"] for each in answer["Errors"]} == {"AccessDenied"}
    assert client(local).get_object(**place, Key="theirs/b")["Body"].read() == b"x"


def test_a_wrong_secret_removes_nothing(local: Mapping[str, str], bucket: str) -> None:
    client(local).put_object(Bucket=bucket, Key="key", Body=b"x")

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client({**local, "secret_key": "wrong"}).delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "key"}]})

    assert client(local).get_object(Bucket=bucket, Key="key")["Body"].read() == b"x"
