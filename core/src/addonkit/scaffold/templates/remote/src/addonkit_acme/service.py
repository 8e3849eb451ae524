"""What is asked of the service, as its administrator. Every call is safe to repeat."""

from collections.abc import Mapping
from typing import Any

from addonkit import NotConfigured, Secret, TransientError, reveal


async def create_account(settings: Mapping[str, Any], name: str, password: Secret) -> None:
    """Make an account with that password, or give it that password when it is there."""
    await _call(settings, "PUT", name, password.reveal())


async def delete_account(settings: Mapping[str, Any], name: str) -> None:
    """Remove an account with its data. What is gone is success."""
    await _call(settings, "DELETE", name)


async def _call(settings: Mapping[str, Any], method: str, name: str, body: str | None = None) -> None:
    """Call the service.

    Raises:
        NotConfigured: it does not know the token.
        TransientError: it does not answer, or not now; the step is tried again.
    """
    import aiohttp

    attempted = f"working on account {name} at {settings['endpoint']}"
    headers = {"Authorization": f"Bearer {reveal(settings['token'])}"}
    timeout = aiohttp.ClientTimeout(total=30)
    try:
        async with (
            aiohttp.ClientSession(settings["endpoint"], headers=headers, timeout=timeout) as session,
            session.request(method, f"/accounts/{name}", data=body) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransientError(attempted, f"it does not answer: {error}") from error
    if status in {401, 403}:
        raise NotConfigured(attempted, "it refuses the token", "set it with: addonkit config set acme token=-")
    if status >= 400 and not (method == "DELETE" and status == 404):
        raise TransientError(attempted, f"it answers {status}")
