"""What is fuzzed: functions from arbitrary bytes to nothing, which raise when a promise is broken.

Inputs that are more than one thing hold them in lines: the first line is what the docstring says, the rest the body.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

from api.events import rules
from api.events.schemas import Event, Events
from api.http.members import Incoming, Limits
from api.http.multipart import Part
from api.services.rules import Upload, fingerprint, items_of, media_type_of
from channels import names
from channels.access import Role, SubscribeDenied, may_publish, resolve
from channels.catalog import Catalog, Channel
from hub.bayeux import codec, replies
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from hub.bayeux.engine import Engine, SessionState
from hub.bayeux.messages import Message
from hub.kernel import wire
from hub.kernel.errors import HubError
from tests.fuzz.served import HubInside
from tests.support.raw_websocket import CLOSE, PONG, TEXT, upgrade

Check = Callable[[bytes], object]
MAX_BYTES, MAX_DEPTH = 65_536, 32
ROLES = frozenset({Role.AGENT})
CATALOG = Catalog([Channel(pattern="/echo/**", subscribe=frozenset(ROLES), publish=frozenset(ROLES))])
LETTERS = re.compile(r"[A-Za-z0-9\-_!~()$@ #+.{}]+")
CLIENT = b"$CLIENT"
"""Stands for the clientId of a living session."""


# Codec and engine ---------------------------------------------------------------------------------------------------


def refused_with(error: HubError, statuses: set[int]) -> None:
    """A refusal is one of these."""
    assert error.status in statuses


def engine(data: bytes) -> None:
    """Any messages, to one session over a socket and over requests: each is answered once, in JSON."""
    try:
        messages = codec.decode(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    except HubError as error:
        refused_with(error, {400, 413})
        return
    session = Engine(SessionState("c1"), Terms(epoch="e"))
    answers: list[do.Answered] = []
    for now, message in enumerate([_HANDSHAKE, *messages]):
        received = on.Received(message, origin=str(now), pushes=now % 2 == 0)
        _carry_out(session, session.handle(received, now), now, answers)
    _carry_out(session, session.handle(on.Revoked("403::session_kicked"), 1e6), 1_000_000, answers)
    for now, message in enumerate([_HANDSHAKE, *messages]):
        _assert_answered(message, [answer for answer in answers if answer.origin == str(now)])


_HANDSHAKE = Message(channel="/meta/handshake", version="1.0", ext={"replay": True, "ack": True})


def _carry_out(session: Engine, commands: list[do.Command], now: float, answers: list[do.Answered]) -> None:
    following: list[on.Event] = []
    for command in commands:
        match command:
            case do.Answered():
                answers.append(command)
            case do.Authenticate():
                following.append(on.Authenticated(expires_at=1e9))
            case do.Authorize():
                following.append(on.Granted({name: (name,) for name in command.names}))
            case do.Attach():
                following.append(on.Attached(dict.fromkeys(command.targets, 1)))
            case do.Publish():
                following.append(on.Accepted())
            case do.Call():
                following.append(on.Refused("404::unknown_service"))
            case _:
                pass
    assert len(following) <= 1
    for event in following:
        _carry_out(session, session.handle(event, now), now, answers)


def _assert_answered(message: Message, answers: list[do.Answered]) -> None:
    found = [json.loads(codec.encode(reply)) for answer in answers for reply in answer.replies]
    own = [reply for reply in found if reply["channel"] == message.channel or not isinstance(message.channel, str)]
    assert len(own) >= 1, (message, found)
    assert all(isinstance(reply["successful"], bool) for reply in found)
    if message.has_id and replies.has_valid_id(message):
        assert any(reply.get("id") == json.loads(bytes(message.id)) for reply in own)


# Names --------------------------------------------------------------------------------------------------------------


def channel_names(data: bytes) -> None:
    """One name a line: what is valid is what the definition says, and all functions agree with each other."""
    lines = [line.decode("utf-8", "surrogateescape") for line in data.split(b"\n")[:8]]
    valid = [line for line in lines if names.is_valid(line)]
    assert valid == [line for line in lines if _is_valid(line)]
    for name in valid:
        _assert_resolved(name)
        for other in valid:
            assert names.intersect(name, other) == names.intersect(other, name)
            if not names.is_pattern(other):
                assert names.matches(name, other) == (name in names.patterns_of(other))
                assert (names.intersect(name, other) == other) == names.matches(name, other)


def _is_valid(name: str) -> bool:
    if not name.startswith("/") or not 2 <= len(name) <= 256:
        return False
    *segments, last = name[1:].split("/")
    return all(map(LETTERS.fullmatch, segments)) and bool(last in {"*", "**"} or LETTERS.fullmatch(last))


def _assert_resolved(name: str) -> None:
    try:
        targets = resolve(CATALOG, ROLES, name)
    except SubscribeDenied:
        targets = ()
    for target in targets:
        assert not target.name.startswith(("/meta/", "/service/", "/v2/users"))
        assert names.intersect(name, target.name) == target.name
        assert names.intersect(target.channel.pattern, target.name) == target.name
    assert may_publish(CATALOG, ROLES, name) == (name.startswith("/echo/") and not names.is_pattern(name))


# Ingest -------------------------------------------------------------------------------------------------------------


def ingest(data: bytes) -> None:
    """A body of the ingest: what is admitted can be sent on inside a frame, byte for byte."""
    terms = rules.Terms(CATALOG, "acme", strict=False, max_bytes=MAX_BYTES)
    admitted: list[rules.Admitted] = []
    refusal: HubError | None = None
    try:
        found = wire.decode(Events, data, max_bytes=1 << 20)
        events: list[Event] = found if isinstance(found, list) else [found]
        admitted = [
            rules.admit(rules.Submitted(event.channel, bytes(event.data), event.user_id, event.organization_id), terms)
            for event in events
        ]
    except HubError as error:
        refusal = error
    if refusal is not None:
        assert refusal.status in {400, 403, 413}
        assert len(refusal.detail) < 1000
        assert refusal.detail.isprintable() or "\\" in repr(refusal.detail)
    for event in admitted:
        assert event.stream.organization == "acme"
        for sent in (codec.event("/a", event.data), codec.replayable_event("/a", event.data, 7)):
            assert isinstance(json.loads(sent)["data"], dict)


# Bodies of GMS requests ---------------------------------------------------------------------------------------------

BODY = Limits(body=4_096, whole=16_384, depth=8, strict=False)


def members(data: bytes) -> None:
    """Content-Type, then a body in pieces: members that can be kept, or a refusal; files come out as they went in."""
    content_type, _, body = data.partition(b"\n")
    pieces = [body[at : at + 11] for at in range(0, len(body), 11)] or [b""]
    taken: list[bytes] = []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def take(part: Part, content: AsyncIterator[bytes]) -> Upload:
        taken.append(b"".join([piece async for piece in content]))
        kind = media_type_of(part.media_type)
        assert kind.isascii()
        assert kind.isprintable()
        return Upload(file="f", media_type=kind, file_name=part.file_name or "", bytes=len(taken[-1]), digest="d")

    try:
        found = asyncio.run(Incoming(receive, {b"content-type": content_type}, BODY).members(take))
        fingerprint(found)
        kept = items_of(found, keep_json=False)
    except HubError as error:
        refused_with(error, {400, 413, 415, 500 if "Could not read JSON: " in error.detail else 400})
        return
    assert all(file in body for file in taken)
    assert all(item.bytes <= BODY.whole and (item.text is None or item.text.decode() is not None) for item in kept)


# The whole hub ------------------------------------------------------------------------------------------------------


def http(hub: HubInside, data: bytes) -> None:
    """Content-Type, then a body for the Bayeux endpoint: answered with messages or an error, never by a crash."""
    content_type, body = _with_client(hub, data)
    response = hub.run(hub.request(body, token=hub.agent, content_type=content_type))
    if response.status in {200, 500}:
        assert _are_messages(response.body)  # 500: one connect took the place of another
    else:
        assert response.status in {0, 400, 413, 415}
        assert response.status == 0 or list(json.loads(response.body)) == ["error"]


def ingest_request(hub: HubInside, data: bytes) -> None:
    """Content-Type, then a body for the ingest endpoint."""
    content_type, _, body = data.partition(b"\n")
    work = hub.request(body, token=hub.back_end, path="/api/v2/events", content_type=content_type)
    response = hub.run(work)
    assert response.status in {200, 400, 403, 413, 415}
    assert json.loads(response.body)["statusCode"] == (
        0 if response.status == 200 else json.loads(response.body)["statusCode"]
    )


def websocket(hub: HubInside, data: bytes) -> None:
    """The size of writes as the first byte (0: all at once), then what follows the opening request."""
    size, (_, body) = data[0] if data else 0, _with_client(hub, b"\n" + data[1:])
    pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    opening = upgrade(80, f"Authorization: Bearer {hub.agent}").replace(b"\r\n\r\n", b"\r\n\r\n")
    written = hub.run(hub.socket(opening, *pieces))
    head, _, frames = written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    _assert_frames(frames)


def opening(hub: HubInside, data: bytes) -> None:
    """Bytes to the port in place of a request: an answer, or the end."""
    written = hub.run(hub.port(data))
    assert not written or re.match(rb"HTTP/1\.1 [1-5]\d\d ", written)


def _with_client(hub: HubInside, data: bytes) -> tuple[bytes, bytes]:
    first, _, body = data.partition(b"\n")
    if CLIENT in body:
        handshake = b'[{"channel":"/meta/handshake","version":"1.0"}]'
        response = hub.run(hub.request(handshake, token=hub.agent))
        body = body.replace(CLIENT, json.loads(response.body)[0]["clientId"].encode())
    return first, body


def _are_messages(payload: bytes) -> bool:
    found: list[dict[str, Any]] = json.loads(payload)
    return bool(found) and all(isinstance(each["channel"], str) for each in found)


def _assert_frames(data: bytes) -> None:
    """Whole frames of a server, of which a close is the last."""
    while data:
        opcode, size, start = data[0], data[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        payload, data = data[start : start + size], data[start + size :]
        assert opcode in {0x80 | TEXT, 0x80 | PONG, 0x80 | CLOSE}, opcode
        assert len(payload) == size
        assert opcode != 0x80 | TEXT or _are_messages(payload)
        assert opcode != 0x80 | CLOSE or data == b""


PURE: dict[str, Check] = {"engine": engine, "names": channel_names, "ingest": ingest, "members": members}
SERVED: dict[str, Callable[[HubInside, bytes], None]] = {
    "http": http,
    "ingest_request": ingest_request,
    "websocket": websocket,
    "opening": opening,
}
TARGETS = (*PURE, *SERVED)


@cache
def check_of(target: str, hub: HubInside) -> Check:
    """The check of a target by its name."""
    return PURE[target] if target in PURE else lambda data: SERVED[target](hub, data)
