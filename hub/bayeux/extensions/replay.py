"""The replay extension: durable subscriptions by position, in the wire form that Salesforce clients know.

    handshake  →  ext {"replay": true}                        ←  ext {"replay": true, "replayEpoch": "k7f3"}
    subscribe  →  ext {"replay": {"/v2/me/calls": 41},        ←  ext {"replay": {"/v2/me/calls": 57,
                       "replayEpoch": "k7f3"}                              "gap": ["/v2/me/calls"]}}

41 means everything after 41; -2 all that is kept; -1 or no entry from now on. The reply says where live begins;
`gap` lists the channels of which something was missed for good, so that the client reads the REST snapshot.
"""

from typing import Any

from msgspec import Struct

from hub.bayeux.events import Attached
from hub.bayeux.messages import Message

ALL_KEPT = -2
FROM_NOW = -1
LARGEST_POSITION = 2**53 - 1


class InvalidPositions(Exception):
    """The client's map is not one of channel → integer from -2 on."""


class Request(Struct, frozen=True):
    """The positions a subscribe came with, whole: under a pattern "from now" is not the same as no entry."""

    since: dict[str, int]
    epoch: str | None
    replaying: bool


NOTHING = Request({}, None, replaying=False)


def wanted(handshake: Message) -> bool:
    """Whether the handshake asks for the extension."""
    return handshake.extensions.get("replay") is True


def requested(subscribe: Message) -> Request:
    """The map of a subscribe. Raises `InvalidPositions`."""
    found: Any = subscribe.extensions.get("replay")
    epoch: Any = subscribe.extensions.get("replayEpoch")
    if found is None:
        return NOTHING
    if not isinstance(found, dict) or not (epoch is None or isinstance(epoch, str)):
        raise InvalidPositions
    if not all(_is_position(value) for value in found.values()):
        raise InvalidPositions
    return Request(found, epoch, replaying=bool(found))


def _is_position(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and ALL_KEPT <= value <= LARGEST_POSITION


def accepted(epoch: str) -> dict[str, Any]:
    """The `ext` of a handshake reply."""
    return {"replay": True, "replayEpoch": epoch}


def began(attached: Attached) -> dict[str, Any]:
    """The `ext` of a subscribe reply."""
    positions: dict[str, Any] = dict(attached.positions)
    if attached.gaps:
        positions["gap"] = list(attached.gaps)
    return {"replay": positions}
