"""Several processes at the same rows: one order, and nothing that contradicts itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from api.telephony.devices import actions
from api.telephony.devices.rules import Wish
from hub.kernel.errors import AlreadyInUse
from hub.store.database import Database
from hub.store.transaction import Tx
from tests.api.telephony.devices.office import AFTER_CALL_WORK, Office

Act = Callable[[Tx], Any]


@pytest.fixture
async def processes(either: Office) -> AsyncIterator[list[Database]]:
    url, clock = either.world.url, either.world.clock
    async with Database(url, clock=clock) as one, Database(url, clock=clock) as two:
        yield [one, two]


async def at_once(processes: list[Database], acts: list[Act]) -> list[Any]:
    """Every act by one process or the other; what they raise is returned."""
    writes = (processes[n % 2].write(act) for n, act in enumerate(acts))
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_a_free_device_is_borrowed_by_one(either: Office, processes: list[Database]) -> None:
    people = [f"agent{n}" for n in range(6)]
    for user in people:
        await either.hire(user)
    await either.place("1003")
    wish = Wish(("voice",), place="1003")

    def starting(user: str) -> Act:
        caller = either.principal(user)
        return lambda tx: actions.start(tx, either.floor, caller, wish, either.now)

    outcomes = await at_once(processes, [starting(user) for user in people])
    assert [type(each) for each in outcomes if each != {}] == [AlreadyInUse] * 5
    told = [await either.told(user) for user in people]
    assert sorted(len(each) for each in told) == [0, 0, 0, 0, 0, 1]
    assert len(await either.supervisors_told()) == 1


async def test_a_session_started_many_times_starts_once(either: Office, processes: list[Database]) -> None:
    await either.hire("alice")
    caller, wish = either.principal("alice"), Wish(("chat", "email"))
    outcomes = await at_once(
        processes, [lambda tx: actions.start(tx, either.floor, caller, wish, either.now) for _ in range(8)]
    )
    assert outcomes == [{}] * 8
    assert [len(each["channels"]) for each in await either.told("alice")] == [2]


async def test_calls_that_end_at_once_end_in_one_wrap_up(either: Office, processes: list[Database]) -> None:
    await either.hire("alice", "1001")
    await either.start("alice", state="Ready")
    device = "phone-1001"
    for action, count in ((actions.call_began, 6), (actions.call_ended, 6)):
        done = await at_once(
            processes,
            [partial(action, floor=either.floor, organization="acme", device=device, now=either.now)] * count,
        )
        assert done == [None] * count
    assert (await either.agent("alice")).phones[device].calls == 0
    told = [event["devices"][0]["userState"] for event in await either.told("alice")]
    assert [state for state in told if state == AFTER_CALL_WORK] == [AFTER_CALL_WORK]
    assert told[-1] == AFTER_CALL_WORK


async def test_states_and_do_not_disturb_together_leave_one_truth(either: Office, processes: list[Database]) -> None:
    await either.hire("alice", "1001")
    await either.start("alice")
    who: dict[str, Any] = {"floor": either.floor, "organization": "acme", "user": "alice", "now": either.now}
    device = "phone-1001"
    acts: list[Act] = []
    for n in range(10):
        name, on = ("Ready", "Lunch")[n % 2], n % 2 == 0
        acts.append(partial(actions.set_state, **who, channels=None, operation=name))
        acts.append(partial(actions.set_do_not_disturb, **who, device=device, on=on))
    await at_once(processes, acts)
    agent = await either.agent("alice")
    phone, voice = agent.phones[device], agent.work["voice"]
    assert (voice.free_since is not None) == (voice.state.state == "Ready" and not phone.do_not_disturb)
    last = (await either.told("alice"))[-1]["devices"][0]
    assert last["doNotDisturb"] == ("On" if phone.do_not_disturb else "Off")
    assert last["userState"]["state"] == voice.state.state
