"""What receivers say, fit for a log: one short line that names nobody in full and tells no secret."""

import re
from typing import Final

from hub.kernel.scrub import scrub_text

LONGEST: Final = 200
_NUMBER: Final = re.compile(r"\d[\d ()./-]{3,}\d(?=\d{3}(?!\d))")
_ADDRESS: Final = re.compile(r"[\w.+%'-]{1,64}@")


def reason(text: str) -> str:
    """`text` without line breaks and secrets; of phone numbers three digits are left, of addresses the domain."""
    line = "".join(character if character.isprintable() else " " for character in text[: 4 * LONGEST])
    line = scrub_text(" ".join(line.split()))
    return _NUMBER.sub("…", _ADDRESS.sub("…@", line))[:LONGEST]


def said(error: BaseException) -> str:
    """What an error says; what it is, where it says nothing."""
    return str(error) or type(error).__name__
