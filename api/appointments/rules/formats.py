"""How values are written by clients, and by us. Pure.

Clients that were made from the samples of the documentation send texts with a pair of quotes inside; it is taken off.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from hub.kernel import wire
from hub.kernel.errors import BadInput
from hub.kernel.periods import Period, unquoted

DEFAULT_LOCALE: Final = "en-US"
LONGEST_ID: Final = 64

_ID: Final = re.compile(rf"[A-Za-z0-9-]{{1,{LONGEST_ID}}}")
_USER: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII
)
_LOCALE: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?", re.ASCII)
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether an appointment or a participant could be called that."""
    return _ID.fullmatch(text) is not None


def require_id(text: str, name: str) -> str:
    """The id of an appointment. Raises BadInput that names the member."""
    if not is_id(bare := unquoted(text)):
        raise BadInput(f"{name}: must be 1 to {LONGEST_ID} of A-Z a-z 0-9 -", pointer=f"/{name}")
    return bare


def require_user_id(text: str, name: str) -> str:
    """The id of a user or a participant. Raises BadInput that names the member."""
    if not _USER.fullmatch(bare := unquoted(text)):
        raise BadInput(f"{name}: must be 1 to 64 of A-Z a-z 0-9 . _ @ -", pointer=f"/{name}")
    return bare


def instant(text: str, name: str) -> float:
    """Unix seconds of `2022-01-31T19:00:00.0Z`: up to nine digits of a second (six count), Z or an offset. Raises
    BadInput that names the member.
    """
    try:
        return _instant(unquoted(text))
    except (ValueError, OverflowError):
        raise BadInput(
            f"{name}: must be an instant with its offset, like 2030-01-31T19:00:00.0Z", pointer=f"/{name}"
        ) from None


def _instant(text: str) -> float:
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError
    clock, fraction, _, sign, hours, minutes = found.groups()
    at = datetime.fromisoformat(clock).replace(tzinfo=UTC, microsecond=int((fraction or "0").ljust(6, "0")[:6]))
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise ValueError
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        at = at - offset if sign == "+" else at + offset
    return at.timestamp()


def instant_text(at: float) -> str:
    """In UTC, with at least one digit of the second and no zero more."""
    shown = wire.instant(at)
    fraction = f"{shown.microsecond:06}".rstrip("0") or "0"
    return f"{shown.replace(tzinfo=None, microsecond=0).isoformat()}.{fraction}Z"


def period(text: str, name: str) -> Period:
    """An ISO 8601 period. Raises BadInput that names the member."""
    try:
        return Period.parse(text)
    except ValueError as error:
        raise BadInput(f"{name}: {error}", pointer=f"/{name}") from None


def period_text(length: timedelta) -> str:
    """Plain ISO 8601, in hours, minutes and seconds."""
    return str(Period(seconds=round(length.total_seconds())))


def locale(text: str | None) -> str:
    """`en-GB` for `en_GB`, `en-gb`, and for nothing the default. Raises BadInput."""
    if text is None or not (bare := unquoted(text)):
        return DEFAULT_LOCALE
    found = _LOCALE.fullmatch(bare)
    if found is None:
        raise BadInput("locale: must be a language, with a country or without one, like en-GB", pointer="/locale")
    language, script, country = found.groups()
    parts = (language.lower(), script and script.title(), country and country.upper())
    return "-".join(part for part in parts if part)


def locale_text(locale: str) -> str:
    """The form with underscores, which answers have."""
    return locale.replace("-", "_")


def zone_name(text: str) -> str:
    """The name of a time zone by its form; whether there is one, the zones know. Raises BadInput."""
    if not _ZONE.fullmatch(bare := unquoted(text)):
        raise BadInput("timezone: must be the name of a time zone, like Europe/Berlin", pointer="/timezone")
    return bare
