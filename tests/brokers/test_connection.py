"""One connection, against servers that say what a real Redis says rarely or never."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from unittest.mock import create_autospec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.brokers.connection import Connection, Refused
from hub.brokers.dialing import Dialer, Unreachable
from hub.kernel.redis_url import Host, Login
from hub.kernel.secret import Secret
from tests.support.redis_server import RedisServer
from tests.support.resp_server import HELLO, Answer, array, bulk, push, resp_server

LOGIN = Login("hub", Secret("hunter2"))


class Notes:
    """An owner that writes everything down."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def heard(self, channel: bytes, message: bytes) -> None:
        self.told.append(("heard", channel, message))

    def confirmed(self, channel: bytes) -> None:
        self.told.append(("confirmed", channel))

    def revoked(self, channel: bytes) -> None:
        self.told.append(("revoked", channel))

    def refused(self, error: str) -> None:
        self.told.append(("refused", error))

    def writable(self) -> None:
        self.told.append(("writable",))


def dialer(seconds: float = 5.0, login: Login = LOGIN) -> Dialer:
    return Dialer(login, None, "hub", seconds=seconds, stuck=5.0)


@asynccontextmanager
async def dialled(answer: Answer) -> AsyncIterator[tuple[Connection, Notes]]:
    notes = Notes()
    async with resp_server(lambda command: HELLO if command[0] == b"HELLO" else answer(command)) as port:
        connection, _ = await dialer().dial(Host("127.0.0.1", port), notes)
        yield connection, notes
        await connection.close()


# Logging in ----------------------------------------------------------------------------------------------------


async def test_it_says_who_it_is_in_one_command() -> None:
    said: list[list[bytes]] = []

    def answer(command: list[bytes]) -> bytes:
        said.append(command)
        return HELLO

    async with resp_server(answer) as port:
        connection, hello = await dialer().dial(Host("127.0.0.1", port))
        await connection.close()
    command = said[0]
    assert command[:6] == [b"HELLO", b"3", b"AUTH", b"hub", b"hunter2", b"SETNAME"]
    assert command[6].startswith(b"hub:")
    assert hello == {b"proto": 3}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            b"-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'hub' 'hunter2'\r\n",
            "is older than Redis 6",
        ),
        (b"-NOPROTO unsupported protocol version\r\n", "is older than Redis 6"),
        (b"-DENIED Redis is running in protected mode\r\n", "refuses: DENIED Redis is running in protected mode"),
        (b"-ERR max number of clients reached\r\n", "refuses: ERR max number of clients reached"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the protocol of Redis"),
        (b":1\r\n:2\r\n", "spoke without having been asked"),
    ],
    ids=["old", "older", "protected", "full", "http", "chatter"],
)
async def test_who_answers_otherwise_is_said_without_the_password(reply: bytes, said: str) -> None:
    def answer(command: list[bytes]) -> bytes:
        return reply if command[0] == b"HELLO" else b""

    async with resp_server(answer) as port:
        with pytest.raises(Unreachable) as unreachable:
            await dialer().dial(Host("127.0.0.1", port), Notes(), b"ROLE")
    assert str(unreachable.value).startswith(f"Redis at 127.0.0.1:{port}: {said}")
    assert "hunter2" not in str(unreachable.value)


async def test_a_name_that_does_not_resolve_is_said() -> None:
    with pytest.raises(Unreachable, match=r"Redis at nowhere\.invalid:1: "):
        await dialer().dial(Host("nowhere.invalid", 1))


async def test_who_says_nothing_is_given_up() -> None:
    async with resp_server(lambda _: b"") as port:
        with pytest.raises(Unreachable, match=r"no answer within 0\.1 s"):
            await dialer(0.1).dial(Host("127.0.0.1", port))


# The order of answers ------------------------------------------------------------------------------------------


async def test_answers_go_to_whoever_asked_whatever_comes_in_between() -> None:
    def answer(command: list[bytes]) -> bytes:
        match command[0]:
            case b"PUBLISH":
                return b":0\r\n" if command[1] == b"good" else b"-NOPERM no\r\n"
            case b"SUBSCRIBE":
                return b"".join(push(b"subscribe", name, number=1) for name in command[1:])
            case b"UNSUBSCRIBE":
                return push(b"unsubscribe", command[1], number=0)
            case _:
                return push(b"message", b"c", b"m") + array(bulk(command[0]))

    async with dialled(answer) as (connection, notes):
        connection.publish(b"*3\r\n$7\r\nPUBLISH\r\n$4\r\ngood\r\n$1\r\nx\r\n")
        one = connection.ask(b"ONE")
        connection.subscribe(b"SUBSCRIBE", [b"a", b"b"])
        connection.publish(b"*3\r\n$7\r\nPUBLISH\r\n$3\r\nbad\r\n$1\r\nx\r\n")
        connection.subscribe(b"UNSUBSCRIBE", [b"a"])
        two = connection.ask(b"TWO")
        assert await one == [b"ONE"]
        assert await two == [b"TWO"]
    message = ("heard", b"c", b"m")
    assert notes.told == [message, ("confirmed", b"a"), ("confirmed", b"b"), ("refused", "NOPERM no"), message]


async def test_a_question_that_is_refused_raises_and_the_next_is_answered() -> None:
    async with dialled(lambda command: b"-ERR no\r\n" if command[0] == b"ONE" else b"+yes\r\n") as (connection, _):
        one, two = connection.ask(b"ONE"), connection.ask(b"TWO")
        with pytest.raises(Refused, match="ERR no"):
            await one
        assert await two == b"yes"


async def test_a_subscription_that_is_refused_ends_the_connection_and_says_so() -> None:
    refusal = b"-NOPERM this user has no permissions\r\n"
    async with dialled(lambda command: refusal if command[0] == b"SUBSCRIBE" else b"") as (connection, _):
        connection.subscribe(b"SUBSCRIBE", [b"a", b"b"])
        late = connection.ask(b"PING")
        assert await connection.lost == "refuses SUBSCRIBE: NOPERM this user has no permissions"
        with pytest.raises(ConnectionError):
            await late
        with pytest.raises(ConnectionError):
            await connection.ask(b"PING")


async def test_a_subscription_that_redis_ends_is_told() -> None:
    def answer(command: list[bytes]) -> bytes:
        return push(b"sunsubscribe", b"a", number=0) + b"+done\r\n"

    async with dialled(answer) as (connection, notes):
        assert await connection.ask(b"PING") == b"done"
    assert notes.told == [("revoked", b"a")]


async def test_pushes_of_another_kind_do_not_matter() -> None:
    async with dialled(lambda _: push(b"invalidate", b"key") + b"+done\r\n") as (connection, notes):
        assert await connection.ask(b"PING") == b"done"
    assert notes.told == []


# Bytes ---------------------------------------------------------------------------------------------------------


async def test_what_is_sent_in_one_turn_leaves_in_one_write(redis_server: RedisServer) -> None:
    connection, _ = await dialer(login=Login()).dial(Host("127.0.0.1", redis_server.port))
    transport = connection._transport
    spy = create_autospec(transport, spec_set=False)
    connection._transport = spy
    for _ in range(100):
        connection.publish(b"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nx\r\n")
    assert spy.write.call_count == 0
    await asyncio.sleep(0)
    assert spy.write.call_count == 1
    connection._transport = transport
    connection.abort("enough")
    await connection.lost


STREAM = (
    push(b"message", b"c", b"x" * 300) + push(b"smessage", b"c", b"") + push(b"message", b"d", b"\r\n>3\r\n$1")
) * 3


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_messages_arrive_whole_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    async def run() -> list[tuple[object, ...]]:
        notes = Notes()
        connection = Connection(notes, 5.0)
        marks = [0, *sorted(cuts), len(STREAM)]
        for start, end in pairwise(marks):
            connection.data_received(STREAM[start:end])
        return notes.told

    expected = [("heard", b"c", b"x" * 300), ("heard", b"c", b""), ("heard", b"d", b"\r\n>3\r\n$1")] * 3
    assert asyncio.run(run()) == expected


async def test_a_close_that_is_cancelled_leaves_no_socket_open() -> None:
    closing = asyncio.Event()
    greetings = 0

    def answer(command: list[bytes]) -> bytes:
        nonlocal greetings
        greetings += 1
        if greetings == 1:
            return HELLO
        closing.set()
        return b""  # it never says that it has carried everything out

    async with resp_server(answer) as port:
        connection, _ = await dialer().dial(Host("127.0.0.1", port))
        leaving = asyncio.create_task(connection.close(seconds=60))
        await closing.wait()
        leaving.cancel()
        async with asyncio.timeout(30):
            assert await connection.lost == "closed"
