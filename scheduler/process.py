"""Composition of the timers of one process, whichever it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.appointments.rules.site import Sites
from api.callbacks.actions.house import House
from api.telephony.devices.rules import Floor
from api.telephony.switch.switches import Switches
from hub.kernel.clock import Clock
from hub.kernel.config import Configuration
from hub.kernel.settings import Settings
from hub.store.database import Database
from hub.store.transaction import Tx
from scheduler import senders
from scheduler.claims import Jobs
from scheduler.jobs import appointments, callbacks, calls, deliveries, devices, housekeeping, services
from scheduler.runner import Runner


@asynccontextmanager
async def running(
    settings: Settings, configuration: Configuration, database: Database, clock: Clock
) -> AsyncIterator[Runner]:
    """The timers of `database` are done while the block lasts, after which it has to close; what is under way at the
    end of the block is finished.
    """
    async with senders.opened(settings, clock) as ways:
        floor = Floor(settings.public_url, configuration.organizations)
        switches = Switches(configuration, settings.public_url)
        house = House(configuration, switches, settings.public_url)
        sites = Sites(configuration.applications, settings.public_url)
        transactional = (
            *housekeeping.transactional(settings),
            *devices.transactional(floor),
            *calls.transactional(switches),
            *callbacks.transactional(house),
            *services.TRANSACTIONAL,
            *appointments.transactional(sites),
        )
        jobs = Jobs(transactional, deliveries.outward(ways))
        await database.write(lambda tx: _begin(tx, clock.now()))
        async with Runner(database, jobs, clock) as runner:
            try:
                yield runner
            finally:
                database.hasten()  # or a database that does not answer would keep the process


def _begin(tx: Tx, now: float) -> None:
    housekeeping.begin(tx, now)
    callbacks.begin(tx, now)
