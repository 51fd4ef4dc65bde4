"""Kicks and revocations, which are rows that anybody may write, and how far back the look goes."""

import time
from pathlib import Path

import pytest

from hub.kernel.clock import SystemClock, micros
from hub.realtime.heartbeat import LOOK_BACK, Heartbeat
from hub.store import clocks, revocations, streams
from hub.store.database import Database
from tests.realtime.world import CALLS, World, mine, silent


async def revoke(
    world: World, directory: Path, user: str = "alice", organization: str = "acme", *, tokens: bool
) -> None:
    """As another process would."""
    async with Database(f"sqlite:///{directory / 'hub.db'}", clock=world.clock) as other:
        now = world.clock.now()
        await other.write(lambda tx: revocations.revoke(tx, organization, user, now, tokens=tokens))


async def test_a_kick_ends_every_session_of_the_user_and_nobody_elses(world: World, tmp_path: Path) -> None:
    socket, polling = world.desk().open(), world.desk()
    polling.shake(over=polling.post)
    polling.poll()
    held = polling.poll()
    others = [world.desk("bob").open(), world.desk(organization="globex").open()]
    await revoke(world, tmp_path, tokens=False)
    await world.heartbeat.beat()
    await world.settled()
    assert {session.client_id for session in world.node.sessions()} == {desk.client_id for desk in others}
    assert socket.line.closed == (1008, "session_kicked")
    for connect, goodbye in (socket.heard[-2:], held.heard):
        assert (connect["successful"], connect["error"]) == (False, "403::session_kicked")
        assert connect["advice"]["reconnect"] == "none"
        assert goodbye == {"channel": "/meta/disconnect", "successful": True}
    assert [each.line.closed for each in others] == [None, None]


async def test_a_kick_reaches_clients_that_held_no_connect_and_those_that_try_again(
    world: World, tmp_path: Path
) -> None:
    """An unknown session would be told to shake hands anew, and a kicked client would be back at once."""
    between, stubborn = world.desk(), world.desk()
    for desk in (between, stubborn):
        desk.shake(over=desk.post)
        desk.poll()
    stubborn.poll()
    await revoke(world, tmp_path, tokens=False)
    await world.heartbeat.beat()
    for desk in (between, stubborn, stubborn):
        (reply,) = desk.poll().heard
        assert (reply["error"], reply["advice"]["reconnect"]) == ("403::session_kicked", "none")
    (reply,) = between.post(between.ask(CALLS)).heard
    assert (reply["error"], reply.get("advice")) == ("402::session_unknown", None)
    world.turn(world.node.terms.grace)
    (reply,) = between.poll().heard
    assert (reply["error"], reply["advice"]["reconnect"]) == ("402::session_unknown", "handshake")


async def test_a_kick_leaves_tokens_alone_and_happens_once(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await revoke(world, tmp_path, tokens=False)
    await world.heartbeat.beat()
    assert desk.line.closed is not None
    back = world.desk()
    back.token = desk.token
    back.open()
    await world.heartbeat.beat()
    await world.heartbeat.beat()
    assert back.line.closed is None
    assert len(world.node.sessions()) == 1


async def test_a_revocation_refuses_the_tokens_issued_before(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    world.clock.advance(1)
    await revoke(world, tmp_path, tokens=True)
    await world.heartbeat.beat()
    assert desk.line.closed == (1008, "session_kicked")
    credentials = world.node.admission.credentials(f"Bearer {desk.token}", "", None)
    assert credentials.principal is None
    assert credentials.fault is not None
    world.clock.advance(1)
    assert world.desk().open().line.closed is None


async def test_revocations_of_the_past_are_known_from_the_start_and_old_kicks_are_not_repeated(
    world: World, tmp_path: Path
) -> None:
    token = world.token("alice")
    world.clock.advance(1)
    await revoke(world, tmp_path, tokens=True)
    await revoke(world, tmp_path, "bob", tokens=False)
    restarted = Heartbeat(world.node, world.db, world.revoked, world.clock)
    await restarted.start()
    assert world.node.admission.credentials(f"Bearer {token}", "", None).principal is None
    bob = world.desk("bob").open()
    await restarted.beat()
    assert bob.line.closed is None


@pytest.mark.parametrize("pause", [LOOK_BACK + 1, 3600])
async def test_what_was_written_during_a_long_pause_is_found(world: World, tmp_path: Path, pause: float) -> None:
    """A process that was stopped, or whose database was busy, looks back to its last look."""
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    kicked = world.desk("bob").open()
    await world.heartbeat.beat()
    world.clock.advance(0.5)
    async with silent(world, tmp_path) as dead:
        await dead(mine(), 1)
    await revoke(world, tmp_path, "bob", tokens=False)
    world.clock.advance(pause)
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == [1]
    assert kicked.line.closed == (1008, "session_kicked")


async def test_a_wall_clock_that_is_set_back_hides_nothing(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    await world.heartbeat.beat()
    world.clock.step(-7200)
    async with silent(world, tmp_path) as dead:
        await dead(mine(), 1)
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == [1]


async def test_a_look_that_fails_changes_nothing_and_is_made_up_for(world: World, tmp_path: Path) -> None:
    desk = world.desk().open()
    await desk.subscribe(CALLS)
    async with silent(world, tmp_path) as dead:
        await dead(mine(), 1)

    async def fails() -> None:
        raise OSError("the disk")

    world.node.intake.interrupted()
    world.db.hook = fails
    with pytest.raises(OSError, match="the disk"):
        await world.heartbeat.beat()
    world.db.hook = None
    assert world.node.intake.suspicious is True
    world.clock.advance(60)
    await world.heartbeat.beat()
    await world.settled()
    assert desk.numbers() == [1]


async def test_kicks_that_become_visible_out_of_the_order_of_their_numbers_are_carried_out(
    world: World, tmp_path: Path
) -> None:
    """On PostgreSQL a number is given out before the commit, by a sequence that several processes share."""
    desks = [world.desk(user).open() for user in ("alice", "bob")]
    at = micros(world.clock.now())
    for number, user in ((9, "bob"), (5, "alice")):
        await world.db.write(
            lambda tx, row=(number, "acme", user, at, False): tx.cursor.execute(  # type: ignore[misc]
                'INSERT INTO revocation (id, organization, "user", at, tokens) VALUES (?, ?, ?, ?, ?)', row
            )
        )
        await world.heartbeat.beat()
    assert [desk.line.closed for desk in desks] == [(1008, "session_kicked")] * 2


async def test_a_log_that_is_replaced_is_noticed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bool] = []
    for change in (None, streams.new_epoch, None, None):
        if change is not None:
            await world.db.write(change)
        await world.heartbeat.beat()
        seen.append(world.node.outdated)
    assert seen == [False, True, True, True]
    assert caplog.text.count("the log was replaced under this process") == 1


async def test_the_clock_of_this_machine_follows_that_of_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock()
    monkeypatch.setattr(clocks, "difference", lambda _: 7200.0)
    heartbeat = Heartbeat(world.node, world.db, world.revoked, clock)
    await heartbeat.start()
    assert 7199 < clock.now() - time.time() < 7201
    monkeypatch.setattr(clocks, "difference", lambda _: None)  # a slow answer says nothing
    await heartbeat.beat()
    assert 7199 < clock.now() - time.time() < 7201
    monkeypatch.setattr(clocks, "difference", lambda _: -1.5)
    await heartbeat.beat()
    assert -2.5 < clock.now() - time.time() < -0.5
