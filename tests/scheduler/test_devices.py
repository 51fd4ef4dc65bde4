"""Timers of agents, fired."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.telephony.devices import actions
from api.users import actions as users
from scheduler.claims import Jobs
from scheduler.firing import Firing
from scheduler.jobs import devices
from tests.api.telephony.devices.office import AFTER_CALL_WORK, CONFIGURATION, LOGGED_OUT, READY, Office
from tests.api.world import opened


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path, configuration=CONFIGURATION) as world:
        office = Office(world)
        await office.hire("alice", "1001", queues=("sales",))
        await office.start("alice", state="Ready")
        yield office


def scheduler(office: Office) -> Firing:
    return Firing(office.world.services.db, Jobs(devices.transactional(office.floor)), office.world.clock, lambda: 1.0)


async def state(office: Office) -> object:
    return (await office.told("alice"))[-1]["devices"][0]["userState"]


async def test_wrap_up_ends_when_its_time_is_over(office: Office) -> None:
    job = scheduler(office)
    for action in (actions.call_began, actions.call_ended):
        await office.write(lambda tx, action=action: action(tx, office.floor, "acme", "phone-1001", office.now))
    await job.work()
    assert await state(office) == AFTER_CALL_WORK
    office.world.clock.at += 20
    await job.work()
    assert await state(office) == READY


@pytest.mark.parametrize("operation", ["NotReady", "AfterCallWork", "Ready"])
async def test_whoever_says_something_in_wrap_up_is_left_alone(office: Office, operation: str) -> None:
    for action in (actions.call_began, actions.call_ended):
        await office.write(lambda tx, action=action: action(tx, office.floor, "acme", "phone-1001", office.now))
    await office.be("alice", operation)
    said = await state(office)
    told = len(await office.told("alice"))
    office.world.clock.at += 1000
    await scheduler(office).work()
    assert (await state(office), len(await office.told("alice"))) == (said, told)


async def test_the_session_of_somebody_who_may_not_work_any_more_ends(office: Office) -> None:
    adam = office.principal("adam", "ROLE_ADMIN")
    await office.write(lambda tx: users.set_enabled(tx, adam, "alice", office.now, enabled=False))
    await scheduler(office).work()
    assert await state(office) == LOGGED_OUT


async def test_a_new_name_changes_nothing_about_the_session(office: Office) -> None:
    told = len(await office.told("alice"))
    await office.qualify("alice", first_name="Alicia")
    await scheduler(office).work()
    assert len(await office.told("alice")) == told
