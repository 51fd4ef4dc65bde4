"""What is Redis's own: everything that can happen to it, and to the way there."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest

from channels.envelope import LoggedEvent, Stream
from hub.brokers import backlog
from hub.brokers.message import VERSION, channel_of, encoded, scope
from hub.brokers.port import Topic
from hub.brokers.redis import RedisBroker, opened
from hub.brokers.shard import Shard
from hub.kernel.clock import SystemClock
from hub.kernel.faults import SettingsError
from hub.kernel.redis_url import parse
from hub.kernel.secret import Secret
from tests.support.brokers import HURRY, Listener, broker, connected, counted, unique_prefix, well
from tests.support.certificates import Authority
from tests.support.redis_server import RedisServer, deaf_port
from tests.support.waiting import eventually

ALICE = Topic("acme", "alice", "")
CALLS = Stream("acme", "alice", "/v2/me/calls")


def event(seq: int, data: bytes = b"{}") -> LoggedEvent:
    return LoggedEvent(CALLS, seq, data)


def dropped(reason: str) -> float:
    return counted("hub_redis_dropped_total", reason=reason)


def unreadable(reason: str) -> float:
    return counted("hub_redis_unreadable_total", reason=reason)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may maltreat."""
    with RedisServer(tmp_path / "redis") as process:
        yield process


Heard = tuple[RedisBroker, Listener]


@pytest.fixture
async def heard(server: RedisServer) -> AsyncIterator[Heard]:
    """A broker that listens to Alice, and its receiver."""
    async with broker(server.url, "hub") as (node, listener):
        await well(node, listener)
        await node.listen(ALICE)
        yield node, listener


@pytest.fixture
async def hasty(server: RedisServer) -> AsyncIterator[Heard]:
    """The same, with less patience for a Redis that is silent."""
    async with broker(server.url, "hub", HURRY) as (node, listener):
        await well(node, listener)
        await node.listen(ALICE)
        yield node, listener


async def works(node: RedisBroker, listener: Listener, seq: int = 99) -> None:
    """Whatever happened: what is published now arrives."""
    node.publish(ALICE, event(seq))
    await listener.until(event(seq))


# Losing the connection -----------------------------------------------------------------------------------------


async def test_a_killed_connection_is_made_again_and_said(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    assert await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "pubsub") == 1
    await well(node, listener, 3)  # connected, lost, connected
    await works(node, listener)
    assert listener.interruptions == 3


async def test_a_restarted_redis_is_found_again(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    await asyncio.to_thread(server.kill)
    await listener.wait(lambda: listener.interruptions == 2)
    await eventually(lambda: "refused" in (node.trouble() or ""))
    assert str(server.port) in (node.trouble() or "")
    await asyncio.to_thread(server.start)
    await well(node, listener, 3)
    await works(node, listener)


async def test_a_wiped_redis_changes_nothing(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    await asyncio.to_thread(server.ask, "FLUSHALL")
    await works(node, listener)
    assert listener.interruptions == 1


async def test_a_redis_that_stalls_is_noticed_and_stalls_nobody(server: RedisServer, hasty: Heard) -> None:
    node, listener = hasty
    loop = asyncio.get_running_loop()
    server.freeze()
    try:
        began = loop.time()
        waiting = asyncio.create_task(node.listen(Topic("acme", "bob", "")))
        node.publish(ALICE, event(1))
        assert loop.time() - began < HURRY.patience / 4
        await listener.wait(lambda: listener.interruptions == 2)
        assert "has not come back for 0.6 s" in (node.trouble() or "")
        await waiting  # `interrupted` is still to follow
        await eventually(lambda: "no answer within 0.6 s" in (node.trouble() or ""))
    finally:
        server.thaw()
    await well(node, listener, 3)
    await works(node, listener)


async def test_a_paused_redis_is_noticed(server: RedisServer, hasty: Heard) -> None:
    node, listener = hasty
    await asyncio.to_thread(server.ask, "CLIENT", "PAUSE", "1000", "ALL")
    await listener.wait(lambda: listener.interruptions == 2)
    await well(node, listener, 3)
    await works(node, listener)


async def test_a_receiver_that_was_too_slow_for_redis_comes_back(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    shard = node.route
    assert isinstance(shard, Shard)
    assert shard._connection is not None
    await asyncio.to_thread(server.ask, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 1")
    shard._connection._transport.pause_reading()
    channel, payload = channel_of(scope("hub", 0), ALICE), encoded(event(1, b'{"x":"' + b"y" * 1_000_000 + b'"}'))

    def flood() -> int:
        """Publish until Redis has cut the subscriber off."""
        with server.client as client:
            return next(n for n in range(200) if client.publish(channel, payload) == 0)

    assert await asyncio.to_thread(flood) > 0
    shard._connection._transport.resume_reading()
    await well(node, listener, 3)
    await works(node, listener)


async def test_a_connection_that_dies_in_silence_is_noticed(hasty: Heard) -> None:
    """Half-open: nothing arrives any more, and nobody says so."""
    node, listener = hasty
    shard = node.route
    assert isinstance(shard, Shard)
    assert shard._connection is not None
    shard._connection._transport.pause_reading()
    await well(node, listener, 3)
    await works(node, listener)


async def test_redis_that_forgets_a_subscription_is_noticed(server: RedisServer, hasty: Heard) -> None:
    """The deaf process: connected, publishing, and hearing nothing."""
    node, listener = hasty
    shard = node.route
    assert isinstance(shard, Shard)
    assert shard._connection is not None
    shard._connection.subscribe(b"UNSUBSCRIBE", [shard._probe])
    await well(node, listener, 3)
    await works(node, listener)


async def test_every_topic_is_listened_to_again(server: RedisServer) -> None:
    topics = [Topic("acme", f"user-{n}", "") for n in range(1300)]
    async with broker(server.url, "hub") as (node, listener):
        await well(node, listener)
        await asyncio.gather(*(node.listen(topic) for topic in topics))
        node.ignore(topics[0])
        await node.listen(ALICE)
        await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "pubsub")
        await well(node, listener, 3)
        names = await asyncio.to_thread(server.ask, "PUBSUB", "CHANNELS", "hub:0:acme:user-*")
        assert len(names) == 1299


async def test_listening_while_redis_is_away_counts_when_it_is_back(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    await asyncio.to_thread(server.kill)
    await listener.wait(lambda: listener.interruptions == 2)
    bob = Topic("acme", "bob", "")
    await node.listen(bob)
    node.ignore(ALICE)
    await asyncio.to_thread(server.start)
    await well(node, listener, 3)
    node.publish(ALICE, event(1))
    sent = LoggedEvent(Stream("acme", "bob", "/v2/me"), 1, b"{}")
    node.publish(bob, sent)
    assert await listener.until(sent) == [sent]


# Publishing without a connection -------------------------------------------------------------------------------


async def test_what_is_published_meanwhile_follows_in_order(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    await asyncio.to_thread(server.kill)
    await listener.wait(lambda: listener.interruptions == 2)
    for n in range(1, 51):
        node.publish(ALICE, event(n))
    await asyncio.to_thread(server.start)
    assert await listener.until(event(50)) == [event(n) for n in range(1, 51)]


async def test_what_is_too_much_meanwhile_is_dropped_and_counted(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    await asyncio.to_thread(server.kill)
    await listener.wait(lambda: listener.interruptions == 2)
    before, large = dropped("away"), b'{"x":"' + b"y" * (backlog.LARGEST // 4) + b'"}'
    for n in range(1, 11):
        node.publish(ALICE, event(n, large))
    assert dropped("away") - before == 7
    await asyncio.to_thread(server.start)
    await listener.until(event(10, large))
    assert [each.seq for each in listener.events] == [8, 9, 10]


async def test_what_redis_has_not_answered_is_counted(server: RedisServer, hasty: Heard) -> None:
    node, listener = hasty
    before = dropped("unconfirmed")
    server.freeze()
    for n in range(1, 11):
        node.publish(ALICE, event(n))
    await listener.wait(lambda: listener.interruptions == 2)
    server.thaw()
    assert dropped("unconfirmed") - before >= 10  # and the probes


async def test_a_redis_that_does_not_read_gets_no_more_than_it_takes(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    shard = node.route
    assert isinstance(shard, Shard)
    server.freeze()
    try:
        large = b'{"x":"' + b"y" * 60_000 + b'"}'
        for n in range(1, 1001):
            node.publish(ALICE, event(n, large))
            await asyncio.sleep(0)
        assert shard._connection is not None
        assert not shard._connection.writable
        assert shard._connection._transport.get_write_buffer_size() < 2_000_000
        assert shard._backlog._bytes <= backlog.LARGEST
    finally:
        server.thaw()
    await listener.until(event(1000, large))
    seqs = [each.seq for each in listener.events]
    assert seqs == sorted(set(seqs))


# What others say -----------------------------------------------------------------------------------------------


async def test_other_versions_and_rubbish_are_dropped_and_counted(server: RedisServer, heard: Heard) -> None:
    node, listener = heard
    versions, forms = unreadable("version"), unreadable("form")
    channel = channel_of(scope("hub", 0), ALICE)

    def say() -> None:
        with server.client as client:
            client.publish(channel, bytes([VERSION + 1]) + encoded(event(1))[1:])
            client.publish(channel, encoded(event(2))[:-1])
            client.publish(channel, b"")
            client.publish(channel, encoded(event(3)))

    await asyncio.to_thread(say)
    assert await listener.until(event(3)) == [event(3)]
    assert (unreadable("version") - versions, unreadable("form") - forms) == (1, 2)
    assert node.trouble() is None


async def test_a_receiver_that_raises_costs_one_event_and_looks_at_the_log(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    node, listener = heard
    listener.faults.append(LookupError("a bug"))
    node.publish(ALICE, event(1))
    node.publish(ALICE, event(2))
    assert await listener.until(event(2)) == [event(2)]
    assert listener.interruptions == 2
    assert "event not taken" in caplog.text


@pytest.mark.parametrize("other", [("hub2", 0), ("hub", 1)], ids=["prefix", "database"])
async def test_hubs_with_another_prefix_or_database_do_not_hear_each_other(
    redis_server: RedisServer, other: tuple[str, int]
) -> None:
    base = unique_prefix()
    async with (
        broker(redis_server.url, base + "hub") as (one, ours),
        connected(f"{redis_server.url}/{other[1]}", base + other[0]) as two,
    ):
        await well(one, ours)
        await one.listen(ALICE)
        await two.listen(ALICE)
        two.publish(ALICE, event(1))
        await works(one, ours)
        assert ours.events == [event(99)]


# Coming in -----------------------------------------------------------------------------------------------------


async def test_a_redis_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    async with broker(server.url, "hub") as (node, listener):
        assert node.trouble() == f"Redis at 127.0.0.1:{server.port}: not connected yet"
        await node.listen(ALICE)
        await eventually(lambda: "refused" in (node.trouble() or ""))
        with server:
            await well(node, listener)
            await works(node, listener)


async def test_a_port_that_says_nothing_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    with deaf_port() as port:
        async with broker(f"redis://127.0.0.1:{port}", "hub", HURRY) as (node, _):
            await eventually(lambda: "no answer within" in (node.trouble() or ""))


async def test_the_user_of_the_url_is_the_one(tmp_path: Path) -> None:
    """The least that a user needs, as the documentation has it."""
    rules = "user hub on >s3cr3t resetchannels &hub:* -@all +hello +publish +subscribe +unsubscribe"
    file = tmp_path / "users.acl"
    file.write_text(f"user default on >admin ~* &* +@all\n{rules}\n")
    with RedisServer(tmp_path / "redis", "--aclfile", str(file), password="admin") as server:
        async with broker(f"redis://hub:s3cr3t@127.0.0.1:{server.port}", "hub") as (node, listener):
            await well(node, listener)
            await node.listen(ALICE)
            node.ignore(ALICE)
            await node.listen(ALICE)
            await works(node, listener)


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        ("hub:wrong-hunter2@", "refuses the login: wrong user or password, or the user is disabled (WRONGPASS)"),
        (":wrong-hunter2@", "refuses the login: wrong user or password, or the user is disabled (WRONGPASS)"),
        ("", "wants a login, and HUB_REDIS_URL has no password (NOAUTH)"),
    ],
    ids=["user", "default user", "none"],
)
async def test_a_wrong_login_is_said_once_and_without_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, credentials: str, said: str
) -> None:
    with RedisServer(tmp_path / "redis", "--requirepass", "right", password="right") as server:
        async with broker(f"redis://{credentials}127.0.0.1:{server.port}", "hub", HURRY) as (node, _):
            await eventually(lambda: said in (node.trouble() or ""))
            failures = int(server.lines("INFO", "stats")["total_connections_received"])
            await eventually(lambda: int(server.lines("INFO", "stats")["total_connections_received"]) > failures + 10)
            assert node.trouble() == f"Redis at 127.0.0.1:{server.port}: {said}"
    assert [record.levelno for record in caplog.records if said in record.getMessage()] == [logging.WARNING]
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ("+hello +publish +unsubscribe", "refuses SUBSCRIBE: NOPERM"),
        ("+hello +subscribe +unsubscribe", "it refuses to publish: NOPERM"),
    ],
    ids=["subscribe", "publish"],
)
async def test_a_user_with_too_few_rights_is_said(tmp_path: Path, commands: str, said: str) -> None:
    file = tmp_path / "users.acl"
    file.write_text(f"user default on >admin ~* &* +@all\nuser hub on >pw &hub:* -@all {commands}\n")
    with RedisServer(tmp_path / "redis", "--aclfile", str(file), password="admin") as server:
        async with broker(f"redis://hub:pw@127.0.0.1:{server.port}", "hub", HURRY) as (node, listener):
            await eventually(lambda: said in (node.trouble() or ""))
            assert listener.interruptions == 0  # it never heard, so it cannot have missed more than before


async def test_tls_with_an_authority_of_one_s_own_and_a_client_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.issue("redis", "127.0.0.1")
    mine, my_key = authority.issue("hub", "127.0.0.1")
    stranger = Authority(tmp_path / "tls", "stranger")
    with ExitStack() as stack:
        server = RedisServer(tmp_path / "redis", **_tls_client(authority, mine, my_key))
        server._arguments += [
            *("--port", "0", "--tls-port", str(server.port), "--tls-auth-clients", "yes"),
            *(
                "--tls-cert-file",
                str(certificate),
                "--tls-key-file",
                str(key),
                "--tls-ca-cert-file",
                str(authority.file),
            ),
        ]
        stack.enter_context(server)
        url = f"rediss://127.0.0.1:{server.port}"
        own = f"ssl_certfile={mine}&ssl_keyfile={my_key}"
        async with broker(f"{url}?ssl_ca_certs={authority.file}&{own}", "hub") as (node, listener):
            await well(node, listener)
            await node.listen(ALICE)
            await works(node, listener)
        async with broker(f"{url}?ssl_ca_certs={stranger.file}&{own}", "hub") as (node, _):
            await eventually(lambda: "certificate verify failed" in (node.trouble() or ""))
        async with broker(f"redis://127.0.0.1:{server.port}", "hub") as (node, _):
            await eventually(lambda: "not connected yet" not in (node.trouble() or ""))
            assert node.trouble() is not None


def _tls_client(authority: Authority, certificate: Path, key: Path) -> dict[str, Any]:
    return {"ssl": True, "ssl_ca_certs": str(authority.file), "ssl_certfile": str(certificate), "ssl_keyfile": str(key)}


async def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.issue("redis", "127.0.0.2")
    server = RedisServer(tmp_path / "redis", ssl=True, ssl_cert_reqs="none", ssl_check_hostname=False)
    server._arguments += [
        *("--port", "0", "--tls-port", str(server.port), "--tls-auth-clients", "no"),
        *("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(authority.file)),
    ]
    with server:
        async with broker(f"rediss://127.0.0.1:{server.port}?ssl_ca_certs={authority.file}", "hub") as (node, _):
            await eventually(lambda: "IP address mismatch" in (node.trouble() or ""))


async def test_certificates_that_cannot_be_read_keep_the_hub_from_starting(tmp_path: Path) -> None:
    url = parse(Secret(f"rediss://127.0.0.1:1?ssl_ca_certs={tmp_path}/none.pem"))
    with pytest.raises(SettingsError, match=r"HUB_REDIS_URL: ssl_ca_certs=.*none.pem: No such file"):
        async with opened(url, "hub", SystemClock()):
            raise AssertionError


# Going out -----------------------------------------------------------------------------------------------------


async def test_what_was_published_last_is_carried_out_before_the_end(server: RedisServer, heard: Heard) -> None:
    """A Redis that is behind has read little of it when the hub wants to go."""
    _, listener = heard
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(connected(server.url, "hub"))
        server.freeze()
        for n in range(1, 1001):
            other.publish(ALICE, event(n))
        leaving = asyncio.create_task(stack.aclose())
        for _ in range(10):
            await asyncio.sleep(0)
        server.thaw()
        await leaving
    assert len(await listener.until(event(1000))) == 1000


async def test_nothing_is_left_running(redis_server: RedisServer) -> None:
    tasks = asyncio.all_tasks()
    prefix = unique_prefix()
    async with connected(redis_server.url, prefix):
        pass
    assert asyncio.all_tasks() == tasks
    assert redis_server.ask("PUBSUB", "CHANNELS", f"{prefix}:*") == []


async def test_the_metrics_say_what_happened(redis_server: RedisServer) -> None:
    names = (
        "hub_redis_published_total",
        "hub_redis_received_total",
        "hub_redis_connects_total",
        "hub_redis_connections",
    )
    before = {name: counted(name) for name in names}
    async with broker(redis_server.url, unique_prefix()) as (node, listener):
        await well(node, listener)
        await node.listen(ALICE)
        await works(node, listener)
        rise = {name: counted(name) - before[name] for name in names}
        assert rise["hub_redis_connects_total"] == rise["hub_redis_connections"] == 1
        assert rise["hub_redis_published_total"] >= 2  # a probe, an event
        assert rise["hub_redis_received_total"] >= 2
    assert counted("hub_redis_connections") == before["hub_redis_connections"]
