"""HTTP requests made of bytes, one a connection: what a polite client library would not send."""

import json
from typing import Any, NamedTuple

from tests.support.raw_websocket import PATH, RawSocket


class Answer(NamedTuple):
    """A response; status 0 where the hub hung up without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def exchange(port: int, *pieces: bytes) -> Answer:
    """Write the pieces and read until the hub hangs up; the request has to ask for that, or be a bad one."""
    with RawSocket(port) as raw:
        raw.write(*pieces)
        try:
            status, headers = raw.head()
        except EOFError:
            return Answer(0, {}, b"")
        return Answer(status, headers, raw.rest())


def request(
    method: str, *headers: str, path: str = PATH, body: bytes = b"", length: int | None = None, host: str = "hub.test"
) -> bytes:
    """A whole request that asks to close afterwards. `length` is what it says of its body; -1 for nothing."""
    said = len(body) if length is None else length
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    if said >= 0:
        lines.append(f"Content-Length: {said}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def post(port: int, body: bytes, *headers: str, path: str = PATH, token: str | None = None) -> Answer:
    """One ordinary POST of JSON."""
    bearer = [f"Authorization: Bearer {token}"] if token else []
    return exchange(port, request("POST", "Content-Type: application/json", *bearer, *headers, path=path, body=body))
