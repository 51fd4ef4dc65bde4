"""An event made ready for the wire, once, however many sessions it goes to.

Each form is built when the first session needs it and then shared: the JSON message for long-polling answers, and the
complete WebSocket frame for pushes; both with and without the replay extension.
"""

from msgspec import Struct

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


class Prepared(Struct, gc=False, eq=False):
    """One event of one stream; `seq` is 0 for ephemeral ones.

    Thousands of them are kept for clients that come back soon, so the collector of cycles need not look at them: they
    refer to nothing but text.
    """

    stream: Stream
    seq: int
    data: bytes
    binary: bool = False
    _message: bytes | None = None
    _replayable: bytes | None = None
    _frame: bytes | None = None
    _replayable_frame: bytes | None = None

    def message(self, *, replay: bool) -> bytes:
        """The Bayeux message."""
        if replay and self.seq > 0:
            if self._replayable is None:
                self._replayable = codec.replayable_event(self.stream.channel, self.data, self.seq, binary=self.binary)
            return self._replayable
        if self._message is None:
            self._message = codec.event(self.stream.channel, self.data, binary=self.binary)
        return self._message

    def frame(self, *, replay: bool) -> bytes:
        """The WebSocket frame with this message alone in an array."""
        if replay:
            if self._replayable_frame is None:
                self._replayable_frame = frame(b"[%b]" % self.message(replay=True))
            return self._replayable_frame
        if self._frame is None:
            self._frame = frame(b"[%b]" % self.message(replay=False))
        return self._frame

    def relax(self) -> None:
        """Keep the data only: whoever else wants the event, which may be nobody, can have the forms made again."""
        self._message = self._replayable = self._frame = self._replayable_frame = None


def prepare(event: LoggedEvent) -> Prepared:
    """An event as it comes from the log or the broker."""
    return Prepared(*event)
