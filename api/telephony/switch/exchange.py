"""What the simulated switch does with a conversation: each operation of an agent, and each deed of a party. Pure.

`DEEDS` is the table of the operations. Each of them is a few moves on the board; what follows from them for everybody
else is the board's business.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias, assert_never

from api.telephony.calls.legs import Leg, Purpose, RecordingState
from api.telephony.calls.operations import Operation, OperationName, require_room
from api.telephony.calls.states import Signal, State
from api.telephony.switch.board import Board, Event, Invitation
from api.telephony.switch.targets import Line, Target
from channels.calls import CallType
from hub.kernel.errors import BadInput, WrongState

FAILURES: Final = {
    "busy": "The number is busy",
    "no answer": "There was no answer",
    "rejected": "The call was rejected",
}


class Declined(Exception):
    """The operation was permitted, and yet cannot be carried out as things are; the text is for the agent."""


class Fresh(NamedTuple):
    """Names for what an operation may begin: two legs and a call."""

    leg: str
    far: str
    call_uuid: str


class Asked(NamedTuple):
    """An operation, where its destination leads to, and names for what it begins."""

    operation: Operation
    target: Target | None
    fresh: Fresh

    @property
    def destination(self) -> str:
        """The number that was dialled."""
        wanted = self.operation.destination
        return "" if wanted is None else wanted.phone_number


Deed: TypeAlias = Callable[[Board, Leg, Asked], object]


# Agents ---------------------------------------------------------------------------------------------------------------


def dial(board: Board, caller: Leg, destination: str, target: Target, far: str) -> None:
    """A new call of the agent, whose leg is not on the board yet."""
    call_type = _call_type(target)
    caller = board.move(board.add(caller), Signal.PLACE, call_type=call_type, dnis=destination, ani=caller.number)
    _call(board, caller, destination, target, far, call_type=call_type, invited_by=caller.id)


def carry_out(board: Board, leg: Leg, asked: Asked) -> None:
    """The operation, permitted and well-formed, on a leg of the board.

    Raises Declined, with the board as it was; BadInput and WrongState as `Switch` says.
    """
    DEEDS[asked.operation.operation_name](board, leg, asked)


def call_customer(board: Board, target: Target, invitation: Invitation) -> None:
    """Somebody is called for whom an agent is still to be found."""
    board.call(target, invitation._replace(waits=True))


def offer(board: Board, customer: Leg, target: Target, invitation: Invitation) -> None:
    """An agent rings for somebody who waits. Raises WrongState where the agent cannot be had."""
    if customer.state is not State.ESTABLISHED or board.others(customer):
        raise WrongState("Nobody waits in this call")
    if not isinstance(target, Line) or target.number != invitation.dnis:
        raise WrongState("The agent cannot be called")
    board.change(customer, user_data=invitation.user_data)
    board.call(target, invitation)


def _swap(board: Board, leg: Leg, _: Asked) -> None:
    original, consult = _pair(board, leg, None)
    if {original.state, consult.state} != {State.ESTABLISHED, State.HELD}:
        raise Declined("The consultation call has not been answered")
    talking, waiting = (original, consult) if original.state is State.ESTABLISHED else (consult, original)
    board.move(talking, Signal.HOLD)
    board.move(waiting, Signal.RETRIEVE)


def _annotate(board: Board, leg: Leg, asked: Asked) -> None:
    """Attached data belongs to the call: every party has the same."""
    given = asked.operation.user_data or {}
    match asked.operation.operation_name:
        case "AttachUserData":
            data = {**given, **leg.user_data}
        case "UpdateUserData":
            data = {**leg.user_data, **given}
        case "DeleteUserData":
            data = {}
        case _:
            data = {key: value for key, value in leg.user_data.items() if key != asked.operation.key}
    _attach(board, leg, data)
    board.say(leg, "AttachedDataChanged")


def _attach(board: Board, leg: Leg, data: dict[str, str]) -> None:
    require_room(data)
    for each in (leg, *board.others(leg)):
        board.change(each, user_data=data)


def _consult(purpose: Purpose) -> Deed:
    """The call waits while the agent talks to somebody else about it."""

    def deed(board: Board, leg: Leg, asked: Asked) -> None:
        if any(consult.state is State.DIALING for consult in board.consults(leg)):
            raise Declined("A consultation call is being dialled")
        user_data = {**leg.user_data, **(asked.operation.user_data or {})}
        require_room(user_data)
        for each in board.live():
            if each.user == leg.user and each.state is State.ESTABLISHED:
                board.move(each, Signal.HOLD)
        consult = Leg(
            organization=leg.organization,
            user=leg.user,
            id=asked.fresh.leg,
            conversation=leg.conversation,
            call_uuid=asked.fresh.call_uuid,
            state=State.DIALING,
            began_at=board.now,
            device=leg.device,
            number=leg.number,
            ani=leg.number,
            dnis=asked.destination,
            call_type="Consult",
            user_data=user_data,
            recording=None if leg.recording is None else "Stopped",
            parent=leg.id,
            purpose=purpose,
        )
        consult, far = board.add(consult), asked.fresh.far
        _call(board, consult, asked.destination, asked.target, far, call_type="Consult", invited_by=consult.id)

    return deed


def _complete(board: Board, leg: Leg, asked: Asked) -> None:
    """The parties of the consultation come into the original call, with or without the agent."""
    original, consult = _pair(board, leg, asked.operation.consult_call_uri)
    is_transfer = asked.operation.operation_name == "CompleteTransfer"
    for each in board.others(consult):
        board.change(each, call_uuid=original.call_uuid, user_data=original.user_data)
    board.release(consult, "transferred" if is_transfer else "joined")
    if is_transfer:
        board.release(original, "transferred")
    elif original.state is State.HELD:
        board.move(original, Signal.RETRIEVE)


def _pair(board: Board, leg: Leg, consult_uri: str | None) -> tuple[Leg, Leg]:
    """The original and the consultation call, whichever of the two the leg is. Raises BadInput, Declined."""
    if leg.parent is not None:
        consults, original = [leg], board.leg(leg.parent)
    else:
        consults, original = board.consults(leg), leg
    if consult_uri is not None:
        wanted = consult_uri.rstrip("/").rpartition("/")[2]
        consults = [consult for consult in consults if consult.id == wanted]
        if not consults:
            raise BadInput("consultCallUri: no consultation call of this one", pointer="/consultCallUri")
    if not consults:
        raise Declined("There is no consultation call")
    return original, consults[-1]


def _redirect(board: Board, leg: Leg, asked: Asked) -> None:
    """Somebody else rings instead; whoever called hears it if they cannot be had either."""
    _invite(board, leg, asked, invited_by=leg.invited_by)
    board.release(leg, "redirected")


def _pass_on(board: Board, leg: Leg, asked: Asked) -> None:
    """Somebody else is called instead of the agent, who has nothing more to do with it."""
    _invite(board, leg, asked, invited_by=None)
    board.release(leg, "transferred")


def _bring_in(board: Board, leg: Leg, asked: Asked) -> None:
    _invite(board, leg, asked, invited_by=leg.id)


def _invite(board: Board, leg: Leg, asked: Asked, *, invited_by: str | None) -> None:
    if given := asked.operation.user_data:
        _attach(board, leg, {**leg.user_data, **given})
    leg, target, far = board.leg(leg.id), asked.target, asked.fresh.far
    _call(board, leg, asked.destination, target, far, call_type=_call_type(target), invited_by=invited_by)


def _remove(board: Board, leg: Leg, asked: Asked) -> None:
    gone = [each for each in board.others(leg) if each.number == asked.operation.participant]
    if not gone:
        raise BadInput("participant: nobody in the call has this number", pointer="/participant")
    for each in gone:
        board.release(each, "removed")


def _call_type(target: Target | None) -> CallType:
    return "Internal" if isinstance(target, Line) else "Outbound"


def _call(
    board: Board,
    leg: Leg,
    destination: str,
    target: Target | None,
    far: str,
    *,
    call_type: CallType,
    invited_by: str | None,
) -> None:
    if target is None:
        raise BadInput("destination: not a phone number", pointer="/destination/phoneNumber")
    invitation = Invitation(
        id=far,
        call_uuid=leg.call_uuid,
        invited_by=invited_by,
        # Whoever is called by a redirection sees who called in the first place.
        ani=leg.ani if leg.state is State.RINGING else leg.number,
        dnis=destination,
        call_type=call_type,
        user_data=leg.user_data,
        recording=leg.recording is not None,
    )
    board.call(target, invitation)


def _muted(*, on: bool) -> Deed:
    return lambda board, leg, _: board.change(leg, muted=on)


def _recording(state: RecordingState) -> Deed:
    return lambda board, leg, _: board.change(leg, recording=state)


# Parties --------------------------------------------------------------------------------------------------------------


def happen(board: Board, leg: Leg, event: Event) -> None:
    """A party does by itself what was planned, unless it has lost its sense meanwhile."""
    match event:
        case "hang up":
            board.release(leg, "released")
        case "answer":
            if leg.state is State.RINGING:
                answer(board, leg)
                if leg.hangs_up_after is not None:
                    board.plan(leg, "hang up", leg.hangs_up_after)
        case "busy" | "no answer":
            if leg.state is State.RINGING:
                lose(board, leg, event)
        case _:
            assert_never(event)


def answer(board: Board, leg: Leg) -> None:
    """A party who rings answers: whoever has dialled talks to them from now on."""
    board.move(leg, Signal.ANSWER, answered=True)
    for other in board.others(leg):
        if other.state is State.DIALING:
            board.move(other, Signal.ANSWER, answered=True)
        if leg.user and other.waits:
            board.change(other, waits=False)


def lose(board: Board, leg: Leg, why: str) -> None:
    """A party who rings is not to be had; whoever invited them is told why."""
    board.fail(leg.invited_by, FAILURES[why])
    board.release(leg, why)


# The table ------------------------------------------------------------------------------------------------------------

DEEDS: Final[Mapping[OperationName, Deed]] = {
    "Answer": lambda board, leg, _: answer(board, leg),
    "Reject": lambda board, leg, _: lose(board, leg, "rejected"),
    "Redirect": _redirect,
    "Hangup": lambda board, leg, _: board.release(leg, "released"),
    "Hold": lambda board, leg, _: board.move(leg, Signal.HOLD),
    "Retrieve": lambda board, leg, _: board.move(leg, Signal.RETRIEVE),
    "SwapCalls": _swap,
    "SendDtmf": lambda board, leg, _: board.say(leg, "DtmfSent"),
    "AttachUserData": _annotate,
    "UpdateUserData": _annotate,
    "DeleteUserData": _annotate,
    "DeleteUserDataPair": _annotate,
    "InitiateTransfer": _consult("Transfer"),
    "InitiateConference": _consult("Conference"),
    "CompleteTransfer": _complete,
    "CompleteConference": _complete,
    "SingleStepTransfer": _pass_on,
    "SingleStepConference": _bring_in,
    "RemoveParticipant": _remove,
    "MuteCall": _muted(on=True),
    "UnmuteCall": _muted(on=False),
    "StartCallRecording": _recording("Recording"),
    "StopCallRecording": _recording("Stopped"),
    "PauseCallRecording": _recording("Paused"),
    "ResumeCallRecording": _recording("Recording"),
}
