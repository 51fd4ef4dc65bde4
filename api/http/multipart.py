"""A multipart form, part by part while it arrives, so that a file never stands in memory. RFC 7578.

What a stranger may send is bounded: parts, headers, names. Parts inside of parts and encodings of parts are not
looked into: their bytes are the value.
"""

import logging
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from hub.kernel.errors import BadInput, TooLarge

MOST_PARTS: Final = 1000
LONGEST_NAME: Final = 255
LONGEST_FILE_NAME: Final = 255
_HEADERS: Final = 8

# It complains in the log about what strangers send.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class Part(NamedTuple):
    """What stands above a part. `file_name` is None for a plain value; `media_type` is the sender's word."""

    name: str
    file_name: str | None
    media_type: str


class End(NamedTuple):
    """A part is complete."""


Event = Part | bytes | End


class Multipart:
    """Makes events of a form: for each part a `Part`, its bytes, and an `End`."""

    def __init__(self, content_type: str) -> None:
        """Raises BadInput for a Content-Type without a usable boundary."""
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not 0 < len(boundary) <= 70:
            raise BadInput("The Content-Type has no boundary, or a long one")
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header,
                "on_headers_finished": self._head,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._last,
            },
            max_header_count=_HEADERS,
        )
        self._events: list[Event] = []
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts = 0
        self._is_complete = False

    async def events(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Event]:
        """The events of a body that comes in pieces. Raises BadInput, TooLarge, and whatever `pieces` raises."""
        async for piece in pieces:
            try:
                self._parser.write(piece)
            except FormParserError:
                raise BadInput("The form cannot be read") from None
            events, self._events = self._events, []
            for event in events:
                yield event
        if not self._is_complete:
            raise BadInput("The form ends too early")

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise TooLarge(f"The form may have at most {MOST_PARTS} parts")
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _head(self) -> None:
        try:
            disposition, options = parse_options_header(
                self._headers.get(b"content-disposition", b"").decode("latin-1")
            )
            name = options[b"name"].decode("utf-8")
            file_name = options.get(b"filename")
            if disposition != b"form-data":
                raise ValueError(disposition)
            self._events.append(
                Part(
                    name,
                    None if file_name is None else file_name.decode("utf-8", "replace")[:LONGEST_FILE_NAME],
                    self._headers.get(b"content-type", b"").decode("latin-1").strip(),
                )
            )
        except (ValueError, KeyError):
            raise BadInput("A part of the form has no name that can be read") from None

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(bytes(data[start:end]))

    def _end(self) -> None:
        self._events.append(End())

    def _last(self) -> None:
        self._is_complete = True
