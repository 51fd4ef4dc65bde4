"""What a stranger may make the transports hold."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds."""

    message_bytes: int = 65_536
    depth: int = 32
    fragments: int = 64
    connections: int = 10_000
    hello: float = 5.0
    """From the upgrade to the first message of a session."""
    ping: float = 20.0
    pong: float = 20.0
    close: float = 5.0
    """For the client's part of the closing handshake."""
    write_buffer: int = 65_536
