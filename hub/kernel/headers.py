"""Which headers somebody may have put on the calls that we make for him."""

import re
from typing import Final

# What belongs to the connection, to the body, to the caller, and to us.
TAKEN_HEADERS: Final = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "content-encoding", "content-length", "content-type", "expect", "host"),
        *("authorization", "cookie", "user-agent", "x-signature"),
    )
)
OUR_HEADERS: Final = "x-hub-"
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\x20-\x7e]{0,1000}")


def header_fault(name: str, value: str) -> str | None:
    """What is wrong with a header that somebody wants on his webhooks; None: nothing. The value is not repeated."""
    if not _NAME.fullmatch(name):
        return f"{name[:100]!r} is no name of a header"
    if name.lower() in TAKEN_HEADERS or name.lower().startswith(OUR_HEADERS):
        return f"the header {name} cannot be set"
    return (
        None if _VALUE.fullmatch(value) else f"the header {name} has a value with other than printable ASCII characters"
    )
