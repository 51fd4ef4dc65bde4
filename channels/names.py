"""Names of channels and patterns over them: how they are written, what they cover.

A name is `/segment(/segment)*`. A pattern is a name whose last segment is a wildcard: `/a/*` covers every name with
exactly one segment more than `/a`, `/a/**` every name with one or more; neither covers `/a`. `/*` and `/**` are
patterns too. Wildcards anywhere else make a name invalid, and so does an asterisk inside a segment.

Only `is_valid` looks at the letters. The other functions expect a valid name, compare code points (`/A` is not `/a`)
and know nothing of `/meta` and `/service`: `/**` covers them here, and the catalogue leaves them out.
"""

import re
from functools import lru_cache
from typing import Final

MIN_LENGTH: Final = 2
MAX_LENGTH: Final = 256

# The letters that servers in the field accept; `*` only as the wildcard. A slash is no letter, hence no backtracking.
_SEGMENT: Final = r"[A-Za-z0-9\-_!~()$@ #+.{}]+"
_NAME: Final = re.compile(rf"/(?:{_SEGMENT}/)*(?:{_SEGMENT}|\*\*?)")

# Names come from clients; a name of 256 characters has up to 129 patterns, so the cache stays small on purpose.
_CACHED_NAMES: Final = 1024


def is_valid(name: str) -> bool:
    """Whether `name` is a well-formed concrete name or pattern of 2 to 256 characters."""
    return MIN_LENGTH <= len(name) <= MAX_LENGTH and _NAME.fullmatch(name) is not None


def is_pattern(name: str) -> bool:
    """Whether the last segment is a wildcard."""
    return name.endswith(("/*", "/**"))


def matches(pattern: str, channel: str) -> bool:
    """Whether `pattern` (or a concrete name, which covers itself) covers the concrete name `channel`."""
    if pattern.endswith("/**"):
        return channel.startswith(pattern[:-2])
    if pattern.endswith("/*"):
        return channel.startswith(pattern[:-1]) and channel.find("/", len(pattern) - 1) < 0
    return pattern == channel


def intersect(a: str, b: str) -> str | None:
    """The name or pattern that covers exactly what both cover; None when nothing does.

    It is always one of the two: what two patterns share is the whole of the narrower one.
    """
    if not is_pattern(a):
        return a if matches(b, a) else None
    if not is_pattern(b):
        return b if matches(a, b) else None
    head_a, head_b = a.rstrip("*"), b.rstrip("*")
    if head_a == head_b:
        return min(a, b, key=len)
    outer, inner, head = (a, b, head_a) if len(head_a) < len(head_b) else (b, a, head_b)
    return inner if outer.endswith("/**") and inner.startswith(head) else None


@lru_cache(maxsize=_CACHED_NAMES)
def patterns_of(channel: str) -> tuple[str, ...]:
    """The concrete name `channel` itself, then every pattern that covers it, narrowest first."""
    cut = channel.rfind("/")
    found = [channel, f"{channel[:cut]}/*"]
    while cut >= 0:
        found.append(f"{channel[:cut]}/**")
        cut = channel.rfind("/", 0, cut)
    return tuple(found)
