"""Which operations a call permits at the moment. Pure.

Desktops draw their buttons from this list, so it is the only place where that is decided: an operation is permitted
exactly if it is listed. The order of a list means nothing, but it is always the same, for Dialing that of the sample in
the product's documentation.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from api.telephony.calls.operations import OperationName
from api.telephony.calls.states import State

Names = tuple[OperationName, ...]

_USER_DATA: Final[Names] = ("DeleteUserDataPair", "UpdateUserData", "AttachUserData", "DeleteUserData")
_ELSEWHERE: Final[Names] = ("InitiateConference", "InitiateTransfer", "SingleStepConference", "SingleStepTransfer")


class Consult(Enum):
    """What a call has to do with a consultation."""

    NONE = auto()
    FOR_TRANSFER = auto()
    """It is the consultation call, begun to transfer the original one."""
    FOR_CONFERENCE = auto()
    OF_TRANSFER = auto()
    """It is the original call, and a consultation is under way."""
    OF_CONFERENCE = auto()


class Situation(NamedTuple):
    """What the capabilities depend on. `recording` is None where calls cannot be recorded; `others` counts the other
    parties.
    """

    state: State
    consult: Consult = Consult.NONE
    muted: bool = False
    recording: str | None = None
    others: int = 1


# The rows of the table that depend on the state alone.
PLAIN: Final[dict[State, Names]] = {
    State.REQUESTED: (),
    State.DIALING: (
        "DeleteUserDataPair",
        "UpdateUserData",
        "AttachUserData",
        "Hangup",
        "DeleteUserData",
        "SendDtmf",
    ),
    State.RINGING: ("Answer", "Reject", "Redirect", *_USER_DATA),
    State.ESTABLISHED: ("Hangup", "Hold", "SendDtmf", *_ELSEWHERE, *_USER_DATA),
    State.HELD: ("Retrieve", "Hangup", *_ELSEWHERE, *_USER_DATA),
    State.RELEASED: (),
}

# What an original call permits while a consultation is under way, and what the consultation call does.
_ORIGINAL: Final[Names] = ("SwapCalls", *_ELSEWHERE, "Hangup", *_USER_DATA)
_CONSULTATION: Final[Names] = ("Hangup", "SwapCalls", *_USER_DATA)

_RECORDING: Final[dict[str | None, Names]] = {
    None: (),
    "Stopped": ("StartCallRecording",),
    "Recording": ("StopCallRecording", "PauseCallRecording"),
    "Paused": ("ResumeCallRecording", "StopCallRecording"),
}


def capabilities(at: Situation) -> Names:
    """The operations that are permitted."""
    if at.state in {State.RINGING, State.RELEASED, State.REQUESTED}:
        return PLAIN[at.state]
    names = _names(at)
    if at.state is State.ESTABLISHED and at.consult is Consult.NONE:
        names += ("UnmuteCall",) if at.muted else ("MuteCall",)
        names += _RECORDING[at.recording]
    if at.others > 1 and at.state is not State.DIALING:
        names += ("RemoveParticipant",)
    return names


def _names(at: Situation) -> Names:
    match at.consult:
        case Consult.NONE:
            return PLAIN[at.state]
        case Consult.OF_TRANSFER:
            return _talking(at.state, ("CompleteTransfer", *_ORIGINAL))
        case Consult.OF_CONFERENCE:
            return _talking(at.state, ("CompleteConference", *_ORIGINAL))
        case Consult.FOR_TRANSFER | Consult.FOR_CONFERENCE if at.state is State.DIALING:
            return ("SendDtmf", *_CONSULTATION)
        case Consult.FOR_TRANSFER:
            return _talking(at.state, ("CompleteTransfer", *_CONSULTATION))
        case Consult.FOR_CONFERENCE:
            return _talking(at.state, ("CompleteConference", *_CONSULTATION))


def _talking(state: State, names: Names) -> Names:
    """Tones go to whom one talks with, and not into the music of somebody who waits."""
    return ("SendDtmf", *names) if state is State.ESTABLISHED else names


_SHOWN: Final[dict[str, Situation]] = {
    "Dialing": Situation(State.DIALING),
    "Ringing": Situation(State.RINGING),
    "Established": Situation(State.ESTABLISHED),
    "Established, being recorded and muted": Situation(State.ESTABLISHED, muted=True, recording="Recording"),
    "Established, in a conference": Situation(State.ESTABLISHED, others=2),
    "Held": Situation(State.HELD),
    "Held, with a consultation for a transfer": Situation(State.HELD, Consult.OF_TRANSFER),
    "Held, with a consultation for a conference": Situation(State.HELD, Consult.OF_CONFERENCE),
    "the consultation call, Dialing": Situation(State.DIALING, Consult.FOR_TRANSFER),
    "the consultation call for a transfer, Established": Situation(State.ESTABLISHED, Consult.FOR_TRANSFER),
    "the consultation call for a conference, Established": Situation(State.ESTABLISHED, Consult.FOR_CONFERENCE),
    "Released": Situation(State.RELEASED),
}


def table() -> str:
    """The capabilities as a Markdown table, for the documentation."""
    rows = ["| a call that is | permits |", "|---|---|"]
    for name, situation in _SHOWN.items():
        rows.append(f"| {name} | {', '.join(capabilities(situation)) or 'nothing'} |")
    return "\n".join(rows) + "\n"
