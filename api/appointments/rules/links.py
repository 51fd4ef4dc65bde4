"""The links with which customers cancel and move an appointment. Pure.

A link is good for one thing, for one appointment, and for the schedule that it was written for: until the beginning, or
until the appointment is moved. It names nobody. What it says is signed; the signature is checked elsewhere.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from typing import ClassVar, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from msgspec import Struct

from api.appointments.rules.appointment import Appointment
from hub.kernel.applications import Application
from hub.kernel.errors import HubError

Purpose: TypeAlias = Literal["cancel", "reschedule"]

PATH: Final = "/q/a/"
PURPOSES: Final[tuple[Purpose, ...]] = ("cancel", "reschedule")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{48}")
_TEXT_BYTES: Final = 20


class State(StrEnum):
    """What a link is worth; only a GOOD one does anything."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """Not from here, or of an appointment or an application that knows nothing of links any more."""
    CANCELLED = "cancelled"
    MOVED = "moved"
    """The appointment has got another time since."""
    EXPIRED = "expired"


class SpentLink(HubError):
    """The link was good and is not any more."""

    code = "link_expired"
    status: ClassVar[int] = 410
    status_code = 2
    default_detail = "The link is not good any more"


class Link(Struct, frozen=True):
    """For what, for which appointment, and for which of its schedules."""

    purpose: Purpose
    appointment: str
    version: int

    @property
    def text(self) -> bytes:
        """What is signed."""
        purpose = PURPOSES.index(self.purpose).to_bytes(1, "big")
        return purpose + UUID(self.appointment).bytes + self.version.to_bytes(3, "big")


class Signed(NamedTuple):
    """A link and what is said to be its signature."""

    link: Link
    signature: bytes


def token(link: Link, signature: bytes) -> str:
    """The last part of the address."""
    return urlsafe_b64encode(link.text + signature).decode("ascii")


def read(token: str) -> Signed | None:
    """What `token` has written; None for what it never writes."""
    if not _TOKEN.fullmatch(token):
        return None
    raw = urlsafe_b64decode(token)
    if raw[0] >= len(PURPOSES):
        return None
    link = Link(PURPOSES[raw[0]], str(UUID(bytes=raw[1:17])), int.from_bytes(raw[17:_TEXT_BYTES], "big"))
    return Signed(link, raw[_TEXT_BYTES:])


def state(link: Link, appointment: Appointment, application: Application, now: float) -> State:
    """What a link is worth whose signature is right."""
    if not application.customer_links:
        return State.UNKNOWN
    if appointment.status == "cancelled":
        return State.CANCELLED
    if link.version != appointment.schedule_version:
        return State.MOVED
    if appointment.status == "completed" or now >= appointment.start:
        return State.EXPIRED
    return State.GOOD
