"""A connection recognizes the head of its last request; nobody outside can tell that it does."""

import json
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from hub.transports.direct import Direct, Exchange
from hub.transports.heads import LONGEST, Head, known
from hub.transports.http_protocol import HTTPProtocol
from tests.transports.served import Served, revoke, until

JSON = {"Content-Type": "application/json"}
BY_CHANCE = re.compile(rb'x-request-id: [0-9a-z]{16}\r\n|BAYEUX_BROWSER=[0-9a-z]+|"clientId":"[0-9a-z]+"')


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each head that came again, whether its credentials were still good."""
    seen: list[bool] = []
    real = Direct.again

    def noted(self: Direct, protocol: Any, head: Head, body: bytes) -> Exchange | None:
        found = real(self, protocol, head, body)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(Direct, "again", noted)
    return seen


# What is remembered -------------------------------------------------------------------------------------------------

HEAD = Head(credentials=None, browser=None, request_id=None, answer=b"", most=99, keep_alive=True)  # type: ignore[arg-type]
FIRST = b"POST /cometd HTTP/1.1\r\nHost: hub\r\nContent-Length: 2\r\nAccept: */*\r\n\r\n"


@pytest.mark.parametrize("length", [b"1", b"9", b"10", b"99", b"0000099"])
def test_only_the_length_of_the_body_may_be_another(length: bytes) -> None:
    remembered = known(HEAD, FIRST + b"[]")
    assert remembered is not None
    size = int(length)
    same = FIRST.replace(b": 2", b": " + length)
    expected = b"x" * size if len(length) < 7 else None
    assert remembered.body(same + b"x" * size) == expected
    for other in (
        same + b"x" * (size - 1),
        same + b"x" * (size + 1),
        same.replace(b"hub", b"HUB") + b"x" * size,
        same.replace(b"*/*", b"a/*") + b"x" * size,
        same.replace(b"\r\nAccept", b" \r\nAccept") + b"x" * size,
        same[:-1],
    ):
        assert remembered.body(other) is None


@pytest.mark.parametrize("length", [b"0", b"100", b"-1", b"+2", b"2,2", b"", b"\xb2", b"1000000"])
def test_a_length_that_is_none_or_too_large_is_for_the_parser(length: bytes) -> None:
    remembered = known(HEAD, FIRST + b"[]")
    assert remembered is not None
    assert remembered.body(FIRST.replace(b": 2", b": " + length) + b"[]") is None


@pytest.mark.parametrize(
    "data",
    [
        FIRST + b"[] ",
        FIRST + b"[",
        b"\r\n\r\n" + FIRST + b"[]",
        FIRST.replace(b"Content-Length: 2\r\n", b"") + b"[]",
        FIRST.replace(b": 2", b":2") + b"[]",
        FIRST.replace(b"*/*", b"x" * LONGEST) + b"[]",
        b"\r\n",
    ],
)
def test_what_is_not_one_plain_request_is_not_remembered(data: bytes) -> None:
    assert known(HEAD, data) is None


# On the wire --------------------------------------------------------------------------------------------------------


class Wire:
    """The network's end of a connection to the hub."""

    def __init__(self, hub: Served, kind: type[HTTPProtocol]) -> None:
        config = uvicorn.Config(hub.hub.asgi, lifespan="off", log_config=None, access_log=False)
        self.protocol = kind(config, ServerState(), {})
        self.written = b""
        self.closing = False
        self.protocol.connection_made(self)  # type: ignore[arg-type]

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else None

    def write(self, data: bytes) -> None:
        self.written += data

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    async def bring(self, data: bytes) -> bytes:
        """What the hub has written, once it has done what can be done."""
        if not self.closing:
            self.protocol.data_received(data)
        await until(self._is_done)
        return BY_CHANCE.sub(b"", self.written)

    def _is_done(self) -> bool:
        cycle = self.protocol.cycle
        waits_for_more = cycle is None or cycle.response_complete or cycle.more_body
        return self.closing or (waits_for_more and not self.protocol.pipeline)


def requests(hub: Served) -> Sequence[bytes]:
    """What clients send on one connection, and what nobody should."""
    tokens = [hub.token("alice"), hub.token("bob"), "a.b.c"]
    heads = [
        {"Authorization": f"Bearer {tokens[0]}"},
        {"Authorization": f"Bearer {tokens[1]}"},
        {"Authorization": f"Bearer {tokens[2]}"},
        {"Cookie": "BAYEUX_BROWSER=abc", "Origin": "http://hub", "X-Request-Id": "mine"},
        {"Cookie": "BAYEUX_BROWSER=abd", "Origin": "http://elsewhere"},
        {},
    ]
    connect = {"channel": "/meta/connect", "clientId": "nobody", "connectionType": "long-polling"}
    bodies = [json.dumps([{**connect, "id": id_}]).encode() for id_ in ("1", "9", "10", "100")]
    bodies += [json.dumps([{"channel": "/meta/handshake", "version": "1.0", "id": "5"}]).encode(), b"[]", b"nonsense"]
    made = [plain(head, body) for head in heads for body in bodies]
    inner = plain(heads[0], bodies[0])
    odd = [
        inner.replace(b"Content-Length", b"content-length"),
        b"\r\n" + inner,
        inner + inner,
        plain(heads[0], b"[" + inner),
        plain(heads[0], b'[{"channel":"/meta/connect"}]' + b"\r\n\r\n"),
        plain(heads[0], b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"2\r\n[]\r\n0\r\n\r\n",
        plain({"Connection": "close"}, bodies[0]),
        inner.replace(b"POST", b"GET"),
        inner.replace(b"HTTP/1.1", b"HTTP/1.0"),
        inner[:-20],
    ]
    return made + odd


def plain(headers: dict[str, str], body: bytes) -> bytes:
    fields = {"Host": "hub", **headers, "Content-Length": str(len(body)), **JSON}
    lines = ["POST /cometd HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def forgetful_kind(hub: Served) -> type[HTTPProtocol]:
    class Forgetful(hub.hub.http):  # type: ignore[name-defined,misc]
        def _comes_again(self, data: bytes) -> bool:
            return False

    return Forgetful


async def test_a_connection_answers_as_if_it_remembered_nothing(hub: Served, again: list[bool]) -> None:
    every = requests(hub)
    for seed in range(60):
        chance = random.Random(seed)
        few = chance.sample(every, 3)
        remembering, forgetful = Wire(hub, hub.hub.http), Wire(hub, forgetful_kind(hub))
        for _ in range(20):
            data = chance.choice(few if chance.random() < 0.8 else every)
            cut = chance.randrange(len(data)) if chance.random() < 0.2 else 0
            for piece in (data[:cut], data[cut:]) if cut else (data,):
                assert await remembering.bring(piece) == await forgetful.bring(piece), seed
        assert remembering.closing == forgetful.closing
    assert len(again) > 150, "most heads have to come again, or nothing was tested"


@pytest.mark.parametrize("cut", [1, 30, 70, -30, -1])
async def test_what_comes_in_the_middle_of_a_request_belongs_to_it(hub: Served, cut: int) -> None:
    data = plain({"Authorization": f"Bearer {hub.token()}"}, SHAKE)
    remembering, forgetful = Wire(hub, hub.hub.http), Wire(hub, forgetful_kind(hub))
    for piece in (data, data, data[:cut], data, data):
        assert await remembering.bring(piece) == await forgetful.bring(piece)
    assert remembering.closing == forgetful.closing


SHAKE = json.dumps([{"channel": "/meta/handshake", "version": "1.0", "id": "1"}]).encode()


@pytest.mark.parametrize("ended", ["expired", "revoked"])
async def test_a_token_that_counts_no_more_does_not_count_for_a_head_that_comes_again(
    hub: Served, again: list[bool], tmp_path: Path, ended: str
) -> None:
    data = plain({"Authorization": f"Bearer {hub.token(ttl=100)}"}, SHAKE)
    wire = Wire(hub, hub.hub.http)
    for _ in range(2):
        assert b'"successful":true' in await wire.bring(data)
        wire.written = b""
    assert again == [True]
    if ended == "expired":
        hub.clock.advance(200)
    else:
        held = await (await hub.poller()).held()
        await revoke(hub, tmp_path, tokens=True)
        await held
    for _ in range(2):
        assert b'"error":"401::token_' in await wire.bring(data)
        wire.written = b""
    assert again[-2:] == [False, False]


@pytest.mark.parametrize(
    ("request_", "more"),
    [
        (plain({}, SHAKE), b"\r\n"),
        (plain({}, SHAKE), b"\n"),
        (b"POST /api/v2/events HTTP/1.1\r\nHost: hub\r\nContent-Length: 9999\r\n\r\n", b"["),
    ],
)
async def test_what_is_no_request_keeps_no_connection_open(hub: Served, request_: bytes, more: bytes) -> None:
    wire = Wire(hub, hub.hub.http)
    wire.protocol.data_received(request_)
    await until(lambda: b"\r\n\r\n" in wire.written)
    wire.protocol.timeout_keep_alive = 0
    wire.protocol.data_received(more)
    await until(lambda: wire.closing)


async def test_an_answer_that_has_left_is_not_kept(hub: Served) -> None:
    wire = Wire(hub, hub.hub.http)
    for _ in range(2):
        await wire.bring(plain({}, SHAKE))
        assert isinstance(wire.protocol.cycle, Exchange)
        assert not wire.protocol.cycle.whole


async def test_whoever_does_not_take_an_answer_is_dropped_in_the_end(hub: Served) -> None:
    slow, stuck = Wire(hub, hub.hub.http), Wire(hub, hub.hub.http)
    for wire in (slow, stuck):
        wire.protocol.timeout_keep_alive = 0
        wire.protocol.pause_writing()
    slow.protocol.resume_writing()
    await until(lambda: stuck.closing)
    assert not slow.closing


async def test_a_head_that_comes_again_waits_until_the_last_request_is_answered(hub: Served) -> None:
    headers = {"Authorization": f"Bearer {hub.token()}"}
    wire = Wire(hub, hub.hub.http)
    await wire.bring(plain(headers, SHAKE))
    client_id = json.loads(wire.written.partition(b"\r\n\r\n")[2])[0]["clientId"]
    connect = {"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling"}
    await wire.bring(plain(headers, json.dumps([connect]).encode()))
    wire.written = b""
    wire.protocol.data_received(plain(headers, json.dumps([connect]).encode()))
    wire.protocol.data_received(plain(headers, SHAKE))
    await until(lambda: hub.held(client_id))
    assert wire.written == b""
    hub.turn(30)
    await until(lambda: b"/meta/handshake" in wire.written)
    assert re.findall(rb"/meta/[a-z]+", wire.written) == [b"/meta/connect", b"/meta/handshake"]
