"""Whether a request may become a WebSocket, and who it says it comes from."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from hub.auth import login
from hub.kernel import metrics
from hub.kernel.addresses import client_address
from hub.realtime.ports import Credentials
from hub.realtime.prepared import WINDOW_BITS
from hub.transports import origin, paths

if TYPE_CHECKING:
    from hub.transports.websocket import WebSockets

VERSION = "13"
_DEFLATE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


def refusal(request: Request, protocol: ServerProtocol, shared: "WebSockets") -> Response | None:
    """Why not, whoever it is."""
    if not paths.is_bayeux(request.path.partition("?")[0]):
        return protocol.reject(HTTPStatus.NOT_FOUND, "no WebSocket here\n")
    versions = request.headers.get_all("Sec-WebSocket-Version")
    if len(versions) < 2 and VERSION not in versions:
        return _other_version(protocol)
    if not origin.is_allowed(request.headers.get("Origin"), request.headers.get("Host"), shared.origins):
        metrics.ORIGIN_REFUSED.inc()
        return protocol.reject(HTTPStatus.FORBIDDEN, "this Origin is not in HUB_ALLOWED_ORIGINS\n")
    if shared.node.draining:
        return later(protocol)
    return full(protocol, "connections") if shared.is_full() else None


def full(protocol: ServerProtocol, limit: str) -> Response:
    """There are as many as this limit permits."""
    metrics.REFUSED.labels(limit).inc()
    return later(protocol)


def later(protocol: ServerProtocol) -> Response:
    """There is no room at the moment."""
    return protocol.reject(HTTPStatus.SERVICE_UNAVAILABLE, "try again later\n")


def offer_deflate(protocol: ServerProtocol) -> None:
    """Let messages be compressed if the client wants it, each by itself: the memory for what came before would be had
    by every connection, and what is pushed to many could not be compressed once. What comes in is inflated up to the
    size that a message may have, and no further.
    """
    protocol.available_extensions = [_DEFLATE]


def deflates(protocol: ServerProtocol) -> bool:
    """Whether that was agreed on, with a window in which ours fits."""
    return any(
        isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits >= WINDOW_BITS
        for extension in protocol.extensions
    )


def _other_version(protocol: ServerProtocol) -> Response:
    """RFC 6455 section 4.4: say which version is spoken here."""
    response = protocol.reject(HTTPStatus.UPGRADE_REQUIRED, f"version {VERSION} only\n")
    response.headers["Sec-WebSocket-Version"] = VERSION
    response.headers["Upgrade"] = "websocket"
    return response


def credentials(request: Request, shared: "WebSockets", peer: tuple[str, int] | None) -> Credentials:
    """Who it says it is. Its cookie counts for a page that has an origin, which is an allowed one here."""
    headers = request.headers
    path, _, query = request.path.partition("?")
    return shared.node.admission.credentials(
        headers.get("Authorization"),
        query,
        headers.get("User-Agent"),
        cookie=login.cookie(headers.get("Cookie")) if "Origin" in headers else None,
        address=client_address(
            str((peer or ("",))[0]), ",".join(headers.get_all("X-Forwarded-For")), shared.limits.proxies
        ),
        customer=paths.is_for_customers(path),
    )
