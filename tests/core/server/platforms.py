"""A platform that speaks the Open Service Broker API."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import attrs

from .conftest import Answer, Client, Served

ORG = {"organization_guid": "org", "space_guid": "space"}
ASYNC = "?accepts_incomplete=true"


@attrs.define
class Platform:
    """A platform of the broker."""

    ask: Client
    credentials: str = ""
    version: str = "2.17"
    service: dict[str, Any] = attrs.field(factory=dict)
    headers: dict[str, str] = attrs.field(factory=dict)

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        given = {"X-Broker-API-Version": self.version, "Authorization": self.credentials}
        given |= self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask(method, f"/broker/v2{path}", body, **{k: v for k, v in given.items() if v})

    async def raw(self, method: str, path: str, body: bytes, kind: str = "application/json") -> int:
        """The status of the answer to a body that may be none."""
        headers = {"X-Broker-API-Version": "2.17", "Authorization": self.credentials, "Content-Type": kind}
        url = f"{self.ask.base}/broker/v2{path}"
        async with self.ask.session.request(method, url, data=body, headers=headers) as answer:
            return answer.status

    def ids(self, plan: str = "small") -> dict[str, str]:
        (found,) = [each["id"] for each in self.service["plans"] if each["name"] == plan]
        return {"service_id": self.service["id"], "plan_id": found}

    @property
    def query(self) -> str:
        ids = self.ids()
        return f"service_id={ids['service_id']}&plan_id={ids['plan_id']}"

    async def ended(self, path: str) -> dict[str, Any]:
        while True:
            answer = await self("GET", f"{path}/last_operation")
            assert answer.status == 200, answer.text
            if answer.data["state"] != "in progress":
                return answer.data
            await asyncio.sleep(0.02)

    async def provision(self, id: str, plan: str = "small", **more: Any) -> Answer:
        return await self("PUT", f"/service_instances/{id}{ASYNC}", {**self.ids(plan), **ORG, **more})

    async def bind(self, id: str, binding: str, **more: Any) -> Answer:
        return await self("PUT", f"/service_instances/{id}/service_bindings/{binding}", {**self.ids(), **more})


async def platform_of(found: Served) -> Platform:
    made = await found.client("POST", "/v1/tokens", {"name": "cf", "role": "operator"})
    word = base64.b64encode(f"cf:{made.data['text']}".encode()).decode()
    platform = Platform(found.client, f"Basic {word}")
    (platform.service,) = (await platform("GET", "/catalog")).data["services"]
    return platform
