"""Common clients work with exactly what `addonkit run` gives, whatever the shell says of AWS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from addonkit.testing.command import CommandLine

HOSTILE = {
    "AWS_PROFILE": "production",
    "AWS_DEFAULT_PROFILE": "production",
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
    "AWS_SESSION_TOKEN": "of-another-session",
    "AWS_SECURITY_TOKEN": "of-another-session",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/another",
    "AWS_ROLE_SESSION_NAME": "another",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/credentials",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "another",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_CA_BUNDLE": "/nonexistent/bundle.pem",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
    "AWS_ACCESS_KEY_ID": "another",
    "AWS_SECRET_ACCESS_KEY": "another",
    "AWS_ACCESS_KEY": "another",
    "AWS_SECRET_KEY": "another",
    "AWS_REGION": "xx-nowhere-1",
    "AWS_S3_ACCESS_KEY_ID": "another",
    "FSSPEC_S3_ENDPOINT_URL": "http://127.0.0.1:1",
    "FSSPEC_S3_KEY": "another",
    "RCLONE_S3_ENDPOINT": "http://127.0.0.1:1",
    "RCLONE_S3_ACCESS_KEY_ID": "another",
    "S3_PREFIX": "of-another-app/",
}

BOTO3 = """
import os, boto3
s3, bucket, prefix = boto3.client("s3"), os.environ["S3_BUCKET"], os.environ.get("S3_PREFIX", "")
s3.put_object(Bucket=bucket, Key=prefix + "a b", Body=b"hello")
print(s3.get_object(Bucket=bucket, Key=prefix + "a b")["Body"].read().decode())
print([each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]] == [prefix + "a b"])
s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": prefix + "a b"}]})
"""
S3FS = """
import os, fsspec
place = os.environ["S3_URL"].rstrip("/")
with fsspec.open(place + "/a b", "w") as file:
    file.write("hello")
with fsspec.open(place + "/a b") as file:
    print(file.read().decode())
fs, _ = fsspec.core.url_to_fs(place)
print([each.rpartition("/")[2] for each in fs.ls(place)] == ["a b"])
fs.rm(place, recursive=True) if os.environ.get("S3_PREFIX") else fs.rm(place + "/a b")
"""
JAVASCRIPT = """
const { S3Client, PutObjectCommand, GetObjectCommand, ListObjectsV2Command, DeleteObjectsCommand } =
  require("@aws-sdk/client-s3");
(async () => {
  const s3 = new S3Client({ forcePathStyle: true });
  const Bucket = process.env.S3_BUCKET, prefix = process.env.S3_PREFIX || "", Key = prefix + "a b";
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: "hello" }));
  console.log(await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToString());
  const found = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
  console.log(found.Contents.map((each) => each.Key).join() === Key ? "True" : "False");
  await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
})().catch((error) => { console.error(error); process.exit(1); });
"""
RCLONE = """
set -e
place=":s3,provider=Other,env_auth:$S3_BUCKET/${S3_PREFIX:-}"
printf hello | rclone --config /dev/null rcat --s3-no-check-bucket --s3-endpoint "$AWS_ENDPOINT_URL_S3" "$place/a b"
rclone --config /dev/null cat --s3-endpoint "$AWS_ENDPOINT_URL_S3" "$place/a b"; echo
[ "$(rclone --config /dev/null lsf --s3-endpoint "$AWS_ENDPOINT_URL_S3" "$place")" = "a b" ] && echo True
rclone --config /dev/null deletefile --s3-endpoint "$AWS_ENDPOINT_URL_S3" "$place/a b"
"""
PYTHON = {"boto3": BOTO3, "s3fs": S3FS}


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The AWS SDK for JavaScript, kept between runs."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    folder = request.config.cache.mkdir("aws-sdk-javascript")
    if not (folder / "node_modules" / "@aws-sdk" / "client-s3").is_dir():
        draft = tmp_path_factory.mktemp("javascript")
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(draft), "@aws-sdk/client-s3@3"]
        subprocess.run(npm, check=True, timeout=300, stdin=subprocess.DEVNULL)
        shutil.copytree(draft / "node_modules", folder / "node_modules", dirs_exist_ok=True, symlinks=True)
    return folder / "node_modules"


@pytest.fixture
def argv(client: str, request: pytest.FixtureRequest) -> list[str]:
    """The program of an app that uses the client."""
    if client in PYTHON:
        return [sys.executable, "-c", PYTHON[client]]
    if client == "rclone":
        return ["sh", "-c", RCLONE]
    modules = request.getfixturevalue("node_modules")
    return ["env", f"NODE_PATH={modules}", "node", "-e", JAVASCRIPT]


@pytest.mark.timeout(400)
@pytest.mark.all_day("boto3-prefix", "rclone-prefix")
@pytest.mark.parametrize("variant", ["prefix", "bucket"])
@pytest.mark.parametrize("client", ["boto3", "s3fs", "javascript", "rclone"])
def test_a_client_reads_writes_lists_and_removes(
    home: Path, service_of: Mapping[str, str], client: str, variant: str, argv: list[str]
) -> None:
    settings = service_of("s3-remote")  # type: ignore[operator]
    told = {f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in settings.items()}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = CommandLine(home, {**HOSTILE, **told, "PATH": path})
    assert command("create", f"s3-remote:{variant}", "-a", "shop").status == 0

    used = command("run", "-a", "shop", "--", *argv)

    assert used.out.splitlines() == ["hello", "True"], used.err
    command("destroy", "s3-remote", "-a", "shop", "--yes")


def test_what_belongs_to_the_operator_or_to_the_shell_does_not_reach_an_app(
    home: Path, service_of: Mapping[str, str]
) -> None:
    settings = service_of("s3-remote")  # type: ignore[operator]
    told = {f"ADDONKIT_S3_REMOTE_{name.upper()}": value for name, value in settings.items()}
    command = CommandLine(home, {**HOSTILE, **told})
    assert command("create", "s3-remote", "-a", "shop").status == 0

    lines = command("run", "-a", "shop", "--", "env").out.splitlines()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    shown = {each["key"] for each in command("env", "-a", "shop", "--json").data["variables"]}

    assert settings["secret_key"] not in "\n".join(lines)
    assert settings["access_key"] not in "\n".join(lines)
    assert not [name for name in seen if name.startswith("ADDONKIT_")]
    assert {name for name in seen if name.startswith(("AWS_", "S3_", "FSSPEC_", "RCLONE_S3"))} == shown
    assert not set(HOSTILE.values()) & {seen[name] for name in shown} - {"true"}
    command("destroy", "s3-remote", "-a", "shop", "--yes")
