"""What an agent can ask for, and what each of it needs. Pure.

One record carries all operations, because a desktop sends them all to one address: `PARAMETERS` says which members an
operation has to have, the others are not looked at.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from api.telephony.numbers import require_number
from hub.kernel.errors import BadInput, MissingParameter

OperationName: TypeAlias = Literal[
    "Answer",
    "Reject",
    "Redirect",
    "Hangup",
    "Hold",
    "Retrieve",
    "SwapCalls",
    "Alternate",
    "SendDtmf",
    "AttachUserData",
    "UpdateUserData",
    "DeleteUserData",
    "DeleteUserDataPair",
    "InitiateTransfer",
    "InitiateConference",
    "CompleteTransfer",
    "CompleteConference",
    "SingleStepTransfer",
    "SingleStepConference",
    "RemoveParticipant",
    "DeleteFromConference",
    "MuteCall",
    "Mute",
    "UnmuteCall",
    "Unmute",
    "StartCallRecording",
    "StopCallRecording",
    "PauseCallRecording",
    "ResumeCallRecording",
]

# Desktops of different ages have different words for the same thing; the capabilities use the ones on the right.
ALIASES: Final[Mapping[OperationName, OperationName]] = {
    "Alternate": "SwapCalls",
    "DeleteFromConference": "RemoveParticipant",
    "Mute": "MuteCall",
    "Unmute": "UnmuteCall",
}

PARAMETERS: Final[Mapping[OperationName, str]] = {
    "Redirect": "destination",
    "SendDtmf": "digits",
    "AttachUserData": "user_data",
    "UpdateUserData": "user_data",
    "DeleteUserDataPair": "key",
    "InitiateTransfer": "destination",
    "InitiateConference": "destination",
    "SingleStepTransfer": "destination",
    "SingleStepConference": "destination",
    "RemoveParticipant": "participant",
}

MOST_DIGITS: Final = 64
MOST_PAIRS: Final = 100
LONGEST_KEY: Final = 255
MOST_USER_DATA: Final = 16_384
"""Characters of all keys and values of a call together."""

_TONES: Final = re.compile(r"[0-9*#A-D]{1,64}")


class Destination(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whom to call. Spaces, dashes, dots, slashes and brackets in the number mean nothing."""

    phone_number: Annotated[str, Meta(max_length=64, examples=["+15550001111"])]


# The bounds are in the description only: `require_room` measures what a call carries in all.
UserData: TypeAlias = Annotated[
    dict[str, str],
    Meta(
        description=f"At most {MOST_PAIRS} pairs and {MOST_USER_DATA} characters in all; "
        f"keys of 1 to {LONGEST_KEY} characters"
    ),
]


class Dial(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Call somebody. `location` is accepted and means nothing here."""

    operation_name: Literal["Dial"]
    destination: Destination
    location: str | None = None
    user_data: UserData = {}


class Operation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Do something with a call. Which members are needed depends on the operation."""

    operation_name: OperationName
    destination: Annotated[
        Destination | None, Meta(description="For Redirect, Initiate… and SingleStep…, which need it")
    ] = None
    location: Annotated[str | None, Meta(description="Accepted, and means nothing here")] = None
    user_data: Annotated[
        UserData | None, Meta(description="For AttachUserData, UpdateUserData, which need it; Initiate…, SingleStep…")
    ] = None
    digits: Annotated[str | None, Meta(description="For SendDtmf: 1 to 64 of 0-9 * # A-D")] = None
    key: Annotated[str | None, Meta(description="For DeleteUserDataPair")] = None
    participant: Annotated[str | None, Meta(description="For RemoveParticipant: the number of who is to go")] = None
    consult_call_uri: Annotated[
        str | None, Meta(description="For Complete…: which consultation call; without it the last one")
    ] = None


def checked(operation: Operation) -> Operation:
    """The operation under its proper name, with numbers as digits. Raises MissingParameter, BadInput."""
    name = ALIASES.get(operation.operation_name, operation.operation_name)
    needed = PARAMETERS.get(name)
    if needed is not None and getattr(operation, needed) is None:
        member = _on_the_wire(needed)
        raise MissingParameter(f"{member} is required for {name}", pointer=f"/{member}")
    if name == "SendDtmf" and not _TONES.fullmatch(operation.digits or ""):
        raise BadInput(f"digits: 1 to {MOST_DIGITS} of 0-9 * # A-D", pointer="/digits")
    destination = operation.destination
    if destination is not None:
        destination = Destination(phone_number=require_number(destination.phone_number, "/destination/phoneNumber"))
    participant = operation.participant
    if name == "RemoveParticipant" and participant is not None:
        participant = require_number(participant, "/participant")
    return msgspec.structs.replace(
        operation, operation_name=name, destination=destination, participant=participant, location=None
    )


def require_room(user_data: Mapping[str, str]) -> None:
    """Raises BadInput for more user data than a call may carry."""
    size = sum(len(key) + len(value) for key, value in user_data.items())
    if any(not 0 < len(key) <= LONGEST_KEY for key in user_data):
        raise BadInput(f"userData: keys have 1 to {LONGEST_KEY} characters", pointer="/userData")
    if len(user_data) > MOST_PAIRS or size > MOST_USER_DATA:
        raise BadInput(
            f"userData: a call carries at most {MOST_PAIRS} pairs and {MOST_USER_DATA} characters", pointer="/userData"
        )


def _on_the_wire(name: str) -> str:
    field = next(field for field in msgspec.structs.fields(Operation) if field.name == name)
    return field.encode_name
