"""What somebody asks for, once it has been read: an appointment, another time for it, who is to come. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct

from api.appointments.rules.appointment import Appointment, Customer
from api.notifications.rules import is_mail_address
from hub.kernel import wire
from hub.kernel.errors import BadInput
from hub.kernel.headers import header_fault
from hub.kernel.periods import Period

MOST_BYTES: Final = 8_192
MOST_HEADERS: Final = 20
MOST_PARTICIPANTS: Final = 50

T = TypeVar("T")

_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()./-]{2,30}", re.ASCII)


class Times(Struct, frozen=True, kw_only=True):
    """When: the name of the zone has the right form. No locale: the one that there is."""

    start: float
    duration: Period
    timezone: str
    locale: str | None = None


class Routed(Struct, frozen=True, kw_only=True):
    """How the interaction is to be routed, as far as it was said."""

    type: str | None = None
    properties: Mapping[str, str] = {}
    custom_fields: Mapping[str, str] = {}


class Proposal(Struct, frozen=True, kw_only=True):
    """An appointment to be."""

    times: Times
    locale: str
    title: str | None = None
    notes: str | None = None
    metadata: Mapping[str, Any] = {}
    notification_headers: Mapping[str, str] = {}
    interaction: Routed | None = None
    customer: Customer | None = None


def require_small(values: dict[str, T], name: str) -> dict[str, T]:
    """Whatever clients add of their own goes along in every message about the appointment. Raises BadInput where it is
    too much.
    """
    if len(wire.encode(values)) > MOST_BYTES:
        raise BadInput(f"{name}: at most {MOST_BYTES} bytes", pointer=f"/{name.replace('.', '/')}")
    return values


def require_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Raises BadInput for headers that webhooks cannot have."""
    if len(headers) > MOST_HEADERS:
        raise BadInput(f"notificationHeaders: at most {MOST_HEADERS}", pointer="/notificationHeaders")
    for name, value in headers.items():
        if fault := header_fault(name, value):
            raise BadInput(f"notificationHeaders: {fault}", pointer="/notificationHeaders")
    return headers


def require_address(address: str | None) -> str | None:
    """A mail address in small letters. Raises BadInput."""
    if not address:
        return None
    if not is_mail_address(address):
        raise BadInput(
            "customer.contact.primaryEmail: must be a mail address", pointer="/customer/contact/primaryEmail"
        )
    return address.lower()


def require_number(number: str | None) -> str | None:
    """A phone number as people write it. Raises BadInput."""
    if not number:
        return None
    if not _NUMBER.fullmatch(number):
        raise BadInput(
            "customer.contact.primaryPhone: must be a phone number", pointer="/customer/contact/primaryPhone"
        )
    return number


def is_same_customer(one: Customer, other: Customer) -> bool:
    """Whether they are one person, as far as anybody can tell."""
    return (one.username is not None and one.username == other.username) or (
        one.email is not None and one.email == other.email
    )


def is_invited(customer: Customer, appointment: Appointment) -> bool:
    """Whether the customer is one of its participants."""
    return any(each.customer and is_same_customer(each.customer, customer) for each in appointment.customers)


def reads(customer: Customer, recipient: str) -> bool:
    """Whether the number or mail address is the customer's."""
    digits = "".join(letter for letter in customer.phone or "" if letter.isdigit())
    return customer.email == recipient or (bool(digits) and digits == recipient.removeprefix("+"))
