"""The description is true: requests made from it are answered as it says, by the real application."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from schemathesis.openapi import from_asgi
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.schemas import BaseSchema
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.operations import Operation
from api.routes import operations
from tests.api.world import World, opened

EXAMPLES = 25


class Served:
    """The application with a database that opens and closes with it."""

    def __init__(self, directory: Path) -> None:
        self.world: World | None = None
        self._app: ASGIApp | None = None
        self._lifespan = Router(lifespan=self._open)
        self._directory = directory
        self._addresses = count()

    @asynccontextmanager
    async def _open(self, _app: object) -> AsyncIterator[None]:
        # Lenient clients are answered 500 to bad JSON, as the product does; that is no failure of ours.
        async with opened(self._directory, gms_strict_http=True) as self.world:
            self._app = self.world.app()
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            assert self._app is not None
            # Each request comes from elsewhere: made-up passwords shall not meet the limits on guessing.
            scope["client"] = (f"10.0.0.{next(self._addresses)}", 1)
            await self._app(scope, receive, send)

    def token(self, operation: Operation) -> str:
        assert self.world is not None
        return self.world.token("adam", *(operation.roles or ("ROLE_AGENT",)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield Served(tmp_path_factory.mktemp("described"))
    shutdown_lifespans()


@pytest.fixture(scope="module")
def described(served: Served) -> BaseSchema:
    return from_asgi("/openapi.json", served)


CASES = [
    pytest.param(operation, mode, id=f"{operation.name}-{mode.value}")
    for operation in operations()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.body is not None
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_answers_are_as_described(
    operation: Operation, mode: GenerationMode, described: BaseSchema, served: Served
) -> None:
    headers = {"Authorization": f"Bearer {served.token(operation)}"} if operation.roles is not None else {}
    strategy = described[operation.path][operation.method].as_strategy(generation_mode=mode)

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def ask(case: schemathesis.Case[Any]) -> None:
        # What is a channel is for the catalogue to know: an event of the right form may still be refused.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    ask()
