"""Isolation is tried: a service where an app's key opens what is not the app's is refused, unless that is accepted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path

import pytest

import addonkit
from addonkit_s3_remote.conformance import of_app, of_operator
from addonkit_s3_remote.local.settings import parse_lines

ACCEPTS = r"run `addonkit config set s3-remote require_isolation=false` if that is what you want"


@contextmanager
def bare(letting: str) -> Iterator[Mapping[str, str]]:
    command = [sys.executable, str(Path(__file__).with_name("bare_s3.py")), letting]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield parse_lines(takewhile(str.strip, process.stdout))
        process.stdin.close()


@pytest.fixture(scope="module")
def services() -> Iterator[Callable[[str], Mapping[str, str]]]:
    """Settings of such services; each is started once, and has a bucket of somebody's."""
    started: dict[str, Mapping[str, str]] = {}
    with ExitStack() as stack:

        def service(letting: str) -> Mapping[str, str]:
            if letting not in started:
                started[letting] = stack.enter_context(bare(letting))
                of_operator(started[letting]).create_bucket(Bucket="everybody")
            return started[letting]

        yield service


def users(settings: Mapping[str, str]) -> list[str]:
    return [each["UserName"] for each in of_operator(settings, "iam").list_users(PathPrefix="/addonkit/")["Users"]]


@pytest.mark.parametrize(
    ("letting", "spec"), [("0", "s3-remote:prefix"), ("inf", "s3-remote:prefix"), ("inf", "s3-remote:bucket")]
)
async def test_a_key_that_opens_more_is_refused_unless_that_is_accepted(
    kit: addonkit.Kit, services: Callable[[str], Mapping[str, str]], letting: str, spec: str
) -> None:
    settings = services(letting)
    folder = {"bucket": "everybody"} if spec == "s3-remote:prefix" else {}
    await kit.set_config("s3-remote", {**settings, **folder})

    with pytest.raises(addonkit.InstanceFailed, match=rf"it lists all of bucket everybody too: .*; {ACCEPTS}") as said:
        await kit.create(spec, app="shop")
    assert "\n" not in str(said.value)
    assert users(settings) == [], "the key of the app is gone"
    await kit.set_config("s3-remote", {"require_isolation": "false"})
    await kit.retry("shop-s3-remote")

    environ = (await kit.environment("shop")).as_dict()
    of_app(environ).list_objects_v2(Bucket="everybody")
    await kit.destroy("shop-s3-remote")
    assert users(settings) == []


async def test_a_service_that_keeps_apps_apart_is_not_bothered(s3kit: addonkit.Kit) -> None:
    for app in ("shop", "blog"):
        assert (await s3kit.create("s3-remote", app=app)).environ()["S3_BUCKET"]
