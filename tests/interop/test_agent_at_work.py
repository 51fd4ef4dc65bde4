"""An agent at a real desktop: the official client, a login, plain REST; and a supervisor who looks on."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.interop.clients import COMETD, Way, parameters, require
from tests.support.driver import DrivenClient
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

PASSWORD = "the agent's own password"
CONFIGURATION = """
[organizations.acme]
wrap_up_seconds = 0.3

[[telephony.outside]]
number = "*"
answers_after = 0.3
"""
Json = dict[str, Any]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    require(COMETD)
    home = tmp_path_factory.mktemp("office")
    (home / "hub.toml").write_text(CONFIGURATION)
    with HubProcess(home / "hub", secret=SECRET, settings={"HUB_CONFIG": str(home / "hub.toml")}) as process:
        yield process


def hired(hub: HubProcess, user: str, number: str, *roles: str) -> str:
    """A new user with a device; returns a token that was got for name and password."""
    admin = {"Authorization": f"Bearer {mint('adam', 'ROLE_ADMIN')}"}
    with httpx2.Client(base_url=hub.url, trust_env=False) as client:
        made = {"userName": user, "password": PASSWORD, "roles": list(roles)}
        assert client.post("/api/v2/users", json=made, headers=admin).json()["statusCode"] == 0
        device = {"phoneNumber": number, "userId": user}
        assert client.post("/api/v2/devices", json=device, headers=admin).json()["statusCode"] == 0
        form = {"grant_type": "password", "username": user, "password": PASSWORD}
        return str(client.post("/security/oauth/token", data=form).json()["access_token"])


class Desktop:
    """REST as a desktop uses it: a login by Basic, then the cookie with its CSRF pair."""

    def __init__(self, hub: HubProcess, user: str) -> None:
        self._client = httpx2.Client(base_url=f"{hub.url}/api/v2", trust_env=False)
        reply = self._client.get("/me", params={"subresources": "*"}, auth=httpx2.BasicAuth(user, PASSWORD))
        assert reply.status_code == 200, reply.text
        self._client.headers[reply.headers["X-CSRF-HEADER"]] = reply.headers["X-CSRF-TOKEN"]

    async def get(self, path: str) -> Json:
        reply = await asyncio.to_thread(self._client.get, path)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    async def post(self, path: str, operation: str, **parameters: Any) -> None:
        body = {"operationName": operation, **parameters}
        reply = await asyncio.to_thread(lambda: self._client.post(path, json=body))
        assert (reply.status_code, reply.json()) == (200, {"statusCode": 0}), reply.text

    def close(self) -> None:
        self._client.close()


def calls(client: DrivenClient) -> list[str]:
    return [event["data"]["call"]["state"] for event in client.events if event["channel"] == "/v2/me/calls"]


def states(client: DrivenClient) -> list[str]:
    """The agent's states as the devices told them, without repetitions."""
    told = [
        event["data"]["devices"][0]["userState"]["displayName"]
        for event in client.events
        if event["channel"] == "/v2/me/devices" and event["data"]["devices"]
    ]
    return [state for state, before in zip(told, [None, *told], strict=False) if state != before]


def seen(client: DrivenClient) -> list[str]:
    """The agent's states as a supervisor hears of them."""
    return [
        event["data"]["userState"]["displayName"]
        for event in client.events
        if event["data"]["messageType"] == "UserStateChangeMessage"
        and event["data"]["notificationType"] == "StateChange"
    ]


async def until(client: DrivenClient, what: Callable[[DrivenClient], list[str]], *expected: str) -> None:
    """Return when the client has heard exactly that."""
    while len(what(client)) < len(expected):
        await client.heard(len(client.events) + 1)
    assert what(client) == list(expected)


@pytest.mark.parametrize("way", parameters(*(Way(COMETD, name, by="ext") for name in COMETD.tokens)))
async def test_an_agent_works(way: Way, office: HubProcess) -> None:
    agent, boss, number = f"alice-{way.transport}", f"sue-{way.transport}", str(1001 + len(way.transport))
    token = await asyncio.to_thread(hired, office, agent, number, "ROLE_AGENT")
    watching = await asyncio.to_thread(hired, office, boss, f"9{number}", "ROLE_SUPERVISOR")
    desktop = await asyncio.to_thread(Desktop, office, agent)
    async with way.start(office.bayeux_url, token) as client, way.start(office.bayeux_url, watching) as supervisor:
        for each, channel in ((client, "/v2/me/*"), (supervisor, "/v2/users")):
            assert (await each.do("handshake"))["successful"] is True
            assert (await each.do("subscribe", channel))["successful"] is True
        await desktop.post("/me", "StartContactCenterSession", channels=["voice"])
        await desktop.post("/me/channels/voice", "Ready")
        await until(client, states, "Not Ready", "Ready")
        (device,) = (await desktop.get("/me/devices?fields=*"))["devices"]
        await desktop.post(f"/me/devices/{device['id']}/calls", "Dial", destination={"phoneNumber": "+15550001111"})
        await until(client, calls, "Dialing", "Established")
        (call,) = (await desktop.get("/me/calls?fields=*"))["calls"]
        told = [event["data"]["call"] for event in client.events if event["channel"] == "/v2/me/calls"][-1]
        assert call == {**told, "duration": call["duration"]}
        await desktop.post(f"/me/calls/{call['id']}", "Hangup")
        await until(client, calls, "Dialing", "Established", "Released")
        await until(client, states, "Not Ready", "Ready", "AfterCallWork", "Ready")
        await until(supervisor, seen, "Not Ready", "Ready", "AfterCallWork", "Ready")
        assert (await desktop.get("/me/calls?fields=*"))["calls"] == []
        (device,) = (await desktop.get("/me/devices?fields=*"))["devices"]
        last = [event["data"]["devices"] for event in client.events if event["channel"] == "/v2/me/devices"][-1]
        assert last == [device]
    desktop.close()
