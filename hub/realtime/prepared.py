"""An event made ready for the wire, once, however many sessions it goes to.

Each form is built when the first session needs it and then shared: the JSON message for long-polling answers, and the
complete WebSocket frame for pushes; both with and without the replay extension.
"""

from channels.envelope import LoggedEvent, Stream
from hub.bayeux import codec

TEXT = 0x81  # FIN and opcode text
SHORT, MEDIUM = 126, 65536


def frame(payload: bytes) -> bytes:
    """A complete, unmasked WebSocket text frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < SHORT:
        return bytes((TEXT, size)) + payload
    if size < MEDIUM:
        return bytes((TEXT, SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, SHORT + 1)) + size.to_bytes(8, "big") + payload


class Prepared:
    """One event of one stream; `seq` is 0 for ephemeral ones."""

    __slots__ = ("_frames", "_messages", "binary", "data", "seq", "stream")

    def __init__(self, event: LoggedEvent) -> None:
        self.stream: Stream = event.stream
        self.seq: int = event.seq
        self.data: bytes = event.data
        self.binary: bool = event.binary
        self._messages: list[bytes | None] = [None, None]
        self._frames: list[bytes | None] = [None, None]

    def message(self, *, replay: bool) -> bytes:
        """The Bayeux message."""
        form = self._messages[replay]
        if form is None:
            channel = self.stream.channel
            if replay and self.seq > 0:
                form = codec.replayable_event(channel, self.data, self.seq, binary=self.binary)
            else:
                form = codec.event(channel, self.data, binary=self.binary)
            self._messages[replay] = form
        return form

    def frame(self, *, replay: bool) -> bytes:
        """The WebSocket frame with this message alone in an array."""
        form = self._frames[replay]
        if form is None:
            form = self._frames[replay] = frame(b"[%b]" % self.message(replay=replay))
        return form
