"""How a response leaves: its head with the beginning of its body, and never without its head."""

import asyncio
from typing import cast

from hub.transports.joined import Joined
from tests.transports.served import Served


class Transport:
    """Notes what reaches the system, call by call."""

    def __init__(self) -> None:
        self.calls: list[bytes | None] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.calls.append(b"".join(pieces))

    def close(self) -> None:
        self.calls.append(None)


def test_the_head_waits_for_the_first_piece_of_the_body_and_for_nothing_more() -> None:
    transport = Transport()
    joined = Joined(cast("asyncio.Transport", transport))
    for piece in (b"head ", b"one", b"two", b""):
        joined.write(piece)
    joined.close()
    assert transport.calls == [b"head one", b"two", b"", None]


def test_a_head_that_nothing_follows_is_written_before_the_end() -> None:
    transport = Transport()
    joined = Joined(cast("asyncio.Transport", transport))
    joined.write(b"head")
    joined.close()
    assert transport.calls == [b"head", None]


async def ask(hub: Served, method: str, path: str, *headers: str, body: bytes = b"") -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""])
    writer.write(head.encode() + body)
    answered, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return answered, rest


async def test_heads_alone_and_encouragements_do_not_wait(hub: Served) -> None:
    head, body = await ask(hub, "GET", "/healthz")
    alone, nothing = await ask(hub, "HEAD", "/healthz")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body
    assert nothing == b""
    assert b"content-length: %d" % len(body) in alone
    known = f"Authorization: Bearer {hub.token('crm', 'ROLE_CLIENT_SERVICE')}"
    expecting = ("Expect: 100-continue", "Content-Length: 2", known)
    encouraged, refused = await ask(hub, "POST", "/api/v2/events", *expecting, body=b"{}")
    assert encouraged == b"HTTP/1.1 100 Continue"
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert refused.endswith(b"}")
