"""What a stranger may make the transports hold."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds."""

    message_bytes: int = 65_536
    depth: int = 32
    fragments: int = 64
    connections: int = 10_000
    half_open: int = 1_000
    """Sockets whose client has not said who it is."""
    stranger_bytes: int = 16_384
    """The largest request of somebody who has shown neither a good token nor a clientId."""
    hello: float = 5.0
    """From the upgrade to the first message of a session; for a stranger's whole request; for its headers."""
    body: float = 30.0
    """For the whole request of somebody who is known."""
    ping: float = 20.0
    pong: float = 20.0
    close: float = 5.0
    """For the client's part of the closing handshake."""
    displaced: int = 500
    """The status of a poll when a newer connect of the same client took its place; clients ignore the failure."""
    write_buffer: int = 65_536
    waiting: int = 64
    """Messages of a socket that wait for their turn; beyond, and beyond the next one, nothing is read from it."""
    unread: int = 262_144
    """Answers and pongs that a client provokes and does not take."""
    deflate: bool = False
    """Whether clients that have authenticated may have what is pushed to them compressed."""
    proxies: frozenset[str] = frozenset()
    """Addresses whose X-Forwarded-For is believed."""
