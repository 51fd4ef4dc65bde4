"""The frames of one WebSocket.

What clients say comes in whole, masked text frames, and these are read here: it takes half the time that the
protocol needs, which is a generator that asks for a few bytes at once. Whatever else may come (controls, fragments,
compressed and binary frames, mistakes, the request to begin with) goes through the sans-I/O protocol of `websockets`.
That is only there while it is needed, for it is the largest part of a connection that is silent.
"""

import logging
import math
from collections.abc import Iterator, Sequence

from websockets.extensions import Extension
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # the compiled one where there is one
from websockets.protocol import OPEN, Event, Protocol, Side, State
from websockets.server import ServerProtocol

TEXT, MASKED = 0x81, 0x80  # the first byte of an unfragmented text frame; the highest bit of the second byte
MASK_BYTES = 4

logger = logging.getLogger("hub.frames")
logger.setLevel(logging.WARNING)  # the library logs every connection


class Framing:
    """From bytes to messages, and what the protocol wants to be sent. Begins with the protocol that reads the request;
    call `opened` once it has accepted one.
    """

    __slots__ = ("_extensions", "_head", "_lacking", "_most", "_protocol")

    def __init__(self, opening: ServerProtocol, most: int) -> None:
        """`most`: bytes that a message may have."""
        self._protocol: Protocol | None = opening
        self._extensions: Sequence[Extension] = ()
        self._head = b""
        """Of a frame that is not known to its length yet."""
        self._lacking: float = math.inf
        """Bytes to come of a frame that the protocol has begun to read."""
        self.most = most

    @property
    def most(self) -> int:
        """Bytes that a message may have."""
        return self._most

    @most.setter
    def most(self, most: int) -> None:
        self._most = most
        if self._protocol is not None:
            self._protocol.max_message_size = most

    @property
    def state(self) -> State:
        """How far the conversation is."""
        return OPEN if self._protocol is None else self._protocol.state

    @property
    def is_over(self) -> bool:
        """Whether nobody has to say anything more before the socket is closed: both have, or it was no clean end."""
        protocol = self._protocol
        return protocol is not None and (protocol.close_sent is None or protocol.close_rcvd is not None)

    def opened(self) -> None:
        """The response to the request is on its way, and no more than the request has been received."""
        if self._protocol is not None and self._protocol.state is OPEN:
            self._extensions = self._protocol.extensions
            self._protocol, self._lacking = None, 0

    def protocol(self) -> Protocol:
        """The protocol, to say or hear something out of the ordinary. What it wants to send is in `leaving` then."""
        if self._protocol is None:
            self._protocol = Protocol(Side.SERVER, state=OPEN, max_size=self._most, logger=logger)
            self._protocol.extensions = list(self._extensions)
        return self._protocol

    def receive(self, data: bytes) -> list[bytes | Event]:
        """What the bytes bring, in order: whole messages as bytes, and whatever else as the protocol tells it."""
        arrived: list[bytes | Event] = []
        for piece, begin in self._pieces(data):
            text = self._text(piece, begin)
            if text is not None:
                arrived.append(text)
            else:
                protocol = self.protocol()
                protocol.receive_data(piece)
                arrived += protocol.events_received()
        return arrived

    def leaving(self) -> Sequence[bytes]:
        """What the protocol wants to be sent now; an empty piece says that nothing follows."""
        protocol = self._protocol
        if protocol is None:
            return ()
        if not self._lacking and protocol.state is OPEN and protocol.current_size is None:
            self._protocol = None
        return protocol.data_to_send()

    def _text(self, piece: bytes, begin: int) -> bytes | None:
        """The text of a whole frame with nothing but that, None for anything else."""
        if self._protocol is not None or not begin or piece[0] != TEXT or not piece[1] & MASKED:
            return None
        if len(piece) - begin > self._most:
            return None
        return apply_mask(piece[begin:], piece[begin - MASK_BYTES : begin])

    def _pieces(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """The data, cut where frames begin and end, and where in each piece the payload of a whole frame begins: 0 for
        a part of one.
        """
        if self._head:
            data, self._head = self._head + data, b""
        at = int(min(self._lacking, len(data)))
        if at:
            self._lacking -= at
            yield data[:at], 0
        while at < len(data):
            header = _header(data, at)
            if header is None:
                self._head = data[at:]
                return
            begin, size = header
            end = begin + size
            self._lacking = max(end - len(data), 0)
            yield data[at:end], 0 if self._lacking else begin - at
            at = end


def _header(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame that begins at `at` begins, and its size; None if that does not stand there yet.

    RFC 6455 section 5.2.
    """
    if len(data) < at + 2:
        return None
    size = data[at + 1] & ~MASKED
    begin = at + 2 + (MASK_BYTES if data[at + 1] & MASKED else 0)
    longer = {126: 2, 127: 8}.get(size, 0)
    if len(data) < begin + longer:
        return None
    if longer:
        size = int.from_bytes(data[at + 2 : at + 2 + longer], "big")
    return begin + longer, size
