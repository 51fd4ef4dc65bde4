"""An event made ready for the wire, once, however many sessions it goes to.

Each form is built when the first session needs it and then shared: the JSON message for long-polling answers, and the
complete WebSocket frame for pushes, compressed or not; both with and without the replay extension.
"""

import zlib

from msgspec import Struct

from channels.envelope import LoggedEvent, Stream
from hub.bayeux import codec

TEXT = 0x81  # FIN and opcode text
COMPRESSED = 0x40  # RSV1, the bit of permessage-deflate
WINDOW_BITS = 12  # events are small; a larger window would find little more
WORTHWHILE = 128  # bytes below which compressing wins nothing
EMPTY_BLOCK = b"\x00\x00\xff\xff"
SHORT, MEDIUM = 126, 65536


def frame(payload: bytes, first: int = TEXT) -> bytes:
    """A complete, unmasked WebSocket text frame (RFC 6455 section 5.2); `first` is its first byte."""
    size = len(payload)
    if size < SHORT:
        return bytes((first, size)) + payload
    if size < MEDIUM:
        return bytes((first, SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((first, SHORT + 1)) + size.to_bytes(8, "big") + payload


def deflated(payload: bytes) -> bytes:
    """The same as a frame that can be inflated by itself (RFC 7692), so that all receivers can have it."""
    if len(payload) < WORTHWHILE:
        return frame(payload)
    compressor = zlib.compressobj(wbits=-WINDOW_BITS)
    small = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return frame(small.removesuffix(EMPTY_BLOCK), TEXT | COMPRESSED) if len(small) < len(payload) else frame(payload)


Form = int
"""How a session takes events: PLAIN, or the sum of what applies of the other two."""
PLAIN: Form = 0
DEFLATED: Form = 1  # compressed, for sockets that have agreed to it
REPLAYABLE: Form = 2  # with the position, for the replay extension
NO_FRAMES: tuple[bytes | None, ...] = (None, None, None, None)


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
    _frames: tuple[bytes | None, ...] = NO_FRAMES

    def message(self, *, replay: bool) -> bytes:
        """The Bayeux message."""
        if replay and self.seq > 0:
            if self._replayable is None:
                self._replayable = codec.replayable_event(self.stream.channel, self.data, self.seq, binary=self.binary)
            return self._replayable
        if self._message is None:
            self._message = codec.event(self.stream.channel, self.data, binary=self.binary)
        return self._message

    def frame(self, form: Form) -> bytes:
        """The WebSocket frame with this message alone in an array."""
        made = self._frames[form]
        if made is None:
            payload = b"[%b]" % self.message(replay=bool(form & REPLAYABLE))
            made = deflated(payload) if form & DEFLATED else frame(payload)
            self._frames = (*self._frames[:form], made, *self._frames[form + 1 :])
        return made

    def relax(self) -> None:
        """Keep the data only: whoever else wants the event, which may be nobody, can have the forms made again."""
        self._message = self._replayable = None
        self._frames = NO_FRAMES


def prepare(event: LoggedEvent) -> Prepared:
    """An event as it comes from the log or the broker."""
    return Prepared(*event)


def joined(events: list[Prepared], form: Form) -> bytes:
    """The frames of some events, one after another."""
    frames = [event.frame(form) for event in events]
    return frames[0] if len(frames) == 1 else b"".join(frames)
