"""Checks data that comes from outside against what its channel is known to carry, before it is passed on verbatim."""

import re
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import UNSET

from channels.catalog import Channel
from channels.envelope import Notification, message_type


class InvalidData(ValueError):
    """Data that must not be passed on. `pointer` is the JSON pointer (RFC 6901) of the place inside the data, "" for
    the whole; `detail` is safe to show to whoever sent it.
    """

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(f"{detail} at {pointer}" if pointer else detail)
        self.detail = detail
        self.pointer = pointer


class CheckResult(msgspec.Struct, frozen=True):
    """`message` is the typed message, so that nobody decodes twice; None when the channel knows no such message.

    `message_type` is what the data calls itself, None when it has no `messageType` or one that is not a string.
    """

    message_type: str | None
    message: Notification | None

    @property
    def unknown(self) -> bool:
        """Whether nothing beyond "one JSON object" was checked: to be counted, or refused where that is strict."""
        return self.message is None


class _Label(msgspec.Struct, frozen=True):
    type: Any = msgspec.field(default=UNSET, name="messageType")


_LABEL: Final = msgspec.json.Decoder(_Label)
_PLACE: Final = re.compile(r" - at `\$([^`]*)`$")
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_MAX_DETAIL: Final = 200


def check(channel: Channel, data: bytes | msgspec.Raw) -> CheckResult:
    """`data` must be one JSON object in UTF-8; with a `messageType` that `channel` carries its known fields must be
    well-formed too, unknown ones pass. Raises InvalidData.
    """
    try:
        # Skipped fields are not decoded, and one bad byte in a text frame closes the socket of every receiver.
        text = str(data, "utf-8")
        name = _LABEL.decode(text).type
        decoder = _decoders(channel.messages).get(name) if isinstance(name, str) else None
        message = None if decoder is None else decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise _located(str(error)) from None
    except UnicodeDecodeError:
        raise InvalidData("Text is not valid UTF-8") from None
    except RecursionError:
        raise InvalidData("JSON is nested too deeply") from None
    return CheckResult(name if isinstance(name, str) else None, message)


@cache
def _decoders(messages: tuple[type[Notification], ...]) -> dict[str, msgspec.json.Decoder[Notification]]:
    return {message_type(kind): msgspec.json.Decoder(kind) for kind in messages}


def _located(text: str) -> InvalidData:
    place = _PLACE.search(text)
    if place is None:
        return InvalidData(text[:_MAX_DETAIL])
    # An element of a map has no name in the text: the pointer stops at the map.
    path = place[1].partition("[...]")[0]
    pointer = "".join(f"/{step[1] or step[2]}" for step in _STEP.finditer(path))
    return InvalidData(text[: place.start()][:_MAX_DETAIL], pointer)
