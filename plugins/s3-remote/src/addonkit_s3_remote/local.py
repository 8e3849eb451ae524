"""A local S3 service with IAM, for trying the addon out and for tests: `python -m addonkit_s3_remote.local`.

Needs the extra `local`. It prints the settings that lead to it, as variables of the environment, and serves until stdin
ends or it is interrupted. It listens on loopback, keeps everything in memory and forgets it at its end. Whoever
knows no key is refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from subprocess import PIPE, Popen
from typing import Any, Final

OPERATOR: Final = "operator"

_MAY_EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}

_PREFIX: Final = "ADDONKIT_S3_REMOTE_"


@contextmanager
def local_service() -> Iterator[Mapping[str, str]]:
    """Run one beside this process, which ends with it; gives the settings that an operator would tell the addon."""
    command = [sys.executable, "-m", "addonkit_s3_remote.local"]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:  # noqa: S603 - this module itself
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            lines = list(takewhile(str.strip, process.stdout))
            if not lines:
                raise RuntimeError("the local S3 service did not start; is addonkit-s3-remote[local] installed?")
            settings = dict(line.strip().split("=", 1) for line in lines)
            yield {name.removeprefix(_PREFIX).lower(): value for name, value in settings.items()}
        finally:
            process.stdin.close()
            process.wait()


def serve() -> Mapping[str, str]:
    """Start it in a thread of this process."""
    # Read when moto is imported: this many calls are let through before keys count, which make the operator.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    _host, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    key = asyncio.run(_make_operator(endpoint))
    return {"endpoint": endpoint, "allow_http": "true"} | key


async def _make_operator(endpoint: str) -> dict[str, str]:
    from aiobotocore.session import get_session

    options: dict[str, Any] = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    async with get_session().create_client("iam", region_name="us-east-1", endpoint_url=endpoint, **options) as iam:
        await iam.create_user(UserName=OPERATOR)
        document = json.dumps(_MAY_EVERYTHING)
        await iam.put_user_policy(UserName=OPERATOR, PolicyName="everything", PolicyDocument=document)
        key = (await iam.create_access_key(UserName=OPERATOR))["AccessKey"]
    return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


def main() -> None:
    """Serve until stdin ends."""
    settings = serve()
    lines = [f"{_PREFIX}{name.upper()}={value}\n" for name, value in settings.items()]
    sys.stdout.write("".join([*lines, "\n"]))
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        sys.stdin.read()


if __name__ == "__main__":
    main()
