"""Paths lead where they should, whether they are looked up or matched."""

import httpx2
import pytest
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.http.lookup import Lookup


class Saying:
    """An application that says which it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        body = f"{self.name} {scope.get('path_params')}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


ROUTES = [
    Route("/users", Saying("all")),
    Route("/users/{id}", Saying("one")),
    Route("/users/me", Saying("me")),
    Route("/feed", Saying("feed")),
    Route("/feed/{suffix:path}", Saying("feed below")),
]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/users", "all {}"),
        ("/users/alice", "one {'id': 'alice'}"),
        ("/users/me", "me {}"),
        ("/feed", "feed {}"),
        ("/feed/a/b", "feed below {'suffix': 'a/b'}"),
        ("/users/", "nothing None"),
        ("/other", "nothing None"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_what_serves_a_path(path: str, said: str, method: str) -> None:
    transport = httpx2.ASGITransport(Lookup(ROUTES, Saying("nothing")))
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        answer = await client.request(method, path)
    assert answer.text == said
