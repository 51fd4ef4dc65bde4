"""Serves the pages and what they load. Nothing here asks who is there: what a page may know it asks of REST.

Addresses inside the pages are relative, so that they also work below a path of a proxy.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.http.reply import Headers, Reply
from hub.console.files import File

PAGES: Final = {"/console": "console/index.html", "/docs": "docs/index.html"}
FILES: Final = "/web/"

_PLAIN: Final = "text/plain; charset=utf-8"
_SAFE: Final[Headers] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_FRESH: Final[Headers] = (("Cache-Control", "no-cache"), ("Vary", "Accept-Encoding"))
_TO_CONSOLE: Final = Reply(HTTPStatus.TEMPORARY_REDIRECT, b"", _PLAIN, (("Location", "console"),))


def routes(files: Mapping[str, File]) -> list[Route]:
    """The routes of the pages, of the files below `web/`, and of `/`, which leads to the console."""
    pages = [Route(path, Page(files, name)) for path, name in PAGES.items()]
    return [Route("/", Page(files)), *pages, Route(FILES + "{name:path}", Page(files))]


class Page:
    """One page; without a name whatever the path names."""

    def __init__(self, files: Mapping[str, File], name: str | None = None) -> None:
        self._files = files
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        reply = self._reply(scope)
        bare = scope["method"] == "HEAD" or reply.status == HTTPStatus.NOT_MODIFIED
        await reply.send(send, without_body=bare)

    def _reply(self, scope: Scope) -> Reply:
        if scope["method"] not in {"GET", "HEAD"}:
            return Reply(HTTPStatus.METHOD_NOT_ALLOWED, b"", _PLAIN, (("Allow", "GET, HEAD"), *_SAFE))
        name = self._name or scope["path_params"].get("name")
        if name is None:
            return _TO_CONSOLE
        file = self._files.get(name)
        if file is None:
            return Reply(HTTPStatus.NOT_FOUND, b"No such page", _PLAIN, _SAFE)
        return _answer(file, dict(scope["headers"]))


def _answer(file: File, asked: Mapping[bytes, bytes]) -> Reply:
    headers: Headers = (("ETag", file.etag), *_FRESH, *_SAFE)
    if file.policy is not None:
        headers += (("Content-Security-Policy", file.policy),)
    is_known = file.etag.encode() in asked.get(b"if-none-match", b"")
    status = HTTPStatus.NOT_MODIFIED if is_known else HTTPStatus.OK
    if b"gzip" in asked.get(b"accept-encoding", b""):
        return Reply(status, file.compressed, file.media_type, (("Content-Encoding", "gzip"), *headers))
    return Reply(status, file.body, file.media_type, headers)
