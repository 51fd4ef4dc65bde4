"""What surrounds every endpoint, as pure ASGI: request ids, cross-origin answers, paths that nobody serves."""

from collections.abc import Collection

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import answer, family_of
from hub.kernel import logs
from hub.kernel.errors import Internal, NotFound
from hub.kernel.ids import request_id

REQUEST_ID = "hub.request_id"
_log = logs.get("api")

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-Request-Id",
    "X-CSRF-TOKEN",
    "X-OtpVerificationId",
    "X-OtpCode",
    "X-API-Key",
    "X-ApplicationId",
    "X-UrlBase",
    "X-Ticket-Expiration-Seconds",
    "gms_user",
)
_ANSWER_HEADERS = (
    "X-Request-Id",
    "X-Event-Positions",
    "Idempotent-Replayed",
    "Retry-After",
    "X-CSRF-HEADER",
    "X-CSRF-TOKEN",
)


class RequestIds:
    """Gives every HTTP request an id and every answer its `X-Request-Id`. Belongs outside of everything else.

    A client's own id is kept when it is at most 64 of `[A-Za-z0-9._-]`. What an application inside fails to handle
    before it has begun to answer is logged under the id and answered 500.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = request_id_of(scope)
        header = (b"x-request-id", name.encode("ascii"))
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            if started:
                raise
            _log.exception("request failed", request_id=name, method=scope["method"])
            await answer(Internal(), family_of(scope["path"]), name).send(send_with_id)


def request_id_of(scope: Scope) -> str:
    """The id of this request; the same one however often it is asked for."""
    known: str | None = scope.get(REQUEST_ID)
    if known is None:
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        known = scope[REQUEST_ID] = request_id(sent.decode("latin-1"))
    return known


class CrossOrigin:
    """CORS for REST: browsers of the allowed origins may call and may read our headers, with the login cookie."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._guarded = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            allow_credentials=True,
            expose_headers=_ANSWER_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Servers and command lines send no Origin; they need not pay for the comparison.
        from_browser = any(name == b"origin" for name, _ in scope["headers"])
        await (self._guarded if from_browser else self._app)(scope, receive, send)


async def unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    """The default of the router: 404 in the form of the family whose prefix the path has."""
    del receive
    if scope["type"] == "http":
        reply = answer(NotFound(), family_of(scope["path"]), request_id_of(scope))
        await reply.send(send, without_body=scope["method"] == "HEAD")
