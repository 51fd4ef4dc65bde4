"""Numbers of customers: what they mean, which are not called, where they are.

Up to six digits are an internal extension and taken as they are. Everything else is read in the country of the service.
Loading what is known of a country's numbers reads files: call these functions where that does not matter.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, ValidationResult, timezone

from api.callbacks.rules import refusals

LONGEST_INTERNAL: Final = 6
LONGEST: Final = 40
SHOWN_DIGITS: Final = 3


class Number(NamedTuple):
    """A number as the customer wrote it, and in its one form: E.164, or the digits of an extension."""

    written: str
    dialled: str

    @property
    def is_internal(self) -> bool:
        """Whether it is an extension of the house."""
        return not self.dialled.startswith("+")


def digits_of(text: str) -> str:
    """Only what is dialled: digits, and a plus in front."""
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    return f"+{digits}" if text.lstrip().startswith("+") else digits


def read(text: str, country: str, *, possible_only: bool, no_premium: bool) -> Number:
    """The number that was written. Raises CallbackRefused for what nobody can dial, or shall not."""
    written = text.strip()
    digits = digits_of(written)
    if not digits.removeprefix("+") or len(written) > LONGEST:
        raise refusals.bad_number(written[:LONGEST], "it has no digits, or too many")
    if len(digits) <= LONGEST_INTERNAL and not digits.startswith("+"):
        return Number(written, digits)
    try:
        parsed = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        if possible_only:
            raise refusals.bad_number(written, "it cannot be read as a phone number") from None
        return Number(written, digits)
    # One that is possible within its area only cannot be dialled from elsewhere.
    if possible_only and phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        raise refusals.bad_number(written, "it is no possible phone number")
    if no_premium and phonenumbers.number_type(parsed) == PhoneNumberType.PREMIUM_RATE:
        raise refusals.bad_number(written, "it is a premium-rate number")
    return Number(written, phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


def refuse_excepted(number: Number, lists: Mapping[str, Sequence[str]]) -> None:
    """Raises CallbackRefused if one of the lists has the number, in either of its forms, or its beginning."""
    forms = {number.dialled, digits_of(number.written), number.dialled.removeprefix("+")}
    for name, patterns in lists.items():
        for pattern in patterns:
            stem = pattern.removesuffix("*")
            if any(form == stem or (pattern != stem and form.startswith(stem)) for form in forms):
                raise refusals.excepted(number.written, name)


def masked(number: str) -> str:
    """For logs: the last digits only."""
    return f"…{number[-SHOWN_DIGITS:]}" if len(number) > SHOWN_DIGITS else "…"


@lru_cache(maxsize=1024)
def zones(dialled: str) -> tuple[ZoneInfo, ...]:
    """Where the number may be; empty for an extension, and where nothing is known."""
    if not dialled.startswith("+"):
        return ()
    names = timezone.time_zones_for_number(phonenumbers.parse(dialled, None))
    return tuple(zone for name in names if (zone := zone_of(name)) is not None)


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of that name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
