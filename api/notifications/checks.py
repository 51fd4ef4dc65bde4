"""What requests about notifications say, in one form. Pure.

One pair of quotes around a value is taken off: generated clients send the examples of the API as they are printed.
"""

import re
from typing import Final, get_args

from api.notifications.rules import DEFAULT_LOCALE, is_mail_address, is_phone
from hub.kernel.applications import DOMAIN, LOCALE, TextType, is_zone
from hub.kernel.errors import BadInput, MissingParameter, NotFound
from hub.kernel.periods import Period, unquoted

TEST_SECONDS: Final = 3600.0
"""A test mail that has not left by then is not sent any more."""
LARGEST_BODY: Final = 262_144
DAY: Final = Period(days=1)
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>\"]{1,100}")
_TIMED: Final = frozenset({"REMINDER", "ROOM"})


class NoService(NotFound):
    """The application cannot send this way, not yet."""

    code = "sender_unverified"
    default_detail = "The application has nothing verified to send from"


def domain(text: str) -> str:
    """A mail domain in small letters. Raises BadInput."""
    found = unquoted(text).lower()
    if not re.fullmatch(DOMAIN, found):
        raise BadInput("domain: must be a fully qualified domain name", pointer="/domain")
    return found


def from_name(text: str | None) -> str | None:
    """Who a mail is from, None for nobody in particular. Raises BadInput."""
    found = unquoted(text or "")
    if found and not _NAME.fullmatch(found):
        raise BadInput('fromName: 1 to 100 characters, without < > "', pointer="/fromName")
    return found or None


def email(text: str) -> str:
    """A mail address. Raises BadInput."""
    found = unquoted(text)
    if not is_mail_address(found):
        raise BadInput("toEmail: must be a mail address", pointer="/toEmail")
    return found


def phone(name: str, text: str) -> str:
    """A phone number in E.164 form. Raises BadInput."""
    found = unquoted(text)
    if not is_phone(found):
        raise BadInput(f"{name}: must be a phone number in the form +306931234567", pointer=f"/{name}")
    return found


def text(given: str) -> str:
    """What an SMS says. Raises BadInput."""
    if not (found := unquoted(given)):
        raise BadInput("textBody: must say something", pointer="/textBody")
    return found


def channel(text: str, wanted: str) -> None:
    """Raises BadInput for another channel than the one that the endpoint is for."""
    if unquoted(text) != wanted:
        raise BadInput(f"channel: must be {wanted} here", pointer="/channel")


def notice(text: str) -> TextType:
    """The type of notice whose texts are meant; an update is told as a new time. Raises BadInput."""
    found = unquoted(text)
    named: dict[str, TextType] = {type_: type_ for type_ in get_args(TextType)} | {"UPDATE": "RESCHEDULE"}
    if found not in named:
        raise BadInput("type: must be CREATE, UPDATE, REMINDER or ROOM", pointer="/type")
    return named[found]


def period(type: str, text: str | None) -> Period:
    """How far ahead the appointment is. Raises BadInput, also where it is missing and the type needs it."""
    if unquoted(type) not in _TIMED:
        return DAY
    if text is None:
        raise MissingParameter("period: is required for REMINDER and ROOM", pointer="/period")
    try:
        return Period.parse(text)
    except ValueError as error:
        raise BadInput(f"period: {error}", pointer="/period") from None


def zone(text: str | None) -> str:
    """The name of a time zone. Raises BadInput."""
    found = unquoted(text or "") or "UTC"
    if not is_zone(found):
        raise BadInput("timezone: must be a time zone such as Europe/Berlin", pointer="/timezone")
    return found


def locale(text: str | None) -> str:
    """A locale, of which the language decides where we do not know the country. Raises BadInput."""
    found = unquoted(text or "") or DEFAULT_LOCALE
    if not re.fullmatch(LOCALE, found):
        raise BadInput("locale: must be a locale such as en-GB", pointer="/locale")
    return found
