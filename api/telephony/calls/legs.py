"""Calls as they are kept: legs, and the conversations that they belong to. Pure.

A *leg* is a call as one party has it. The legs of one call share its `call_uuid`. A *conversation* holds what belongs
together, a call with its consultation calls and everybody in them: it is read, changed and written as a whole, under
one lock, so that operations on calls that have to do with each other have one order.

A leg without a user is a party outside of the organization. Only a simulated switch has such legs; what a connector
reports is the view of a user, with the other parties as numbers in it.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from api.telephony.calls.states import State
from channels.calls import CallType

MOST_CALLS: Final = 10
"""Legs that a user may have at once."""
MOST_PARTIES: Final = 20
"""Legs that a conversation may have."""

Purpose: TypeAlias = Literal["Transfer", "Conference"]
RecordingState: TypeAlias = Literal["Stopped", "Recording", "Paused"]


class Origin(msgspec.Struct, frozen=True):
    """Who had a call dialled, and wants to hear what becomes of it: a domain, and the key of its thing there."""

    domain: str
    key: str


class Leg(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call as one party has it.

    `device` is the id of the owner's device and `number` the party's number. `began_at` is in Unix seconds, `place` the
    leg's number in its conversation. `parent` is the id of the original leg, `purpose` what the consultation is for.
    `invited_by` is the id of the leg that had this party called. `answered`: it has been established once; `ended`: why
    it was released. `hangs_up_after`: what a simulated party does in the end. `waits`: the party was called for an
    agent who is still to be found, and its call goes on without one. `reported` is the call as a connector wrote it,
    None for our own.
    """

    organization: str
    user: str
    id: str
    conversation: str
    call_uuid: str
    state: State
    began_at: float
    place: int = 0
    device: str = ""
    number: str = ""
    ani: str = ""
    dnis: str = ""
    call_type: CallType = "Unknown"
    participants: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    user_data: dict[str, str] = {}
    muted: bool = False
    recording: RecordingState | None = None
    parent: str | None = None
    purpose: Purpose | None = None
    invited_by: str | None = None
    origin: Origin | None = None
    answered: bool = False
    ended: str | None = None
    hangs_up_after: float | None = None
    waits: bool = False
    reported: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it still takes part."""
        return self.state is not State.RELEASED

    @property
    def is_told(self) -> bool:
        """Whether its owner has a desktop that knows of it."""
        return bool(self.user) and self.state is not State.REQUESTED


class Conversation(msgspec.Struct, frozen=True):
    """Legs that belong together, in the order in which they began."""

    organization: str
    id: str
    legs: tuple[Leg, ...] = ()

    def find(self, id: str) -> Leg | None:
        """The leg with that id."""
        return next((leg for leg in self.legs if leg.id == id), None)

    def of(self, user: str, id: str) -> Leg | None:
        """The same, only if it is that user's."""
        leg = self.find(id)
        return leg if leg is not None and leg.user == user else None
