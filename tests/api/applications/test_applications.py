"""The settings of applications as their administrators see them, and as others do not."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.kernel.applications import Basic, WebhookSubscription
from hub.kernel.secret import Secret
from tests.api.world import APPLICATIONS, CONFIGURATION, World, opened

ADMIN = ("adam", "ROLE_ADMIN")
CLINIC = {
    "id": "clinic",
    "organizationId": "acme",
    "name": "Acme clinic",
    "kind": "genesys",
    "scheduling": "appointments",
    "autoActivate": True,
    "otpRequired": True,
    "durations": ["PT5M", "PT15M", "PT30M", "PT1H"],
    "workingHours": None,
    "maxParallel": 0,
    "minimumLeadTime": "PT0S",
    "maximumHorizon": "P60D",
    "ticketSeconds": 14400,
    "urlBase": "http://127.0.0.1:8080",
    "allowedUrlBases": [],
    "notificationsActive": True,
    "channels": ["EMAIL", "SMS"],
    "reminders": ["P1D", "PT1H"],
    "followUps": [],
    "roomInvites": [],
    "customerLinks": False,
    "email": {"domain": "appointments.acme.example", "fromName": "Acme", "verified": True},
    "sms": {"fromNumber": "+15550001111", "verified": True},
    "webhooks": [],
    "texts": {},
    "routing": {"deploymentId": None, "pcEnvironment": None, "touchpointId": None, "chatMode": None},
    "theme": {},
}


async def test_an_administrator_reads_the_settings_of_an_application(world: World) -> None:
    for path in ("/api/applications/clinic", "/api/applications/clinic/"):
        reply = await world.ask("GET", path, token=world.token(*ADMIN))
        assert (reply.status_code, reply.json()) == (200, CLINIC)


async def test_an_administrator_lists_the_applications_of_the_organization_and_no_others(world: World) -> None:
    for path in ("/api/applications", "/api/applications/"):
        reply = await world.ask("GET", path, token=world.token(*ADMIN))
        assert [each["id"] for each in reply.json()["content"]] == ["bare", "clinic"]
    reply = await world.ask("GET", "/api/applications/", token=world.token(*ADMIN, organization="nobody"))
    assert reply.json() == {"content": []}


@pytest.mark.parametrize("id", ["foreign", "nothing", "a%20b"])
async def test_another_organizations_application_is_as_unknown_as_any(world: World, id: str) -> None:
    reply = await world.ask("GET", f"/api/applications/{id}", token=world.token(*ADMIN))
    body = reply.json()
    assert (reply.status_code, body["code"], body["message"]) == (404, "StatusNotFound", "No such application")


@pytest.mark.parametrize("path", ["/api/applications/", "/api/applications/clinic"])
async def test_nobody_else_reads_them(world: World, path: str) -> None:
    assert (await world.ask("GET", path)).status_code == 401
    for role in ("ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_CLIENT_SERVICE", "ROLE_CUSTOMER"):
        assert (await world.ask("GET", path, token=world.token("x", role))).status_code == 403


async def test_no_secret_is_shown(tmp_path: Path) -> None:
    hook = WebhookSubscription(
        url="https://crm.example.org/hook?key=hunter2",
        secret=Secret("hunter2"),
        headers={"x-source": "hub"},
        secret_headers={"x-key": "hunter2"},
        basic=Basic(user="hub", password=Secret("hunter2")),
    )
    app = replace(APPLICATIONS["clinic"], webhooks=(hook,))
    async with opened(tmp_path, configuration=replace(CONFIGURATION, applications={"clinic": app})) as world:
        reply = await world.ask("GET", "/api/applications/clinic", token=world.token(*ADMIN))
    assert "hunter2" not in reply.text
    assert reply.json()["webhooks"] == [
        {
            "url": "https://crm.example.org/hook",
            "signed": True,
            "authentication": "basic",
            "headers": {"x-source": "hub"},
            "secretHeaders": ["x-key"],
            "allowPrivate": False,
        }
    ]
