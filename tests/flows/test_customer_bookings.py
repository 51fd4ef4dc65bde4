"""An appointment as its people live it: a customer books with a code and comes, an agent's desktop hears it, and the
hub is killed in between.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import at_work
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint
from tests.support.waiting import eventually

ME, USERS = "/v2/me", "/v2/users"
PHONE = "+306931234567"
PRINTED = re.compile(rf"SMS to \{PHONE}, not sent: HUB_SMS_URL is not set\n +(\d{{6}}) is your code")
CONFIGURATION = """
[organizations.acme]
public_codes = true
[applications.shop]
organization = "acme"
max_parallel = 1
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[HubProcess]:
    file = tmp_path / "hub.toml"
    file.write_text(CONFIGURATION)
    with HubProcess(tmp_path / "hub", secret=SECRET, settings={"HUB_CONFIG": str(file)}) as process:
        yield process


async def ask(hub: HubProcess, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False) as client:
        return await client.request(method, path, json=body, headers=headers)


async def good(hub: HubProcess, method: str, path: str, body: Any = None, **headers: str) -> Any:
    reply = await ask(hub, method, path, body, **headers)
    assert reply.is_success, reply.text
    return reply.json()


def staff(user: str, role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(user, role)}"}


async def booked(hub: HubProcess) -> dict[str, Any]:
    """What a customer without an account has booked for in an hour, with a code from a message."""
    asked = await good(hub, "POST", "/security/otp", {"to": PHONE, "organizationId": "acme"})
    await eventually(lambda: PRINTED.search(hub.tail()))
    code = {"X-OtpVerificationId": asked["id"], "X-OtpCode": PRINTED.findall(hub.tail())[0]}
    body = {
        "organizationId": "acme",
        "applicationId": "shop",
        "customer": {"contact": {"primaryPhone": PHONE}, "name": {"firstName": "Maria"}},
        "duration": "PT30M",
        "start": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600)),
        "timezone": "Europe/Berlin",
    }
    made: dict[str, Any] = await good(hub, "POST", "/api/appointments/basic", body, **code)
    agent = staff("alice", "ROLE_AGENT")
    taken = await ask(hub, "POST", "/api/appointments/", body, **agent)
    assert (taken.status_code, taken.json()["code"]) == (400, "SLOT_TAKEN")
    return made


async def test_a_customer_books_comes_and_is_seen(shop: HubProcess) -> None:
    alice = WebSocketDesktop(shop.bayeux_url, mint("alice", "ROLE_AGENT"), [ME], user="alice")
    sue = WebSocketDesktop(
        shop.bayeux_url, mint("sue", "ROLE_SUPERVISOR"), [USERS], user="sue", roles=["ROLE_SUPERVISOR"]
    )
    adam, supervisor = staff("adam", "ROLE_ADMIN"), staff("sue", "ROLE_SUPERVISOR")
    await good(shop, "POST", "/api/v2/users", {"userName": "alice", "roles": ["ROLE_AGENT"]}, **adam)
    async with at_work(alice, sue):
        made = await booked(shop)
        secret = made["roomAccess"]["url"].rpartition("/")[2]
        given = await good(
            shop, "PUT", "/api/appointments/reassign/", {"id": made["id"], "userId": "alice"}, **supervisor
        )
        shop.kill9()
        shop.start()
        customer = (await good(shop, "POST", "/security/ticket/exchange", {"id": secret}))["accessToken"]
        path = f"/api/appointments/{made['id']}/participants/{made['participantIds'][0]['id']}"
        waits = await good(shop, "PUT", path, {"state": "WAITING"}, Authorization=f"Bearer {customer}")
        await alice.until(lambda each: len(each.events(ME)) == 2)
        told = {"messageType": "AppointmentStateChangeMessage"}
        waiting = waits["participantIds"][0]
        assert waiting == {"id": made["participantIds"][0]["id"], "state": "WAITING", "type": "CUSTOMER"}
        assert [event.data for event in alice.events(ME)] == [
            told | {"notificationType": "Reassigned", "appointment": given},
            told | {"notificationType": "ParticipantState", "appointment": waits, "participant": waiting},
        ]

        def kinds(each: Any) -> list[str]:
            return [event.data["notificationType"] for event in each.events(USERS) if "appointment" in event.data]

        await sue.until(lambda each: len(kinds(each)) == 3)
        assert kinds(sue) == ["Created", "Reassigned", "ParticipantState"]
    assert secret not in shop.tail(100_000)
    assert "Maria" not in shop.tail(100_000)
