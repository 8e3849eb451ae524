"""What the operator told becomes a service, or a line about what is wrong."""

from __future__ import annotations

import json

import pytest

from addonkit import InvalidInput, Secret, TransientError
from addonkit_s3_remote.faults import Refused, refused
from addonkit_s3_remote.policies import policy
from addonkit_s3_remote.service import Key, service_of

TOLD = {"endpoint": "https://s3.example.org", "access_key": "AK", "secret_key": Secret("hidden")}


def test_what_is_not_told_has_a_default() -> None:
    service = service_of(TOLD)

    assert service.key == Key(Secret("AK"), Secret("hidden"))
    assert (service.region, service.static, service.path_style) == ("us-east-1", False, True)
    assert service.iam_endpoint == service.endpoint == "https://s3.example.org"


@pytest.mark.parametrize(
    ("endpoint", "iam"),
    [
        ("https://s3.eu-west-1.amazonaws.com", None),
        ("https://s3.cn-north-1.amazonaws.com.cn", None),
        ("https://amazonaws.com.example.org", "https://amazonaws.com.example.org"),
    ],
)
def test_iam_is_where_s3_is_but_for_aws(endpoint: str, iam: str | None) -> None:
    assert service_of(TOLD | {"endpoint": endpoint}).iam_endpoint == iam


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"endpoint": "http://s3.example.org"}, "without TLS"),
        ({"endpoint": "s3.example.org"}, "not a URL"),
        ({"endpoint": "https://"}, "not a URL"),
        ({"endpoint": "https://s3.example.org?x=1"}, "more than a host"),
        ({"iam_endpoint": "http://iam.example.org"}, "without TLS"),
        ({"endpoint": "https://me:word@s3.example.org"}, "holds credentials"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(settings: dict[str, str], line: str) -> None:
    with pytest.raises(InvalidInput, match=line) as found:
        service_of(TOLD | settings)

    assert "word" not in str(found.value)


@pytest.mark.parametrize(
    ("code", "status", "line"),
    [
        ("SignatureDoesNotMatch", 403, "secret_key=-"),
        ("InvalidAccessKeyId", 403, "does not know the access key"),
        ("InvalidClientTokenId", 403, "does not know the access key"),
        ("RequestTimeTooSkewed", 403, "set the clock right"),
        ("AccessDenied", 403, "does not allow it"),
        ("AuthorizationHeaderMalformed", 400, "region is wrong"),
        ("BucketNotEmpty", 409, "BucketNotEmpty: said"),
        ("NotImplemented", 501, "NotImplemented: said"),
    ],
)
def test_what_stays_is_said_in_one_line(code: str, status: int, line: str) -> None:
    error = refused("creating bucket x", code, "said", status)

    assert isinstance(error, Refused)
    assert (error.code, str(error).startswith("creating bucket x: ")) == (code, True)
    assert line in str(error)


@pytest.mark.parametrize(
    ("code", "status"), [("SlowDown", 503), ("Throttling", 400), ("InternalError", 500), ("X", 502)]
)
def test_what_passes_is_tried_again(code: str, status: int) -> None:
    assert isinstance(refused("creating bucket x", code, "", status), TransientError)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-east-1", "aws-us-gov")]
)
def test_a_policy_names_its_bucket_and_nothing_else(region: str, partition: str) -> None:
    document = json.loads(policy(service_of(TOLD | {"region": region}), "box"))

    resources = {statement["Resource"] for statement in document["Statement"]}
    assert resources == {f"arn:{partition}:s3:::box", f"arn:{partition}:s3:::box/*"}
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}


def test_a_policy_of_a_folder_lists_only_that() -> None:
    document = json.loads(policy(service_of(TOLD), "box", "shop-1/"))

    for statement in document["Statement"]:
        if "s3:ListBucket" in statement["Action"]:
            assert statement["Condition"] == {"StringLike": {"s3:prefix": ["shop-1/*"]}}
        elif "s3:GetObject" in statement["Action"]:
            assert statement["Resource"] == "arn:aws:s3:::box/shop-1/*"
        else:
            assert statement["Action"] == ["s3:GetBucketLocation"]
