"""What this layer needs from above, filled by the transports and by `hub.app`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from hub.auth.login import Password
from hub.auth.principal import Principal
from hub.kernel.errors import HubError
from hub.store.transaction import Tx

if TYPE_CHECKING:
    from hub.realtime.session import Session


class Login(Struct, frozen=True):
    """A password or the value of a login cookie, and the address that it came from."""

    given: Password | str
    address: str


class Logins(Protocol):
    """Who is behind a password or a cookie. Raises HubError where nobody is."""

    async def by_password(self, given: Password, address: str, now: float) -> Principal:
        """The user of that name and password."""
        ...

    async def by_cookie(self, value: str, now: float) -> Principal:
        """The user who was given that cookie."""
        ...


class Announce(Protocol):
    """What follows from a user's coming or going, in the transaction in which it happens: rows and events."""

    def __call__(self, tx: Tx, organization: str, user: str, now: float, *, connected: bool) -> None:
        """The user has come, or has been away for the whole grace."""
        ...


class Credentials(Struct, frozen=True):
    """What a transport knows of the caller before any message is read: a verified principal, or why there is none.

    Both are None where the request carried no credentials at all, and where `login` has not been looked at yet, which
    takes waiting. A login by cookie is `unasked`: the browser sends it whatever the page means. Neither `token` nor
    `login` is ever logged.
    """

    principal: Principal | None = None
    fault: HubError | None = None
    token: str | None = None
    login: "Login | None" = None
    unasked: bool = False
    customer: bool = False
    """Whether whoever brings nothing at all may be a customer who waits for a callback."""
    patient: bool = True
    """Whether the client may be told to wait; some take `advice.interval` for seconds and would fall silent."""


class Origin(Protocol):
    """Where a message came from and its answer goes."""

    @property
    def credentials(self) -> Credentials:
        """Of this request or socket."""

    @property
    def browser(self) -> str | None:
        """The value of the browser's cookie, None without one and on a WebSocket."""

    def expect(self, answers: int) -> None:
        """So many calls of `answer` will follow; on HTTP the response leaves with the last of them."""

    def answer(self, messages: Sequence[bytes], *, displaced: bool = False) -> None:
        """The JSON messages that answer one request message, in order. `displaced`: a newer connect took its place."""


class Link(Origin, Protocol):
    """A WebSocket: an origin that can be written to at any time."""

    session: "Session | None"
    """Who speaks through it; set when a handshake comes, and again when that is accepted."""

    deflates: bool
    """Whether compressed frames may be written."""

    def write(self, frames: bytes, /) -> object:
        """Write complete WebSocket frames, behind everything that was answered before, while it is `clear` to."""

    def clear(self) -> bool:
        """Whether frames may be written now. Call `Session.steer` when that ends and `Session.resumed` when it begins.

        Not while the network takes no more, nor where the socket is about to be lost, and would take them with it.
        """

    def caught_up(self) -> None:
        """Nothing that was received waits for its turn any more."""

    def close(self, code: int, reason: str, *, after: float = 0.0) -> None:
        """Close with a code once everything written has left, `after` seconds later if the client does not first."""
