"""What is told about a change, found by comparing before and after. Pure.

Because every telling is derived from the difference between two states, and carries the state after it, a desktop that
applies them to an earlier snapshot has the later one. There is nothing that could be forgotten to be told.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from api.telephony.calls.legs import Conversation, Leg
from api.telephony.calls.states import State
from channels.calls import CallNotificationType

# What ends is told first, then what waits: a desktop shows one call less before it shows one more.
_ORDER: Final = {State.RELEASED: 0, State.HELD: 1}

_SEPARATELY: Final[dict[str, CallNotificationType]] = {
    "participants": "ParticipantsUpdated",
    "user_data": "AttachedDataChanged",
    "recording": "CallRecordingStateChange",
}
_STATUS: Final = (
    *("state", "call_uuid", "muted", "parent", "purpose", "call_type", "ani", "dnis", "device"),
    "number",
)


class Saying(NamedTuple):
    """That something has happened to a leg, whether it has changed by that or not."""

    leg: str
    type: CallNotificationType


class Failure(NamedTuple):
    """An operation that was accepted, and could not be carried out."""

    leg: Leg
    why: str


class Telling(NamedTuple):
    """One notification to the owner of a leg."""

    leg: Leg
    type: CallNotificationType
    why: str = ""


def tellings(
    before: Conversation, after: Conversation, said: Collection[Saying] = (), failures: Collection[Failure] = ()
) -> list[Telling]:
    """Everything that the owners of the legs are to hear, in that order; what failed comes first."""
    found = [Telling(leg, "Error", why) for leg, why in failures if leg.user]
    old = {leg.id: leg for leg in before.legs if leg.is_told}
    for leg in sorted(after.legs, key=lambda leg: _ORDER.get(leg.state, 2)):
        if leg.is_told:
            found += [Telling(leg, type_) for type_ in _types(old.get(leg.id), leg, said)]
    return found


def _types(old: Leg | None, new: Leg, said: Collection[Saying]) -> Iterator[CallNotificationType]:
    if old is None or not new.is_live:
        yield "StatusChange"
        return
    named = {type_ for name, type_ in _SEPARATELY.items() if getattr(old, name) != getattr(new, name)}
    named |= {saying.type for saying in said if saying.leg == new.id}
    # Other capabilities alone are told as another status; beside something else they come with it.
    alone = not named and old.capabilities != new.capabilities
    if alone or any(getattr(old, name) != getattr(new, name) for name in _STATUS):
        yield "StatusChange"
    yield from sorted(named)
