"""What leaves the house in the tests of one world: its timers, done when a test says so, and where they lead."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from api.appointments.rules.site import Sites
from api.security.rules import Account
from api.users import actions as users
from api.users.rules import Profile, User
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings
from hub.store import timers
from hub.store.transaction import Snapshot
from scheduler import senders
from scheduler.calling import Calling
from scheduler.claims import Jobs
from scheduler.firing import Firing
from scheduler.jobs import appointments, deliveries
from tests.api.world import START, World
from tests.support.http_receiver import Receiver, answer
from tests.support.mail_server import MailServer


async def rows(world: World, sql: str) -> list[Any]:
    """What the statement finds."""

    def read(tx: Snapshot) -> list[Any]:
        tx.cursor.execute(sql)
        return list(tx.cursor.fetchall())

    return await world.services.db.read(read)


async def waiting(world: World, kind: str) -> list[dict[str, Any]]:
    """The messages of that kind that have not left, in the order in which they were planned."""
    found = await rows(world, f"SELECT payload FROM timer WHERE kind = 'deliver.{kind}' ORDER BY id")
    return [msgspec.json.decode(row[0]) for row in found]


async def colleague(world: World, id: str, *languages: str) -> None:
    """An agent with a mail address."""
    account = Account(organization="acme", id=id, user_name=id, roles=frozenset({"ROLE_AGENT"}))
    profile = Profile(first_name=id.title(), email_address=f"{id}@acme.example", languages=languages)
    await world.services.db.write(lambda tx: users.create(tx, User(account, profile), START))


async def planned(world: World) -> dict[str, int]:
    """When what is timed is due, in seconds after now, by type and offset."""
    found = await rows(world, "SELECT key, due_at FROM timer WHERE kind = 'appointments.notice' AND due_at IS NOT NULL")
    now = round(world.clock.now())
    return {key.partition("/")[2]: at // 1_000_000 - now for key, at in found}


def firing(world: World) -> Firing:
    """The timers of appointments."""
    sites = Sites(world.services.applications, world.services.settings.public_url)
    return Firing(world.services.db, Jobs(appointments.transactional(sites)), world.clock, lambda: 1.0)


@dataclass
class Outside:
    """A mail server, an SMS gateway and somebody's webhook; `work` does all that is due."""

    world: World
    mail: MailServer
    gateway: Receiver
    hook: Receiver
    calls: dict[str, Calling]

    async def work(self) -> None:
        """Do the timers until nothing is due."""
        await firing(self.world).work()
        db, now = self.world.services.db, self.world.clock.now()
        for kind, calling in self.calls.items():
            while await db.read(lambda tx, kind=kind: timers.due(tx, now, [kind], 1)):  # type: ignore[misc]
                await calling.work()
                await calling.ended()

    async def at(self, text: str) -> None:
        """Let it be that time, and do what is due by then."""
        self.world.clock.at = datetime.fromisoformat(text).timestamp()
        await self.work()


@asynccontextmanager
async def outside(world: World, mail: MailServer, gateway: Receiver, hook: Receiver) -> AsyncIterator[Outside]:
    """The ways out of a world, to those three."""
    gateway.answers = [answer(201, b'{"sid":"SM1"}')]
    settings = Settings(
        data_dir=world.services.settings.data_dir,
        smtp_url=Secret(f"smtp://127.0.0.1:{mail.port}"),
        smtp_from="hub@hub.test",
        sms_url=Secret(f"http://AC1:secret@127.0.0.1:{gateway.port}/Messages.json"),
        sms_from="Hub",
    )
    async with senders.opened(settings, world.clock) as ways:
        jobs = Jobs(outward=deliveries.outward(ways))
        db, clock = world.services.db, world.clock
        yield Outside(
            world,
            mail,
            gateway,
            hook,
            {kind: Calling(db, jobs, job, clock, lambda: 1.0, lambda: None) for kind, job in jobs.outward.items()},
        )
