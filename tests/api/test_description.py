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
from schemathesis.checks import ignored_auth, positive_data_acceptance
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_asgi
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.schemas import BaseSchema
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.operations import Operation
from api.routes import operations
from tests.api.world import World, opened

EXAMPLES = 20
TIMES = {"start": "2027-01-16T09:00:00Z", "duration": "PT5M", "timezone": "UTC"}


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
    refused = {"expected-statuses": [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]}
    config = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": refused}})
    return from_asgi("/openapi.json", served, config=config)


def known(described: BaseSchema, served: Served) -> dict[str, str]:
    """Values that mean something, by the names of parameters and members: random ones never do."""
    assert served.world is not None
    token = served.world.token("adam", "ROLE_AGENT")
    body: dict[str, Any] = {"applicationId": "bare", **TIMES}
    schedule = described["/api/appointments/"]["POST"].Case(body=body, media_type="application/json")
    made = schedule.call(headers={"Authorization": f"Bearer {token}"}).json()
    names = {"id": made["id"], "pid": "adam", "applicationId": "bare", "organizationId": "acme"}
    return {**names, **TIMES, "timeFrame": "PT10H", "state": "WAITING"}


def aim(case: schemathesis.Case[Any], there: dict[str, str]) -> None:
    """Have the case speak of what is there."""
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: value for name, value in there.items() if name in part})


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
    there = known(described, served) if operation.tag == "appointments" else {}
    numbers = count()
    # What is a channel is for the catalogue to know: an event of the right form may still be refused.
    unwanted = {positive_data_acceptance}

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def ask(case: schemathesis.Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE and next(numbers) % 2:
            aim(case, there)
        response = case.call_and_validate(headers=headers, excluded_checks=list(unwanted))
        # That a token is needed is a property of the operation and takes two more requests to see: once is enough.
        if mode is GenerationMode.POSITIVE and response.status_code < 300:
            unwanted.add(ignored_auth)

    ask()
