"""What is asked of the service, as its administrator. Every call is safe to repeat."""

from collections.abc import Mapping
from typing import Any

from addonkit import (
    AddonkitError,
    NotConfigured,
    NothingDone,
    Secret,
    TransientError,
    reveal,
)


class Unusable(NotConfigured, NothingDone):
    """The settings do not lead to the service: nothing was done, so nothing is to be undone."""


class Unreachable(TransientError, NothingDone):
    """There was no connection: nothing was done, and it is worth another try."""


async def create_account(settings: Mapping[str, Any], name: str, password: Secret) -> None:
    """Make an account with that password, or give it that password when it is there."""
    await _call(settings, "PUT", name, password.reveal())


async def delete_account(settings: Mapping[str, Any], name: str, made_on: str = "") -> None:
    """Remove an account with its data; does nothing when it is not there.

    Raises:
        AddonkitError: it is not there, and was made on another endpoint: there it still is.
    """
    there = await _call(settings, "DELETE", name) != 404
    if not there and made_on not in {"", settings["endpoint"]}:
        raise AddonkitError(
            f"removing account {name}",
            f"it is not on {settings['endpoint']}; it was made on {made_on}",
            f"run `addonkit config set acme endpoint={made_on}`, or destroy with --forget when that service is gone",
        )


async def _call(settings: Mapping[str, Any], method: str, name: str, body: str | None = None) -> int:
    """Call the service; the status of its answer, 404 only when what is to be removed is not there.

    Raises:
        Unusable: a setting is missing or wrong, or the service refuses the token.
        Unreachable: there is no connection.
        TransientError: no answer, or a passing one, although the service may have done it; the step is tried again.
        AddonkitError: the service refuses for another reason.
    """
    import aiohttp

    endpoint, token = settings["endpoint"], reveal(settings["token"])
    attempted = f"working on account {name} at {endpoint}"
    if not endpoint.startswith(("http://", "https://")):
        raise Unusable(attempted, "the endpoint is not a URL", "run `addonkit config set acme endpoint=https://...`")
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=30, connect=10)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            session.request(method, f"{endpoint.rstrip('/')}/accounts/{name}", data=body) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        advice = f"run `curl -i {endpoint}`, or `addonkit config set acme endpoint=...`"
        raise Unreachable(attempted, f"it cannot be reached: {error}", advice) from error
    except (aiohttp.InvalidURL, ValueError) as error:
        advice = "set them with: addonkit config set acme endpoint=... token=-"
        raise Unusable(attempted, "the endpoint or the token cannot be used", advice) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransientError(attempted, f"it does not answer: {error or type(error).__name__}") from error
    if status in {401, 403}:
        raise Unusable(attempted, "it refuses the token", "run `addonkit config set acme token=-`")
    if status == 429 or status >= 500:
        raise TransientError(attempted, f"it answers {status}")
    if status >= 400 and not (method == "DELETE" and status == 404):
        raise AddonkitError(attempted, f"it answers {status}", f"look at it: {endpoint}")
    return status
