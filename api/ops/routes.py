"""`/healthz /readyz /metrics /version /openapi.json /asyncapi.json`: public, for machines inside the house."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from typing import Any

from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import JSON, Reply
from api.http.request import Call, Services
from api.ops.schemas import Health, Readiness, Version
from channels import asyncapi
from hub.kernel import metrics, wire
from hub.kernel.errors import HubError

Describe = Callable[[Services], dict[str, Any]]


class NotReady(HubError):
    """Traffic should go elsewhere; `fields["reasons"]` has one sentence by the name of each check that failed."""

    code = "not_ready"
    status = 503
    retriable = True
    default_detail = "Not ready for traffic"


async def health(call: Call[None]) -> Health:
    """That it answers is the answer."""
    del call
    return Health()


async def ready(call: Call[None]) -> Readiness:
    """503 with every reason at once, so that one look tells an operator what to repair."""
    outcomes = {name: check() for name, check in call.services.readiness.items()}
    reasons = {name: reason for name, reason in outcomes.items() if reason is not None}
    if reasons:
        raise NotReady(retry_after=1.0, fields={"reasons": reasons})
    return Readiness(checks=sorted(outcomes))


async def version(call: Call[None]) -> Version:
    """The version of the package."""
    return Version("hub", call.services.version)


async def exposition(call: Call[None]) -> Reply:
    """The metrics of this process."""
    del call
    # Counting the process's own files and memory reads /proc.
    text = await to_thread(metrics.render)
    return Reply(HTTPStatus.OK, text, media_type=metrics.CONTENT_TYPE)


def operations(describe: Describe) -> tuple[Operation, ...]:
    """The endpoints for operators and tools; `describe` makes the OpenAPI document that one of them serves.

    Both descriptions are made once: nothing in them changes while the process lives.
    """

    @cache
    def rest(services: Services) -> bytes:
        return wire.encode(describe(services))

    @cache
    def channels(services: Services) -> bytes:
        url = services.settings.public_url
        return wire.encode(asyncapi.document(services.catalog, url=url, version=services.version))

    async def openapi_json(call: Call[None]) -> Reply:
        return Reply(HTTPStatus.OK, rest(call.services))

    async def asyncapi_json(call: Call[None]) -> Reply:
        return Reply(HTTPStatus.OK, channels(call.services))

    return (
        _get("/healthz", "health", "Whether the process answers", health, result=Health),
        _get("/readyz", "readiness", "Whether traffic may come", ready, result=Readiness, errors=(NotReady,)),
        _get("/metrics", "metrics", "Metrics for Prometheus", exposition, media_type=metrics.CONTENT_TYPE),
        _get("/version", "version", "Which build this is", version, result=Version),
        _get("/openapi.json", "openapi", "This description", openapi_json, result=dict[str, Any]),
        _get("/asyncapi.json", "asyncapi", "What is said over Bayeux", asyncapi_json, result=dict[str, Any]),
    )


def _get(
    path: str,
    name: str,
    summary: str,
    handler: Callable[[Call[None]], Awaitable[object]],
    *,
    result: Any = None,  # noqa: ANN401 - a type, as in Operation
    errors: tuple[type[HubError], ...] = (),
    media_type: str = JSON,
) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=path,
        summary=summary,
        tag="operations",
        family=Family.OPS,
        handler=handler,
        roles=None,
        result=result,
        media_type=media_type,
        errors=errors,
    )
