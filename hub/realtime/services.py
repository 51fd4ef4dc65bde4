"""Services that clients call over Bayeux: a message to `/service/NAME`, answered to nobody else."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING

import msgspec

from hub.bayeux import events as on
from hub.bayeux.commands import Call
from hub.kernel.clock import Clock
from hub.kernel.errors import HubError

if TYPE_CHECKING:
    from hub.realtime.session import Session

Service = Callable[["Session", bytes], Awaitable[object]]
"""Takes the session that calls and the JSON it sent; what it returns is encoded as JSON. May raise `HubError`."""

PREFIX = "/service/"


class Services:
    """Routes calls by the name of their channel. A message to a service that nobody offers is simply taken."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}

    def offer(self, name: str, service: Service) -> None:
        """From now on messages to `/service/name` go to this service."""
        self._services[name] = service

    def call(self, session: "Session", question: Call) -> on.Answer | Coroutine[object, object, on.Answer]:
        """The answer, or what has to be awaited to get it."""
        service = self._services.get(question.channel.removeprefix(PREFIX))
        return on.Accepted() if service is None else self._call(service, session, question.data)

    async def _call(self, service: Service, session: "Session", data: bytes) -> on.Answer:
        try:
            return on.Returned(msgspec.json.encode(await service(session, data)))
        except HubError as error:
            failure = {"code": error.code, "message": error.detail}
            return on.Returned(msgspec.json.encode(failure), successful=False)


class About(msgspec.Struct, frozen=True, rename="camel"):
    """What a session may know about itself."""

    user_id: str
    organization_id: str
    roles: list[str]
    expires_in: float
    subscriptions: list[str]


def about(clock: Clock) -> Service:
    """`/service/session`: who the hub takes the client for, for how many seconds more, and what it hears."""

    async def service(session: "Session", data: bytes) -> About:
        del data
        state = session.engine.state
        return About(
            user_id=session.principal.user,
            organization_id=session.principal.organization,
            roles=sorted(session.principal.roles),
            expires_in=round(state.expires_at - clock.monotonic(), 3),
            subscriptions=sorted(state.subscriptions),
        )

    return service
