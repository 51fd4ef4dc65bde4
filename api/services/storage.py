"""`/genesys/1/service/{service}/storage/**`: what a service keeps."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from operator import attrgetter
from typing import Any, Final
from urllib.parse import quote

from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Reply, Streamed
from api.http.request import Call
from api.services import actions
from api.services.admission import opened, room_of
from api.services.rules import (
    Item,
    StorageFull,
    UnknownKey,
    UnknownService,
)
from api.services.uploads import Uploads, brought, content_of
from hub.kernel import metrics
from hub.kernel.errors import BadInput, HubError, Overloaded, TooLarge, TooManyRequests, Unauthenticated
from hub.store.files import FileGone

STORAGE: Final = "/genesys/1/service/{service}/storage"
TEXT: Final = "text/plain; charset=utf-8"
_SAFE: Final = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
_REFUSALS: Final = (UnknownService, Unauthenticated, TooManyRequests, Overloaded)


async def list_values(call: Call[None]) -> Reply | dict[str, str]:
    """All values that are no files."""
    service, _ = await opened(call)
    return await call.services.db.read(lambda tx: actions.texts(tx, service.id, call.now))


async def show_value(call: Call[None]) -> Reply | dict[str, str]:
    """One value: with its key, or bare where plain text is asked for."""
    item = await _item(call)
    if item.text is None:
        raise UnknownKey(item.key)
    value = item.text.decode()
    accepted = call.headers.get(b"accept", b"").lower()
    if b"text/plain" in accepted and b"application/json" not in accepted:
        return Reply(HTTPStatus.OK, item.text, TEXT, _SAFE)
    return {item.key: value}


async def show_file(call: Call[None]) -> Streamed:
    """One file, as it was sent. Browsers are told to save it and not to guess what it is: anybody may have sent it."""
    item = await _item(call)
    if item.file is None:
        raise UnknownKey(item.key)
    name = quote(item.file_name or item.key, safe="")
    headers = (
        *_SAFE,
        ("Content-Disposition", f"attachment; filename*=UTF-8''{name}"),
        ("Content-Security-Policy", "sandbox; default-src 'none'"),
    )
    pieces = content_of(call.services.db, item)
    return Streamed(HTTPStatus.OK, pieces, item.bytes, item.media_type, headers)


async def put_values(call: Call[dict[str, Any]]) -> Reply:
    """Keep what is sent under its keys; what is not sent stays as it is."""
    service, options = await opened(call)
    room = room_of(call)
    async with Uploads(call) as uploads:
        members = await call.incoming.members(uploads.take)
        items = await brought(members, keep_json=options.keep_json)
        await call.services.db.write(lambda tx: actions.put(tx, service.id, options, items, room, call.now))
        uploads.kept = True
    metrics.SERVICES.labels("stored").inc()
    return done()


async def delete_value(call: Call[None]) -> Reply:
    """Keep one value or file no longer, if there is one."""
    return await _forget(call, call.path_params["key"])


async def delete_values(call: Call[None]) -> Reply:
    """Keep nothing any longer."""
    return await _forget(call, None)


def done() -> Reply:
    """What clients are told who have nothing to be told."""
    return Reply(HTTPStatus.OK, b"OK", TEXT, _SAFE)


async def _forget(call: Call[None], key: str | None) -> Reply:
    service, _ = await opened(call)
    await call.services.db.write(lambda tx: actions.forget(tx, service.id, key, call.now))
    return done()


async def _item(call: Call[None]) -> Item:
    service, _ = await opened(call)
    key = call.path_params["key"]
    return await call.services.db.read(lambda tx: actions.item(tx, service.id, key, call.now))


def _operation(
    name: str,
    method: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    *,
    errors: tuple[type[HubError], ...] = (),
    **more: Any,  # noqa: ANN401 - further fields of the record
) -> Operation:
    return Operation(
        name=name,
        method=method,
        path=STORAGE + path,
        summary=summary,
        tag="services",
        family=Family.GMS,
        roles=None,
        handler=handler,
        path_example={"service": "39a98e24-b03b-4191-b756-1efe8f3b16b8", "key": "language"},
        errors=(*_REFUSALS, *errors),
        **more,
    )


OPERATIONS = (
    _operation("listValues", "GET", "", "All values that a service keeps", list_values, result=dict[str, str]),
    _operation(
        "putValues",
        "POST",
        "",
        "Create or update values and files of a service",
        put_values,
        body=dict[str, Any],
        any_form=True,
        takes_files=True,
        max_body=attrgetter("service_body_bytes"),
        media_type=TEXT,
        examples={"values": {"lastname": "mylastname", "address": {"street": "mystreet", "city": "mycity"}}},
        errors=(BadInput, TooLarge, StorageFull, FileGone),
        description="Members whose names begin with an underscore, and those that are null, are not kept. Values with "
        "structure are kept as texts like `{street=mystreet}` and `[1, 2]`. Files are for multipart forms only.",
    ),
    _operation("deleteValues", "DELETE", "", "Delete all values and files", delete_values, media_type=TEXT),
    _operation(
        "showValue",
        "GET",
        "/{key}",
        "One value",
        show_value,
        result=dict[str, str],
        errors=(UnknownKey,),
        description="With `Accept: text/plain` the value alone.",
    ),
    _operation("deleteValue", "DELETE", "/{key}", "Delete one value or file", delete_value, media_type=TEXT),
    _operation(
        "showFile",
        "GET",
        "/binary/{key}",
        "One file",
        show_file,
        media_type="application/octet-stream",
        errors=(UnknownKey,),
        description="In the media type with which it was sent, as an attachment.",
    ),
)
