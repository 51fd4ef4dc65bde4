"""Use cases of customers, on both databases: what is counted is counted exactly, whoever else books at the moment."""

import asyncio
from typing import Any

import msgspec
import pytest

from api.callbacks.actions import booking, reading, timing
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lifecycle import State
from api.callbacks.rules.refusals import CallbackRefused
from api.callbacks.rules.services import Service
from api.callbacks.rules.times import shown
from hub.store.database import Database
from hub.store.transaction import Snapshot
from tests.api.callbacks.house import BASE, TUESDAY, request, service
from tests.api.world import World

LATER = TUESDAY + 3600
TWO = "_max_request_by_time_bucket = 2\n_request_time_bucket = 15\n_enable_in_queue_checking = false\n"


async def start(
    world: World,
    office: Service,
    number: int,
    desired: float | None = None,
    db: Database | None = None,
    **properties: Any,
) -> Callback:
    wanted = request(f"+155500{number:05}", desired, uuid=f"{number:08}-ca77-4146-98d0-58960e0939f7", **properties)
    now = world.clock.now()
    return await (db or world.services.db).write(lambda tx: booking.start(tx, office, wanted, now, base=BASE))


async def refused(*tries: Any) -> list[CallbackRefused]:
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(each, Callback | CallbackRefused) for each in found), found
    return [each for each in found if isinstance(each, CallbackRefused)]


async def timers_of(world: World, id: str) -> dict[str, int]:
    def look(tx: Snapshot) -> dict[str, int]:
        tx.cursor.execute("SELECT kind, due_at FROM timer WHERE key = ?", (id,))
        return {row[0]: row[1] for row in tx.cursor.fetchall()}

    return await world.services.db.read(look)


async def told(world: World) -> list[tuple[str, str]]:
    """What the supervisors were told: kind and state."""
    messages = [msgspec.json.decode(data) for _, data in await world.log("", "/v2/users")]
    return [(each["notificationType"], each["callback"]["state"]) for each in messages]


async def test_a_scheduled_callback_waits_for_its_time(both: World) -> None:
    office = service(TWO + "_request_execution_time_buffer = 120\n_desired_connect_time_threshold = 60")
    made = await start(both, office, 1, LATER + 7.5, topic="invoice")
    assert (made.state, made.id, made.line) == (State.SCHEDULED, "00000001-ca77-4146-98d0-58960e0939f7", None)
    kept = await both.services.db.read(lambda tx: reading.find(tx, office, made.id))
    assert kept == made
    assert await timers_of(both, made.id) == {
        timing.DUE: round((LATER + 7.5 - 60) * 1_000_000),
        timing.EXPIRE: round((LATER + 7.5 + 86_400) * 1_000_000),
    }
    ((_, data),) = await both.log("", "/v2/users")
    assert msgspec.json.decode(data) == {
        "messageType": "CallbackStateChangeMessage",
        "notificationType": "Scheduled",
        "callback": {
            "id": made.id,
            "serviceName": "always",
            "state": "SCHEDULED",
            "desiredTime": "2027-01-26T10:00:07.500Z",
            "customerNumber": "+15550000001",
            "attempt": 0,
            "uri": f"{BASE}/genesys/1/service/callback/always/{made.id}",
            "userData": {"topic": "invoice"},
        },
    }


async def test_one_who_wants_it_at_once_is_in_line(both: World) -> None:
    office = service(TWO)
    made = await start(both, office, 1)
    assert (made.state, made.line, made.id[:4]) == (State.QUEUED, '["sales",{},null]', "100-")
    assert await timers_of(both, made.id) == {
        timing.ASSIGN: round(TUESDAY * 1_000_000),
        timing.EXPIRE: round((TUESDAY + 86_400) * 1_000_000),
    }
    assert await told(both) == [("Queued", "QUEUED")]


async def test_a_time_that_has_just_passed_means_at_once_and_an_older_one_is_refused(world: World) -> None:
    office = service(TWO)
    assert (await start(world, office, 1, TUESDAY - 899)).is_immediate
    with pytest.raises(CallbackRefused, match="in the past"):
        await start(world, office, 2, TUESDAY - 900)


async def test_the_horizon_and_the_hours_of_the_office_are_kept(world: World) -> None:
    office = service("_business_hours_service = 'weekdays'\n_enable_reject_out_of_office_hours = true")
    night, sunday = TUESDAY + 9 * 3600, TUESDAY + 5 * 86_400
    for number, (desired, detail) in enumerate(
        [
            (TUESDAY + 32 * 86_400, "Desired time [2027-02-27T09:00:00.000Z] is too far in the future"),
            (night, '{"status":"closed","reason":"closed_no_match"}'),
            (sunday, '{"status":"closed","reason":"closed_day_of_week"}'),
        ]
    ):
        with pytest.raises(CallbackRefused) as caught:
            await start(world, office, number, desired)
        assert caught.value.detail == detail
    world.clock.at = night
    with pytest.raises(CallbackRefused, match="closed_no_match"):
        await start(world, office, 9)
    assert (await start(world, service("_business_hours_service = 'weekdays'"), 10)).is_immediate
    assert len(await told(world)) == 1


async def test_the_last_place_goes_to_one_of_two_who_want_it_at_once(both: World) -> None:
    """Two processes, of which each asks five times at the same moment."""
    office = service(TWO)
    await start(both, office, 0, LATER + 60)
    async with Database(both.url, clock=both.clock) as second:
        excess = await refused(
            *(start(both, office, n, LATER, db) for n, db in enumerate((both.services.db, second) * 5, start=1))
        )
    assert len(excess) == 9
    assert {each.detail for each in excess} == {
        "Too many requests at desired time [2027-01-26T10:00:00.000Z, 2027-01-26T10:15:00.000Z]. Proposing time slots."
    }
    assert excess[0].fields == {
        "exception": "com.genesyslab.gsg.services.callback.CallbackAvailabilityException",
        "availability": {
            "2027-01-26T09:15:00.000Z": 2,
            "2027-01-26T09:30:00.000Z": 2,
            "2027-01-26T09:45:00.000Z": 2,
            "2027-01-26T10:15:00.000Z": 2,
            "2027-01-26T10:30:00.000Z": 2,
            "2027-01-26T10:45:00.000Z": 2,
            "2027-01-26T09:00:00.000Z": 2,
        },
    }
    assert await told(both) == [("Scheduled", "SCHEDULED")] * 2


async def test_a_number_has_so_many_pending_ones_however_they_come(both: World) -> None:
    office = service("_enable_in_queue_checking = true")
    async with Database(both.url, clock=both.clock) as second:

        async def same(n: int, db: Database) -> Callback:
            wanted = request("+15550001111", LATER + n, uuid=f"{n:08}-x")
            return await db.write(lambda tx: booking.start(tx, office, wanted, TUESDAY, base=BASE))

        excess = await refused(*(same(n, db) for n, db in enumerate((both.services.db, second) * 3)))
    assert [each.detail for each in excess] == [
        "Customer Number [+15550001111] has 2 pending callback(s). Check option '_enable_in_queue_checking'"
    ] * 4
    strict = service("_enable_in_queue_checking = 'strict'", name="strict")
    await start(both, strict, 1)
    with pytest.raises(CallbackRefused, match="has 1 pending"):
        await start(both, strict, 1)


async def test_immediate_ones_of_a_value_are_counted_for_a_day(world: World) -> None:
    office = service("_throttle_request_parameters_limit = 2\n_enable_in_queue_checking = false")

    async def again() -> None:
        await world.services.db.write(
            lambda tx: booking.start(tx, office, request(uuid=str(world.clock.at)), world.clock.at, base=BASE)
        )

    for _ in range(2):
        world.clock.at += 1
        await again()
    with pytest.raises(CallbackRefused) as caught:
        await again()
    assert caught.value.detail == (
        "Too many requests with the same [_customer_number]. Check option '_throttle_request_parameters_limit'"
    )
    await start(world, office, 5)
    world.clock.at += 86_400
    await again()


async def test_a_service_takes_only_so_many_in_a_time_and_in_line(world: World) -> None:
    limits = "_throttle_callbacks_per_service_1 = 2\n_throttle_ttl_1 = 60\nmax_queued_callbacks_per_service = 3"
    office = service(limits)
    await start(world, office, 1)
    await start(world, office, 2, LATER)
    for desired in (None, LATER):
        with pytest.raises(CallbackRefused, match=r"Too many requests around this desired time : 2027-01-26T"):
            await start(world, office, 3, desired)
    world.clock.at += 61
    await start(world, office, 3)
    await start(world, office, 4)
    world.clock.at += 61
    with pytest.raises(CallbackRefused) as caught:
        await start(world, office, 5)
    assert (caught.value.why, caught.value.detail[-24:]) == ("full", shown(world.clock.at))
    assert not (await start(world, office, 6, LATER)).is_immediate


async def test_what_is_taken_back_frees_its_place_once(both: World) -> None:
    office = service(TWO)
    made = [await start(both, office, n, LATER) for n in range(2)]
    db = both.services.db

    async def cancel() -> Callback:
        return await db.write(lambda tx: booking.cancel(tx, office, made[0].id, TUESDAY + 1, base=BASE))

    over = await cancel()
    assert (over.state, over.reason, over.completed_at) == (State.COMPLETED, "CANCELLED", TUESDAY + 1)
    assert await timers_of(both, over.id) == {}
    assert await db.read(lambda tx: reading.having(tx, office, "_customer_number", over.number)) == []
    with pytest.raises(CallbackRefused) as caught:
        await cancel()
    assert caught.value.detail == f"No such request to cancel : [{over.id}]"
    assert caught.value.fields == {"exception": "com.genesyslab.gsg.services.callback.CallbackException"}
    await start(both, office, 2, LATER)
    assert [kind for kind, _ in await told(both)] == ["Scheduled", "Scheduled", "Cancelled", "Scheduled"]


async def test_a_move_takes_the_new_place_and_gives_up_the_old_one(both: World) -> None:
    office = service(TWO)
    made = [await start(both, office, n, LATER) for n in range(2)]
    db = both.services.db

    async def move(id: str, desired: float, **changes: str) -> Callback:
        return await db.write(lambda tx: booking.reschedule(tx, office, id, desired, changes, TUESDAY + 1, base=BASE))

    await move(made[0].id, LATER + 300)  # within its own full bucket
    moved = await move(made[0].id, LATER + 1800, topic="other", _customer_number="+1")
    assert (moved.wanted_at, moved.user_data) == (LATER + 1800, {"topic": "other"})
    assert moved.number == made[0].number
    assert (await timers_of(both, moved.id))[timing.DUE] == round(moved.wanted_at * 1_000_000)
    await start(both, office, 2, LATER)
    with pytest.raises(CallbackRefused) as caught:
        await move(moved.id, LATER)
    exception = "com.genesyslab.gsg.services.callback.CallbackExceptionAvailability"
    assert caught.value.fields["exception"] == exception
    assert await db.read(lambda tx: reading.find(tx, office, moved.id)) == moved
    with pytest.raises(CallbackRefused, match="past"):
        await move(moved.id, TUESDAY)
    immediate = await start(both, office, 3)
    for id_ in (immediate.id, "unknown"):
        with pytest.raises(CallbackRefused, match=rf"No such request to reschedule : \[{id_}\]"):
            await move(id_, LATER)
    assert [kind for kind, _ in await told(both)] == ["Scheduled"] * 2 + ["Rescheduled"] * 2 + ["Scheduled", "Queued"]


async def test_callbacks_of_another_service_are_not_there(world: World) -> None:
    office, other = service(TWO), service(TWO, name="other")
    made, db = await start(world, office, 1, LATER), world.services.db
    with pytest.raises(CallbackRefused, match="No such request to cancel"):
        await db.write(lambda tx: booking.cancel(tx, other, made.id, TUESDAY, base=BASE))
    with pytest.raises(CallbackRefused, match="No such request to query"):
        await db.read(lambda tx: reading.find(tx, other, made.id))
    assert await db.read(lambda tx: reading.having(tx, other, "_customer_number", made.number)) == []
    assert len(await db.read(lambda tx: reading.having(tx, office, "_customer_number", made.number))) == 1
