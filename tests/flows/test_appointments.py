"""Appointments and a hub that dies: everybody is told, and nobody twice."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import msgspec

from hub.kernel.clock import SystemClock
from hub.store.database import Database
from hub.store.transaction import Snapshot
from tests.support.http_receiver import http_receiver
from tests.support.hub_process import HubProcess
from tests.support.mail_server import mail_server
from tests.support.tokens import SECRET, mint

HUB_TOML = """
[applications.clinic]
organization = "acme"
notifications_active = true
channels = ["EMAIL", "WEBHOOKS"]
reminders = ["PT1H"]
email = {{ domain = "acme.example", verified = true }}

[[applications.clinic.webhooks]]
url = "{hook}/hook"
allow_private = true
"""


async def test_a_hub_that_is_killed_again_and_again_tells_nobody_twice(tmp_path: Path) -> None:
    """Eight customers, whose reminders are due a moment after their appointments were made. At each death some mails
    are with the mail server, of which nobody knows whether it took them: those are left for an operator.
    """
    async with mail_server() as mail, http_receiver() as hook:
        (tmp_path / "hub.toml").write_text(HUB_TOML.format(hook=hook.url))
        hub = HubProcess(
            tmp_path / "hub",
            secret=SECRET,
            settings={
                "HUB_CONFIG": str(tmp_path / "hub.toml"),
                "HUB_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
                "HUB_SMTP_FROM": "hub@hub.test",
            },
        )
        await asyncio.to_thread(hub.start)
        try:
            # Each of these is answered in milliseconds; those made after the time of their reminder would have none.
            await schedule(hub, datetime.now(UTC) + timedelta(hours=1, seconds=6), range(8))
            await mail.arrived(2)
            await again(hub)
            await mail.arrived(3, "Reminder")
            await again(hub)
            await mail.arrived(4, "Reminder")
            await again(hub)
            mails_left, hooks_left = await until_done(hub)
        finally:
            await asyncio.to_thread(hub.terminate)
    said = Counter((str(each["To"]), str(each["Subject"])) for each in mail.mails)
    assert set(said.values()) == {1}
    assert len({str(each["Message-ID"])[1:].partition("@")[0] for each in mail.mails} | mails_left) == 16
    posted = {each.headers["x-hub-delivery"]: each.body for each in hook.requests}
    assert all(each.body == posted[each.headers["x-hub-delivery"]] for each in hook.requests)
    assert len(posted.keys() | hooks_left) == 16
    types = Counter(msgspec.json.decode(body)["type"] for body in posted.values())
    assert set(types) == {"APPOINTMENT_CREATED", "APPOINTMENT_REMINDER"}
    assert max(types.values()) <= 8


async def schedule(hub: HubProcess, start: datetime, customers: range) -> None:
    token = mint("crm", "ROLE_CLIENT_SERVICE")
    async with httpx2.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {token}"}) as client:
        for number in customers:
            body = {
                "applicationId": "clinic",
                "customer": {"contact": {"primaryEmail": f"c{number}@example.com"}},
                "duration": "PT30M",
                "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "timezone": "Europe/Athens",
            }
            reply = await client.post("/api/appointments/", json=body)
            assert reply.status_code == 200, reply.text


async def again(hub: HubProcess) -> None:
    """Dead, and alive again."""
    await asyncio.to_thread(hub.kill9)
    await asyncio.to_thread(hub.start)


async def until_done(hub: HubProcess) -> tuple[set[str], set[str]]:
    """Wait until nothing is left but what somebody who is dead has begun; returns those mails and webhooks."""

    def look(tx: Snapshot) -> tuple[int, set[str], set[str]]:
        tx.cursor.execute("SELECT COUNT(*) FROM timer WHERE kind = 'appointments.notice'")
        timed = tx.cursor.fetchall()[0][0]
        tx.cursor.execute("SELECT kind, key, lease_until FROM timer WHERE kind LIKE 'deliver.%'")
        found = tx.cursor.fetchall()
        mails, hooks = ({row[1] for row in found if row[0] == kind} for kind in ("deliver.mail", "deliver.webhook"))
        return timed + sum(row[2] is None for row in found), mails, hooks

    file = f"sqlite:///{hub.environment['HUB_DATA_DIR']}/hub.db"
    async with Database(file, clock=SystemClock()) as db, asyncio.timeout(20):
        while (found := await db.read(look))[0]:
            pass  # another process does it; looking is all that can be done
    return found[1:]
