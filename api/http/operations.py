"""One record an endpoint, and the ASGI application that serves it.

The record is the only place where method, path, permission, types, limits and errors of an endpoint are said. Routes
and the OpenAPI description are both derived from it, so they cannot disagree.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.http.authentication import Caller, authenticate
from api.http.bodies import FORM, Disconnected, form_fields, read_body
from api.http.members import Incoming, Limits, canonical
from api.http.middleware import CrossOrigin, request_id_of
from api.http.problems import Family, MethodNotAllowed, UnsupportedMediaType, answer
from api.http.reply import JSON, Reply, Streamed
from api.http.request import Call, Services
from channels.access import Role
from hub.auth.guesses import network
from hub.kernel import logs, metrics, wire
from hub.kernel.addresses import client_address
from hub.kernel.errors import BadInput, HubError, Internal, PasswordChangeDemanded, Stopping
from hub.kernel.settings import Settings

_log = logs.get("api")


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint: what it is called, who may call it, what goes in and out, and the function that does it.

    `roles`: one of them is required; empty = whoever is known; `None` = public. `body` and `result` are types that
    msgspec reads and writes, `None` where there is none; `form` says that the body is a form, `any_form` that it is one
    of all the forms in `api.http.members`, and `takes_files` that the handler reads it itself, from `call.incoming`;
    `body_name` is what messages about the body call it and `max_body` its limit in bytes. `query` is the struct that
    the handler reads the query as, `headers` describes those of the answer. `errors` are those of the use case; what
    authentication, decoding and limits may answer is added by itself. `own_errors`: the handler answers errors as well,
    in `media_type`.
    `examples` are bodies by name, each good for a success together with the `path_example` and `query_example`; the
    documentation shows them and a test makes them.
    `idempotent` endpoints honour `Idempotency-Key` and do their work through `api.http.idempotency`; so do `once_only`
    ones, which cannot repeat their answer and refuse instead.
    `before_password_change`: also for somebody who has to change their password first.
    `handler` returns a value of `result`, or a whole `Reply` or `Streamed`.
    """

    name: str
    method: str
    path: str
    summary: str
    tag: str
    family: Family
    handler: Callable[[Call[Any]], Awaitable[object]]
    roles: frozenset[Role] | None
    body: Any = None
    body_name: str = "body"
    form: bool = False
    any_form: bool = False
    takes_files: bool = False
    query: type[msgspec.Struct] | None = None
    headers: Mapping[str, str] = {}
    before_password_change: bool = False
    result: Any = None
    success: int = 200
    media_type: str = JSON
    errors: tuple[type[HubError], ...] = ()
    own_errors: bool = False
    max_body: Callable[[Settings], int] = attrgetter("max_message_bytes")
    idempotent: bool = False
    once_only: bool = False
    examples: Mapping[str, object] = {}
    path_example: Mapping[str, str] = {}
    query_example: Mapping[str, str] = {}
    description: str = ""
    deprecated: bool = False


class Endpoint:
    """Carries an operation out: authentication, limit, decoding, handler, encoding, in this order."""

    def __init__(self, operation: Operation, services: Services) -> None:
        self.operation = operation
        self._services = services
        self._proxies = services.settings.proxies
        self._max_body = operation.max_body(services.settings)
        self._limits = _limits(operation, services.settings)
        self._max_depth = services.settings.max_depth

    async def reply(self, scope: Scope, receive: Receive, request_id: str) -> Reply | Streamed:
        """The answer to one request; refusals are raised as `HubError`."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        address = self._address(scope, headers)
        if not self.operation.any_form:
            return await self._reply(scope, receive, request_id, headers, address, None)
        place = partial(self._services.quotas.large_bodies.one, network(address))
        with closing(Incoming(receive, headers, self._limits, place)) as unread:
            return await self._reply(scope, receive, request_id, headers, address, unread)

    async def _reply(
        self,
        scope: Scope,
        receive: Receive,
        request_id: str,
        headers: Mapping[bytes, bytes],
        address: str,
        unread: Incoming | None,
    ) -> Reply | Streamed:
        operation = self.operation
        now = self._services.clock.now()
        caller = None if operation.roles is None else await self._caller(scope["method"], headers, address, now)
        raw = b""
        members: object = None
        if unread is not None:
            if not operation.takes_files:
                members = await unread.members()
                raw = canonical(members)
        elif operation.body is not None:
            (_require_form if operation.form else _require_json)(headers.get(b"content-type"))
            raw = await read_body(receive, headers.get(b"content-length"), self._max_body)
        call = Call(
            services=self._services,
            caller=None if caller is None else caller.principal,
            cookie=None if caller is None else caller.cookie,
            by_password=caller is not None and caller.by_password,
            address=address,
            body=self._decoded(raw) if unread is None else members,
            raw=raw,
            headers=headers,
            path_params=scope["path_params"],
            query_string=scope["query_string"],
            idempotency_key=_idempotency_key(headers) if operation.idempotent or operation.once_only else None,
            path=scope["path"],
            request_id=request_id,
            now=now,
            unread=unread,
        )
        result = await operation.handler(call)
        if isinstance(result, Reply | Streamed):
            return result
        return Reply(operation.success, wire.encode(result), operation.media_type)

    async def _caller(self, method: str, headers: Mapping[bytes, bytes], address: str, now: float) -> Caller:
        operation = self.operation
        changes = method not in {"GET", "HEAD"}
        caller = await authenticate(
            self._services, headers, operation.roles or frozenset(), now, address=address, changes=changes
        )
        if caller.principal.must_change and not operation.before_password_change:
            raise PasswordChangeDemanded
        return caller

    def _address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1")
        return client_address(peer, forwarded, self._proxies)

    def _decoded(self, raw: bytes) -> Any:  # noqa: ANN401 - what the operation's `body` says
        operation = self.operation
        if operation.body is None:
            return None
        if operation.form:
            return wire.from_text(operation.body, form_fields(raw))
        try:
            return wire.decode(operation.body, raw, max_bytes=self._max_body, max_depth=self._max_depth)
        except BadInput as error:
            # Most families have no member for the place, and "missing field" without one helps nobody.
            if error.pointer:
                error.detail = f"{place(error.pointer, operation.body_name)}: {error.detail}"
            raise


class Resource:
    """All operations of one path as an ASGI application: chooses by method, renders what was refused, counts."""

    def __init__(self, endpoints: Sequence[Endpoint], services: Services) -> None:
        first = endpoints[0].operation
        self.family = first.family
        self._path = first.path
        self._clock = services.clock
        self._counters: dict[tuple[str, int], Callable[[], None]] = {}
        self._seconds = metrics.HTTP_SECONDS.labels(first.path)
        self._endpoints = {endpoint.operation.method: endpoint for endpoint in endpoints}
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]
        self._allow = tuple(sorted(self._endpoints))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = self._clock.monotonic()
        request_id = request_id_of(scope)
        method = scope["method"]
        try:
            reply: Reply | Streamed = await self._reply(scope, receive, request_id)
        except Disconnected:
            return
        except HubError as error:
            reply = answer(error, self.family, request_id)
        except asyncio.CancelledError:  # how the server ends what outlasts the drain
            reply = answer(Stopping(), self.family, request_id)
        except Exception:  # noqa: BLE001 - the client is told nothing, the log everything
            _log.exception("request failed", request_id=request_id, method=method, path=self._path)
            reply = answer(Internal(), self.family, request_id)
        await reply.send(send, without_body=method == "HEAD")
        self._count(method, reply.status, self._clock.monotonic() - started)

    async def _reply(self, scope: Scope, receive: Receive, request_id: str) -> Reply | Streamed:
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is None:
            raise MethodNotAllowed(self._allow)
        return await endpoint.reply(scope, receive, request_id)

    def _count(self, method: str, status: int, seconds: float) -> None:
        # A method that nobody serves is a text of the client's choice and must not become a label.
        known = method if method in self._endpoints else "other"
        count = self._counters.get((known, status))
        if count is None:
            count = self._counters[known, status] = metrics.HTTP_REQUESTS.labels(self._path, known, str(status)).inc
        count()
        self._seconds.observe(seconds)


def routes_of(operations: Sequence[Operation], services: Services) -> list[Route]:
    """The operations of a path share a route, so that 405 can name all methods. Clients of the appointments API write
    paths with and without a slash at the end: those are served under both, without a redirect, which loses bodies.
    """
    origins = services.settings.origins
    routes: list[Route] = []
    for path, group in groupby(sorted(operations, key=attrgetter("path")), key=attrgetter("path")):
        resource = Resource([Endpoint(operation, services) for operation in group], services)
        app = CrossOrigin(resource, origins)
        routes.append(Route(path, app))
        if path.startswith("/api/") and resource.family is Family.AUVIOUS:
            routes.append(Route(path.removesuffix("/") if path.endswith("/") else f"{path}/", app))
    return routes


def _limits(operation: Operation, settings: Settings) -> Limits:
    body = operation.max_body(settings)
    return Limits(
        body=body,
        whole=body + (settings.service_storage_bytes if operation.takes_files else 0),
        depth=settings.max_depth,
        strict=settings.gms_strict_http,
    )


def _require_json(content_type: bytes | None) -> None:
    """Accepts JSON in any of its names; a missing Content-Type is taken for JSON."""
    if content_type is None:
        return
    media_type = content_type.partition(b";")[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        raise UnsupportedMediaType


def _require_form(content_type: bytes | None) -> None:
    """Accepts a form; a missing Content-Type is taken for one, since all of it may stand in the query."""
    if content_type is not None and content_type.partition(b";")[0].strip().lower() != FORM.encode():
        raise UnsupportedMediaType(f"The body must be {FORM}")


def _idempotency_key(headers: Mapping[bytes, bytes]) -> str | None:
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= 255 or not all(0x20 <= byte <= 0x7E for byte in key):
        raise BadInput("Idempotency-Key must be 1 to 255 printable ASCII characters", pointer="")
    return key.decode("ascii")


def place(pointer: str, root: str) -> str:
    """A JSON Pointer as people write it: `events[3].userId` for `/3/userId`, `userId` for `/userId`."""
    text = ""
    for step in pointer.split("/")[1:]:
        if step.isdecimal():
            text = f"{text or root}[{step}]"
        else:
            name = step.replace("~1", "/").replace("~0", "~")
            text = f"{text}.{name}" if text else name
    return text
