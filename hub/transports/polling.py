"""What a polling request says and how it is answered, whichever way it is served."""

from collections.abc import Mapping, Sequence

from hub.auth import login
from hub.bayeux import codec
from hub.bayeux.messages import HANDSHAKE, Message
from hub.kernel import metrics
from hub.kernel.addresses import client_address
from hub.kernel.errors import BadInput, HubError, TooLarge
from hub.realtime.node import Node
from hub.realtime.ports import Credentials
from hub.realtime.session import Session
from hub.transports import browser, cross_origin
from hub.transports.cross_origin import Headers
from hub.transports.limits import Limits
from hub.transports.paths import is_for_customers
from hub.transports.poll import Poll

JSON = [
    (b"content-type", b"application/json;charset=UTF-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]

RequestHeaders = Mapping[bytes, str]


class Polling:
    """Reads requests and composes what answers them; waits for nothing."""

    def __init__(self, node: Node, limits: Limits, origins: frozenset[str]) -> None:
        self.node = node
        self.limits = limits
        self.origins = origins

    def credentials(
        self, headers: RequestHeaders, query: str, peer: str, path: str, *, cookies: bool = True
    ) -> Credentials:
        """Who the request says it comes from; what that is worth may take waiting (`Admission.settled`)."""
        return self.node.admission.credentials(
            headers.get(b"authorization"),
            query,
            headers.get(b"user-agent"),
            cookie=self._cookie(headers) if cookies else None,
            address=client_address(peer, headers.get(b"x-forwarded-for"), self.limits.proxies),
            customer=is_for_customers(path),
        )

    def _cookie(self, headers: RequestHeaders) -> str | None:
        """The login cookie, if a page of ours has sent it on purpose; any other is as good as none."""
        cookie = login.cookie(headers.get(b"cookie"))
        if cookie is None or b"authorization" in headers:
            return None
        is_meant = login.is_meant(
            cookie,
            token=headers.get(login.CSRF_HEADER.lower().encode()),
            origin=headers.get(b"origin"),
            host=headers.get(b"host"),
            allowed=self.origins,
        )
        return cookie if is_meant else None

    def messages(self, payload: bytes) -> list[Message]:
        """The messages in a request, at least one. Raises `BadInput` and `TooLarge`."""
        messages = codec.decode(payload, max_bytes=self.limits.message_bytes, max_depth=self.limits.depth)
        if not messages:
            raise BadInput("a request without messages")
        return messages

    def status(self, poll: Poll) -> int:
        """Of a response that is whole."""
        return self.limits.displaced if poll.displaced else 200

    def across(self, headers: RequestHeaders) -> Headers:
        """What a response needs so that a page of another origin may read it."""
        return cross_origin.answer_headers(headers, self.origins)

    def refusal(self, error: HubError) -> tuple[int, bytes]:
        """Status and body for a request that cannot be understood."""
        metrics.BAD_FRAMES.labels("too_large" if isinstance(error, TooLarge) else "malformed").inc()
        return error.status, b'{"error":"%b"}' % error.code.encode()


def has_handshake(messages: Sequence[Message]) -> bool:
    """Whether a session is asked for."""
    return HANDSHAKE in [message.channel for message in messages]


def cookies_for(poll: Poll, sessions: Sequence[Session], *, secure: bool) -> Headers:
    """The browser's cookie on the answer to a handshake, if that has opened a session and the browser has none."""
    if poll.browser is not None or all(session.ended for session in sessions):
        return []
    return [(b"set-cookie", browser.set_new(secure=secure))]
