"""What the head of an ordinary request says; and one that says the same again.

A polling client sends the same headers with every poll, but for the length of the body. Its connection remembers the
last head as it came, with what was concluded from it: where the same bytes come again, so does the conclusion, and
nothing is parsed. Only what the credentials are worth is asked anew each time.
"""

from msgspec import Struct

from hub.realtime.ports import Credentials

LONGEST = 4_096
"""Bytes of a head that is remembered."""

_LENGTH = b"\r\ncontent-length: "
_DIGITS = 6
_END = b"\r\n\r\n"


class Head(Struct, frozen=True, kw_only=True):
    """The conclusions."""

    credentials: Credentials
    browser: str | None
    request_id: str | None
    """That of the client."""
    answer: bytes
    """Headers of the response that depend on those of the request."""
    most: int
    """Bytes of the body."""
    keep_alive: bool


class Known(Struct, frozen=True):
    """A head as it came: what stands before the length of the body, and after it."""

    head: Head
    before: bytes
    after: bytes

    def body(self, data: bytes) -> bytes | None:
        """The body, if this is one whole request with the same head and a body that may be as long as it is."""
        before, after = self.before, self.after
        if not data.startswith(before):
            return None
        start = len(before)
        end = data.find(b"\r", start, start + _DIGITS + 1)
        if end < 0 or not data.startswith(after, end) or not (length := data[start:end]).isdigit():
            return None
        body = data[end + len(after) :]
        return body if len(body) == int(length) and 0 < len(body) <= self.head.most else None


def known(head: Head, data: bytes) -> Known | None:
    """What to remember of one whole request that has this head, if anything."""
    first, end, _ = data.partition(_END)
    start = first.lower().find(_LENGTH) + len(_LENGTH)
    if not head.keep_alive or not len(_LENGTH) <= start < len(first) <= LONGEST:
        return None
    stop = (first + end).index(b"\r", start)
    found = Known(head, first[:start], first[stop:] + end)
    return found if found.body(data) is not None else None
