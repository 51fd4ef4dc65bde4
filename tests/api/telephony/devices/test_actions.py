"""Use cases on both databases: rows, events, timers."""

from typing import Any

from api.telephony.devices import actions
from hub.store.transaction import Snapshot
from tests.api.telephony.devices.office import AFTER_CALL_WORK, LOGGED_OUT, NOT_READY, READY, Office


def states(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["devices"][0]["userState"] for event in events]


async def due(office: Office, kind: str) -> list[str]:
    """Keys of the timers of that kind that are due."""

    def read(tx: Snapshot) -> list[str]:
        tx.cursor.execute("SELECT key, due_at FROM timer WHERE kind = ? ORDER BY key", (kind,))
        return [key for key, at in tx.cursor.fetchall() if at <= office.now * 1_000_000]

    return await office.world.services.db.read(read)


async def test_a_session_from_its_start_to_its_end_is_told(either: Office) -> None:
    await either.hire("alice", "1001")
    await either.start("alice")
    await either.be("alice", "Ready")
    await either.be("alice", "Ready")  # nothing new
    await either.write(lambda tx: actions.end(tx, either.floor, "acme", "alice", either.now))
    assert states(await either.told("alice")) == [LOGGED_OUT, NOT_READY, READY, LOGGED_OUT]
    device_states = [each["devices"][0]["deviceState"] for each in await either.told("alice")]
    assert device_states == ["Inactive", "Active", "Active", "Inactive"]
    assert [each["userState"] for each in await either.supervisors_told()] == [NOT_READY, READY, LOGGED_OUT]
    assert (await either.agent("alice")).work == {}


async def test_wrap_up_follows_the_last_call_and_ends_by_a_timer(either: Office) -> None:
    await either.hire("alice", "1001")
    await either.start("alice", state="Ready")
    calls: list[int] = []
    for step in (actions.call_began, actions.call_began, actions.call_ended, actions.call_ended):
        await either.write(lambda tx, step=step: step(tx, either.floor, "acme", "phone-1001", either.now))
        calls.append((await either.agent("alice")).phones["phone-1001"].calls)
        assert states(await either.told("alice"))[-1] == (AFTER_CALL_WORK if calls[-1] == 0 else READY)
    assert calls == [1, 2, 1, 0]
    assert await due(either, actions.WRAP_UP) == []
    either.world.clock.at += 20
    assert await due(either, actions.WRAP_UP) == ["acme/alice"]
    await either.write(lambda tx: actions.wrap_up_over(tx, either.floor, "acme", "alice", either.now))
    assert states(await either.told("alice"))[-1] == READY
