"""What can be dialled, and what a phone number says about itself. Pure."""

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from babel import Locale

from channels.calls import ParticipantInfo
from channels.devices import Country
from hub.kernel.errors import BadInput

_NUMBER: Final = re.compile(r"\+?[0-9*#]{1,31}")
_PUNCTUATION: Final = str.maketrans("", "", " -./()")
_NOWHERE: Final = Country(name="", code="", calling_code="")
_TERRITORIES: Final = Locale("en").territories
_REMEMBERED: Final = 4096


def is_number(text: str) -> bool:
    """Whether `text` can be dialled as it stands."""
    return _NUMBER.fullmatch(text) is not None


def require_number(text: str, pointer: str) -> str:
    """`text` without what people write between digits. Raises BadInput where that is no number to be dialled."""
    number = text.translate(_PUNCTUATION)
    if not is_number(number):
        raise BadInput(f"{pointer.strip('/').replace('/', '.')}: not a phone number", pointer=pointer)
    return number


@lru_cache(maxsize=_REMEMBERED)
def participant_info(number: str) -> ParticipantInfo:
    """What a number says about itself. One without a country (an internal one) is shown as it is dialled."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ParticipantInfo(
            location=None, country=_NOWHERE, formatted_phone_number=number, is_valid_number=False, e164_digits=number
        )
    region = phonenumbers.region_code_for_number(parsed) or ""
    country = Country(name=_TERRITORIES.get(region, ""), code=region, calling_code=str(parsed.country_code or ""))
    return ParticipantInfo(
        location=None,
        country=country,
        formatted_phone_number=phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
        is_valid_number=phonenumbers.is_valid_number(parsed),
        e164_digits=phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).removeprefix("+"),
    )
