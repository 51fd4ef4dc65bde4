"""What a service and its storage are, and what may be put into it. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from api.services import java
from hub.kernel import wire
from hub.kernel.errors import BadInput, NotFound, Overloaded, TooLarge
from hub.kernel.service_options import LONGEST_LIFE_SECONDS

LONGEST_KEY: Final = 255
MOST_KEYS: Final = 1000
CODES: Final = 10_000
CODE_DIGITS: Final = 4
BOOKING_SECONDS: Final = 30
UNKNOWN_TYPE: Final = "application/octet-stream"

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_CHARSET = re.compile(r";\s*charset=(\"?)([A-Za-z0-9._-]{1,40})\1\s*", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f/]")
_NOT_DIGITS = re.compile(r"[^0-9]")


class UnknownService(NotFound):
    """No service is configured under that name, or none runs under that id: never was, has expired, is another's."""

    code = "service_unknown"
    default_detail = "No such service"

    def __init__(self, name: str) -> None:
        super().__init__(f"No such service: [{name[:64]}]")


class UnknownKey(NotFound):
    """The storage has no such key, or not of that sort."""

    code = "key_unknown"
    default_detail = "No such key"

    def __init__(self, key: str) -> None:
        super().__init__(f"No such key: [{key[:LONGEST_KEY]}]")


class UnknownRequest(NotFound):
    """The service has no such request."""

    code = "request_unknown"
    default_detail = "No such request"

    def __init__(self, name: str) -> None:
        super().__init__(f"No such request: [{name[:64]}]")


class NoMatch(NotFound):
    """Nobody waits behind that number and code."""

    code = "no_match"
    default_detail = "No service matches"


class PoolEmpty(Overloaded):
    """All numbers, with all their codes, are given out."""

    code = "pool_empty"
    default_detail = "No access number is free"


class StorageFull(Overloaded):
    """There are as many services of that name as there may be, or they keep as much as they may."""

    code = "storage_full"
    default_detail = "The service takes no more at the moment"


class Service(Struct, frozen=True, kw_only=True):
    """A service that was started, as it is stored. `bytes` is what it keeps; Unix seconds."""

    id: str
    organization: str
    name: str
    created_at: float
    expires_at: float
    bytes: int = 0


class Item(Struct, frozen=True, kw_only=True):
    """What is kept under a key: a text, in UTF-8, or a file."""

    key: str
    text: bytes | None = None
    file: str | None = None
    media_type: str = ""
    file_name: str = ""
    bytes: int


class Upload(Struct, frozen=True, kw_only=True):
    """A file that has arrived. `digest` is of its content."""

    file: str
    media_type: str
    file_name: str
    bytes: int
    digest: str


class Access(Struct, frozen=True, kw_only=True):
    """What a customer dials, and types, to be known; `until` Unix seconds."""

    number: str
    code: str | None
    until: float


class Room(NamedTuple):
    """How much one service may keep: all its values, all its values and files."""

    values: int
    whole: int


def parameters(members: Mapping[str, Any]) -> dict[str, str]:
    """What concerns the service itself: members with a leading underscore, as texts."""
    return {name: java.text_of(value) for name, value in members.items() if name.startswith("_") and value is not None}


def is_kept(key: str) -> bool:
    """Whether a member goes into the storage at all."""
    return not key.startswith("_")


def items_of(members: Mapping[str, Any], *, keep_json: bool) -> list[Item]:
    """What goes into the storage: all other members, but those that are null. Raises BadInput, TooLarge."""
    return [
        _item(require_key(key), content, keep_json=keep_json)
        for key, content in members.items()
        if is_kept(key) and content is not None
    ]


def _item(key: str, content: object, *, keep_json: bool) -> Item:
    if isinstance(content, Upload):
        return Item(
            key=key,
            file=content.file,
            media_type=content.media_type,
            file_name=content.file_name,
            bytes=content.bytes,
        )
    structured = keep_json and isinstance(content, dict | list)
    return value(key, wire.encode(content).decode() if structured else java.text_of(content))


def value(key: str, text: str) -> Item:
    """A text to be kept under a key."""
    encoded = text.encode("utf-8", "replace")
    return Item(key=key, text=encoded, bytes=len(encoded))


def is_key(key: str) -> bool:
    """Whether something can be kept under it."""
    return 0 < len(key) <= LONGEST_KEY and not _UNPRINTABLE.search(key)


def require_key(key: str) -> str:
    """Raises BadInput, TooLarge."""
    if len(key) > LONGEST_KEY:
        raise TooLarge(f"A key may have at most {LONGEST_KEY} characters")
    if not is_key(key):
        raise BadInput("A key is missing, or has a slash or control characters in it")
    return key


def require_room(kept: Mapping[str, Item], new: Iterable[Item], room: Room) -> int:
    """How many bytes there are after `new` has replaced what has the same keys. Raises TooLarge."""
    after = dict(kept) | {item.key: item for item in new}
    if len(after) > MOST_KEYS:
        raise TooLarge(f"A service keeps at most {MOST_KEYS} keys")
    if sum(item.bytes for item in after.values() if item.file is None) > room.values:
        raise TooLarge(f"A service keeps at most {room.values} bytes of values")
    whole = sum(item.bytes for item in after.values())
    if whole > room.whole:
        raise TooLarge(f"A service keeps at most {room.whole} bytes")
    return whole


def media_type_of(sent: str) -> str:
    """What may be said of a file when it is fetched: the sender's type, if it is one, without anything strange."""
    essence, semicolon, rest = sent.partition(";")
    if not _TYPE.fullmatch(essence.strip()):
        return UNKNOWN_TYPE
    charset = _CHARSET.fullmatch(semicolon + rest)
    return essence.strip().lower() + (f"; charset={charset[2].lower()}" if charset else "")


def word_of(code: str | None, phone: str | None) -> str:
    """What tells those apart who dial the same number: the code, or their own number, or nothing."""
    if code:
        return code
    digits = _NOT_DIGITS.sub("", phone or "")[:20]
    return f"+{digits}" if digits else ""


def expiration(members: Mapping[str, Any], now: float) -> float:
    """When a service is to end: in `ttl` seconds, which counts first, or at `expiration_time`. Raises BadInput."""
    asked = wire.from_text(_Expiration, {name: str(value) for name, value in members.items() if value is not None})
    if asked.ttl is not None:
        return now + asked.ttl
    if asked.expiration_time is None:
        raise BadInput("ttl or expiration_time is required")
    at = asked.expiration_time
    if not timedelta() < wire.utc(at) - wire.instant(now) <= timedelta(seconds=LONGEST_LIFE_SECONDS):
        raise BadInput("expiration_time: must be in the future, and within a year")
    return at.timestamp()


class _Expiration(msgspec.Struct, frozen=True, kw_only=True):
    ttl: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_LIFE_SECONDS)] | None = None
    expiration_time: wire.Instant | None = None


def fingerprint(members: Mapping[str, Any]) -> bytes:
    """The same for requests that say the same, whatever the ids under which their files have just been stored."""
    told = {name: value.digest if isinstance(value, Upload) else value for name, value in sorted(members.items())}
    return sha256(wire.encode(told)).digest()
