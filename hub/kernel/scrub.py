"""Takes secrets out of what is about to be logged. The last line of defence: nobody should log them in the first place.

Cleans strings wherever they are in the value; whatever stands under a name like `password` is masked whole.
"""

import re
from collections.abc import Mapping
from typing import Final

from hub.kernel.secret import MASK

# No unbounded part stands before a name: it would make hostile text take quadratic time.
_NAMES: Final = r"token|password|passwd|secret|authorization|api[_-]?key|cookie|otp[_-]?code"
_NAME: Final = re.compile(rf"(?i)\A[\w-]{{0,40}}(?:{_NAMES})\Z")
_PATTERNS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)(\s+|%20|\+)[^\s\"',;&<>]+"), rf"\1\2{MASK}"),
    (re.compile(rf"(?i)((?:{_NAMES})[\"']?\s*(?:=|%3D)\s*[\"']?)[^\s&\"',;}}]+"), rf"\1{MASK}"),
    (re.compile(rf"(?i)([\"'][\w-]{{0,40}}(?:{_NAMES})\\?[\"']\s*:\s*b?\\?[\"'])[^\"'\\]+"), rf"\1{MASK}"),
    (re.compile(r"\bey[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"(://)[^\s/@\"']+@"), rf"\1{MASK}@"),
)
_DEEPEST: Final = 8


def scrub_text(text: str) -> str:
    """`text` without bearer tokens, JWTs, passwords in URLs and values of secret-looking parameters."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def scrub(value: object, depth: int = 0) -> object:
    """`value` with every string in it cleaned; containers are copied, other objects are cleaned as their repr."""
    match value:
        case str():
            return scrub_text(value)
        case None | bool() | int() | float():
            return value
        case bytes():
            return scrub_text(value.decode("utf-8", "backslashreplace"))
        case _ if depth >= _DEEPEST:
            return "…"
        case Mapping():
            return {str(key): scrub_named(str(key), item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [scrub(item, depth + 1) for item in value]
        case _:
            return scrub_text(repr(value))


def scrub_named(name: str, value: object, depth: int = 0) -> object:
    """`value` as `scrub` has it, or a mask if `name` says that it is a secret."""
    if value is not None and _NAME.match(name):
        return MASK
    return scrub(value, depth)
