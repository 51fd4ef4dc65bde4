"""The working copy of a conversation while a simulated switch changes it. Pure.

Operations move, add and release legs; `outcome` then brings the whole into order: a call with one party left is over,
consultations whose original call has gone are calls like others, and everybody's participants and capabilities are what
they have to be. So no operation has to think of the others.
"""

from collections import defaultdict
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from api.telephony.calls.capabilities import Consult, Situation, capabilities
from api.telephony.calls.legs import MOST_PARTIES, Conversation, Leg, Origin
from api.telephony.calls.states import Signal, State, after
from api.telephony.calls.tellings import Failure, Saying
from api.telephony.switch.targets import Busy, Far, Line, Target
from channels.calls import CallNotificationType, CallType
from hub.kernel.errors import WrongState

Event: TypeAlias = Literal["answer", "busy", "no answer", "hang up"]
"""What a party does by itself after a while."""


class Plan(NamedTuple):
    """A party is going to do something, after so many seconds."""

    leg: str
    event: Event
    seconds: float


class Outcome(NamedTuple):
    """What has become of a conversation, what is said about it besides, and what will happen by itself."""

    after: Conversation
    said: tuple[Saying, ...]
    failures: tuple[Failure, ...]
    plans: tuple[Plan, ...]


class Invitation(NamedTuple):
    """How a party is called: the id of the new leg, into which call, on whose wish, and what the party is shown."""

    id: str
    call_uuid: str
    invited_by: str | None
    ani: str
    dnis: str
    call_type: CallType
    user_data: dict[str, str]
    recording: bool
    origin: Origin | None = None
    waits: bool = False


_CONSULTS: Final = {"Transfer": Consult.FOR_TRANSFER, "Conference": Consult.FOR_CONFERENCE}
_ORIGINALS: Final = {"Transfer": Consult.OF_TRANSFER, "Conference": Consult.OF_CONFERENCE}


class Board:
    """A conversation under change, at the instant `now`; phones ring for `ring_seconds` at most."""

    def __init__(self, conversation: Conversation, now: float, ring_seconds: float) -> None:
        self.now = now
        self._organization = conversation.organization
        self._id = conversation.id
        self._ring_seconds = ring_seconds
        self._legs: dict[str, Leg] = {leg.id: leg for leg in conversation.legs}
        self._said: list[Saying] = []
        self._failures: list[tuple[str, str]] = []
        self._plans: list[Plan] = []

    # Looking

    def leg(self, id: str) -> Leg:
        """The leg as it is now."""
        return self._legs[id]

    def find(self, id: str | None) -> Leg | None:
        """The leg with that id, if it is there and live."""
        leg = None if id is None else self._legs.get(id)
        return leg if leg is not None and leg.is_live else None

    def live(self) -> list[Leg]:
        """All legs that take part."""
        return [leg for leg in self._legs.values() if leg.is_live]

    def others(self, leg: Leg) -> list[Leg]:
        """The other parties of the same call."""
        return [each for each in self.live() if each.call_uuid == leg.call_uuid and each.id != leg.id]

    def consults(self, leg: Leg) -> list[Leg]:
        """The consultation calls that the owner of the leg has begun from it, the last one last."""
        return [each for each in self.live() if each.parent == leg.id]

    # Changing

    def change(self, leg: Leg, **values: Any) -> Leg:  # noqa: ANN401 - members of a leg
        """The leg with other members."""
        changed = self._legs[leg.id] = msgspec.structs.replace(self._legs[leg.id], **values)
        return changed

    def move(self, leg: Leg, signal: Signal, **values: Any) -> Leg:  # noqa: ANN401 - members of a leg
        """The leg one step further along the table."""
        return self.change(leg, state=after(self._legs[leg.id].state, signal), **values)

    def release(self, leg: Leg, why: str) -> None:
        """The leg is over."""
        self.move(leg, Signal.RELEASE, ended=why, capabilities=())

    def add(self, leg: Leg) -> Leg:
        """One leg more, behind the others."""
        place = 1 + max((each.place for each in self._legs.values()), default=0)
        self._legs[leg.id] = leg = msgspec.structs.replace(leg, place=place)
        return leg

    def call(self, target: Target, invitation: Invitation) -> Leg:
        """Have a party called, who will answer or not. Raises WrongState for one too many."""
        if len(self.live()) >= MOST_PARTIES:
            raise WrongState("There are too many parties in this call")
        user, device = (target.user, target.device) if isinstance(target, Line) else ("", "")
        leg = Leg(
            organization=self._organization,
            user=user,
            id=invitation.id,
            conversation=self._id,
            call_uuid=invitation.call_uuid,
            state=State.RINGING,
            began_at=self.now,
            device=device,
            number=target.number,
            ani=invitation.ani,
            dnis=invitation.dnis,
            call_type=invitation.call_type,
            user_data=invitation.user_data,
            recording="Stopped" if invitation.recording else None,
            invited_by=invitation.invited_by,
            origin=invitation.origin,
            waits=invitation.waits,
        )
        match target:
            case Line():
                self._plans.append(Plan(leg.id, "no answer", self._ring_seconds))
            case Far(_, does):
                leg = msgspec.structs.replace(leg, hangs_up_after=does.hangs_up_after)
                self._plans.append(Plan(leg.id, *_first_deed(target)))
            case Busy():
                self._plans.append(Plan(leg.id, "busy", 0.0))
        return self.add(leg)

    def say(self, leg: Leg, type: CallNotificationType) -> None:
        """Have the owner of the leg told, even if nothing has changed."""
        self._said.append(Saying(leg.id, type))

    def fail(self, id: str | None, why: str) -> None:
        """Have the owner of that leg told that something did not work, if there still is one."""
        if self.find(id) is not None and id is not None:
            self._failures.append((id, why))

    def plan(self, leg: Leg, event: Event, seconds: float) -> None:
        """The party will do that by itself."""
        self._plans.append(Plan(leg.id, event, seconds))

    # The end

    def outcome(self) -> Outcome:
        """The conversation in order."""
        self._end_lonely_calls()
        for leg in self.live():
            if leg.parent is not None and self.find(leg.parent) is None:
                self.change(leg, parent=None, purpose=None)
        for leg in self.live():
            self._complete(leg)
        legs = tuple(self._legs.values())
        failures = tuple(Failure(self._legs[failed], why) for failed, why in self._failures)
        plans = tuple(plan for plan in self._plans if self._legs[plan.leg].is_live)
        return Outcome(Conversation(self._organization, self._id, legs), tuple(self._said), failures, plans)

    def _end_lonely_calls(self) -> None:
        """A call needs two parties, and one of them with a desktop, but while somebody waits for an agent."""
        calls: defaultdict[str, list[Leg]] = defaultdict(list)
        for leg in self.live():
            calls[leg.call_uuid].append(leg)
        gone = {leg.call_uuid: leg.ended for leg in self._legs.values() if not leg.is_live}
        for call_uuid, legs in calls.items():
            if any(leg.waits for leg in legs):
                continue
            if len(legs) < 2 or not any(leg.user for leg in legs):
                for leg in legs:
                    self.release(leg, gone.get(call_uuid) or "released")

    def _complete(self, leg: Leg) -> None:
        others = self.others(leg)
        leg = self.change(leg, participants=tuple(each.number for each in others))
        situation = Situation(leg.state, self._consult(leg), leg.muted, leg.recording, max(1, len(others)))
        self.change(leg, capabilities=capabilities(situation))

    def _consult(self, leg: Leg) -> Consult:
        if leg.purpose is not None:
            return _CONSULTS[leg.purpose]
        consults = self.consults(leg)
        return _ORIGINALS[consults[-1].purpose or "Transfer"] if consults else Consult.NONE


def _first_deed(target: Far) -> tuple[Event, float]:
    does = target.does
    if does.busy_after is not None:
        return "busy", does.busy_after
    if does.unanswered_after is not None:
        return "no answer", does.unanswered_after
    return "answer", does.answers_after
