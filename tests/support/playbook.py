"""Conversations with an engine, written down as a script.

    book.say(SOCKET, {"channel": "/meta/handshake", "id": "1"})
    book.expect(authenticate(SOCKET))
    book.at(2).tell(on.Authenticated(expires_at=3600))
    book.expect(do.Opened(), do.Deliver(push=True), answered(SOCKET, {"clientId": client_id, ...}))
    book.done()

What the client says goes through the real decoder; replies are compared as the JSON that would leave, so that `1` is
not `"1"`, `true` is not `1`, and an absent field is absent. Every command has to be expected, in order, before the next
event is fed. On a mismatch both conversations are shown, from their beginning, as a diff.

Time is an argument: `at` says when the next event happens.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import ndiff
from typing import Any, Protocol, TypeAlias

import msgspec

from hub.bayeux import codec
from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.engine import Engine
from hub.bayeux.messages import Message, Reply

MAX_BYTES, MAX_DEPTH = 65_536, 32

Wire: TypeAlias = Any
"""JSON as Python has it, with placeholders where they are expected."""
Line: TypeAlias = dict[str, Wire]
"""A command as the playbook compares and prints it."""


class MismatchError(AssertionError):
    """The engine did something else than the playbook says."""


class UnfinishedPlaybookError(AssertionError):
    """A playbook was begun and never brought to its end: whatever it would have shown was not checked."""


class Placeholder:
    """Stands for a value that the script does not know; takes the first one that it meets and keeps to it."""

    def __init__(self, name: str = "anything") -> None:
        self.name = name
        self._found: list[Wire] = []

    @property
    def value(self) -> Wire:
        """What was met. Raises if nothing was."""
        if not self._found:
            raise LookupError(f"<{self.name}> has not been met")
        return self._found[0]

    def fits(self, actual: Wire) -> bool:
        """Whether this may stand for `actual`."""
        if not self._found:
            self._found.append(actual)
        return fits(self._found[0], actual)

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Origin:
    """A request or a socket; the engine knows it by identity only."""

    def __init__(self, name: str, *, pushes: bool) -> None:
        self.name = name
        self.pushes = pushes

    def __repr__(self) -> str:
        return self.name


def socket(name: str = "socket") -> Origin:
    """A WebSocket."""
    return Origin(name, pushes=True)


def request(name: str = "request") -> Origin:
    """One HTTP request."""
    return Origin(name, pushes=False)


# Commands as they are expected --------------------------------------------------------------------------------------


def answered(origin: Origin, *replies: Wire, takes_events: bool = False, displaced: bool = False) -> Line:
    """Expect these replies to this origin."""
    return {
        "Answered": origin.name,
        "replies": list(replies),
        "takes_events": takes_events,
        "displaced": displaced,
    }


def authenticate(origin: Origin) -> Line:
    """Expect the question who this is."""
    return {"Authenticate": origin.name}


def ended(reason: str, *, close: int | None = None, back_in: float = 0.0, notice: Wire = None) -> Line:
    """Expect the end of the session."""
    return {"Ended": reason, "close": close, "back_in": back_in, "notice": notice}


def line(command: do.Command) -> Line:
    """What the engine wants, in the form in which it is compared."""
    match command:
        case do.Answered():
            replies = [wire(reply) for reply in command.replies]
            return answered(command.origin, *replies, takes_events=command.takes_events, displaced=command.displaced)
        case do.Authenticate():
            return authenticate(command.origin)
        case do.Ended():
            notice = None if command.notice is None else wire(command.notice)
            return ended(command.reason, close=command.close, back_in=command.back_in, notice=notice)
        case _:
            return {
                type(command).__name__: msgspec.to_builtins(msgspec.structs.asdict(command), builtin_types=(bytes,))
            }


def wire(reply: Reply) -> Wire:
    """The reply as the client will read it."""
    return json.loads(codec.encode(reply))


def fits(expected: Wire, actual: Wire) -> bool:
    """Whether both are the same JSON, numbers and booleans told apart; placeholders fit what they may stand for."""
    if isinstance(expected, Placeholder):
        return expected.fits(actual)
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, dict):
        return expected.keys() == actual.keys() and all(fits(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(fits, expected, actual))
    return bool(expected == actual)


def shown(expected: Wire, actual: Wire = None) -> Wire:
    """`expected` for print: placeholders that fit their counterpart are shown as it."""
    match expected, actual:
        case Placeholder(), _:
            return actual if actual is not None and expected.fits(actual) else repr(expected)
        case dict(), dict():
            return {key: shown(value, actual.get(key)) for key, value in expected.items()}
        case list(), list():
            padded = [*actual, *[None] * len(expected)]
            return [shown(value, other) for value, other in zip(expected, padded, strict=False)]
        case dict(), _:
            return {key: shown(value) for key, value in expected.items()}
        case list(), _:
            return [shown(value) for value in expected]
        case _:
            return expected


# The script ---------------------------------------------------------------------------------------------------------


class Playbook:
    """One engine and the script of its conversation."""

    def __init__(self, engine: Engine, now: float = 0.0) -> None:
        self.engine = engine
        self.now = now
        self.over = False
        """Brought to its end, or already failed."""
        self._pending: list[do.Command] = []
        self._wanted: list[str] = []
        self._seen: list[str] = []

    def at(self, seconds: float) -> "Playbook":
        """The next event happens at this time."""
        assert seconds >= self.now, "time does not run backwards"
        self.now = seconds
        return self

    def say(self, origin: Origin, *messages: Wire) -> "Playbook":
        """The client sends these in one request or frame. A message given as bytes is sent as it stands."""
        self._settled()
        for message in messages:
            self._note(f">> {self.now:g}s {origin}: {_text(message)}")
            received = on.Received(decoded(message), origin, origin.pushes, alone=len(messages) == 1)
            self._pending += self._handled(received)
        return self

    def tell(self, event: on.Event) -> "Playbook":
        """Something else happens."""
        self._settled()
        self._note(f">> {self.now:g}s {event}")
        self._pending += self._handled(event)
        return self

    def expect(self, *commands: do.Command | Line) -> "Playbook":
        """This and nothing else was wanted since the last event. Raises `MismatchError`."""
        wanted = [command if isinstance(command, dict) else line(command) for command in commands]
        seen = [line(command) for command in self._pending]
        self._pending.clear()
        same = fits(wanted, seen)
        self._wanted += _printed(shown(wanted, seen))
        self._seen += _printed(seen)
        if not same:
            self.over = True
            diff = "\n".join(text.rstrip() for text in ndiff(self._wanted, self._seen) if not text.startswith("?"))
            raise MismatchError(f"- as written, + as it was\n{diff}")
        return self

    def done(self) -> None:
        """Nothing is left over; every playbook ends with this."""
        self._settled()
        self.over = True

    def _handled(self, event: on.Event) -> Sequence[do.Command]:
        try:
            return self.engine.handle(event, self.now)
        except BaseException:
            self.over = True
            raise

    def _settled(self) -> None:
        if self.over:
            raise UnfinishedPlaybookError("this playbook is over")
        if self._pending:
            self.expect()

    def _note(self, text: str) -> None:
        self._wanted.append(text)
        self._seen.append(text)


class Begin(Protocol):
    """Begins a playbook."""

    def __call__(self, engine: Engine, now: float = 0.0) -> Playbook: ...


@contextmanager
def playbooks() -> Iterator[Begin]:
    """A maker of playbooks that raises at its end if one of them was not brought to its own."""
    made: list[Playbook] = []

    def begin(engine: Engine, now: float = 0.0) -> Playbook:
        made.append(Playbook(engine, now))
        return made[-1]

    yield begin
    if left := [book for book in made if not book.over]:
        raise UnfinishedPlaybookError(f"{len(left)} of {len(made)} playbooks never came to done()")


def decoded(message: Wire) -> Message:
    """One message of a client, read by the real decoder."""
    (found,) = codec.decode(_text(message).encode(), max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    return found


def _text(message: Wire) -> str:
    return message.decode() if isinstance(message, bytes) else json.dumps(message, separators=(",", ":"))


def _printed(lines: Sequence[Mapping[str, Wire]]) -> list[str]:
    """Short lines, so that a diff points at the difference: a command, then each of its parts."""
    printed: list[str] = []
    for each in lines:
        (kind, head), *rest = each.items()
        printed.append(f"<< {kind} {json.dumps(head, default=repr)}")
        for key, value in rest:
            parts = value if isinstance(value, list) else [value]
            printed += [f"     {key} {json.dumps(part, sort_keys=True, default=repr)}" for part in parts]
    return printed
