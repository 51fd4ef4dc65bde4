"""The recipe for connecting a switch, followed to the letter."""

import asyncio
import hashlib
import hmac
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.architecture.tree import ROOT
from tests.support.http_receiver import Receiver, http_receiver
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

RECIPE = (ROOT / "docs" / "recipes" / "connect-a-switch.md").read_text(encoding="utf-8")
KEY = "the key of the connector"


def blocks(language: str) -> list[str]:
    """The blocks of that kind, in order."""
    return re.findall(rf"```{language}[^\n]*\n(.*?)```", RECIPE, re.DOTALL)


@pytest.fixture
async def connector() -> AsyncIterator[Receiver]:
    async with http_receiver() as receiver:
        yield receiver


@pytest.fixture
async def hub(tmp_path: Path, connector: Receiver) -> AsyncIterator[HubProcess]:
    (configuration,) = blocks("toml")
    (tmp_path / "connector").write_text(KEY)
    configuration = configuration.replace("https://pbx.example.com", connector.url)
    (tmp_path / "hub.toml").write_text(configuration.replace("/run/secrets/connector", str(tmp_path / "connector")))
    settings = {"HUB_CONFIG": str(tmp_path / "hub.toml"), "HUB_WEBHOOK_PRIVATE": "1"}
    process = HubProcess(tmp_path / "hub", secret=SECRET, settings=settings)
    await asyncio.to_thread(process.start)
    yield process
    await asyncio.to_thread(process.terminate)


def run(command: str, hub: HubProcess) -> Any:
    """A command of the recipe, in a shell."""
    tokens = {"TOKEN": mint("connector", "ROLE_CLIENT_SERVICE"), "ALICE": mint("alice")}
    environment = {**os.environ, **tokens, "HUB": hub.url, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["bash", "-euc", command], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    return json.loads(done.stdout)


async def ask(hub: HubProcess, path: str, body: object, *, user: str = "alice", role: str = "ROLE_AGENT") -> None:
    headers = {"Authorization": f"Bearer {mint(user, role)}"}
    async with httpx2.AsyncClient(base_url=f"{hub.url}/api/v2", headers=headers, trust_env=False) as client:
        reply = await (client.get(path) if body is None else client.post(path, json=body))
    assert reply.json()["statusCode"] == 0, reply.text


def is_genuine(header: str, body: bytes) -> bool:
    time, _, signature = header.removeprefix("t=").partition(",v1=")
    wanted = hmac.new(KEY.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature, wanted)


async def test_the_recipe_works(hub: HubProcess, connector: Receiver) -> None:
    await ask(hub, "/me", None)
    await ask(hub, "/devices", {"phoneNumber": "1001", "userId": "alice"}, user="adam", role="ROLE_ADMIN")
    await ask(hub, "/me", {"operationName": "StartContactCenterSession", "channels": ["voice"]})
    dial = {"operationName": "Dial", "destination": {"phoneNumber": "+15550001111"}, "userData": {"customer": "17"}}
    await ask(hub, "/me/calls", dial)
    await connector.asked()
    request = connector.requests[0]
    assert is_genuine(request.headers["x-hub-signature"], request.body)
    envelope, (described,) = json.loads(request.body), [json.loads(block) for block in blocks("json")]
    assert (request.line, envelope["type"]) == ("POST /hub HTTP/1.1", "telephony.operation")
    assert list(envelope["payload"]) == list(described)
    same = {"operationName", "organizationId", "userId", "phoneNumber", "destination", "userData"}
    assert {name: envelope["payload"][name] for name in same} == {name: described[name] for name in same}

    report, look = blocks("sh")
    reported = await asyncio.to_thread(run, report, hub)
    assert (reported["statusCode"], len(reported["events"])) == (0, 1)
    seen = await asyncio.to_thread(run, look, hub)
    call = json.loads(report[report.index("{") : report.rindex("}") + 1])["data"]["call"]
    assert seen == {"statusCode": 0, "calls": [call]}
    await ask(hub, f"/me/calls/{call['id']}", {"operationName": "Answer"})
    await connector.asked(2)
    answer = json.loads(connector.requests[1].body)["payload"]
    assert (answer["operationName"], answer["callId"]) == ("Answer", call["id"])
