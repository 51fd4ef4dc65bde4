"""Sessions without credentials: customers who wait for a callback, and hear of nothing else."""

from pathlib import Path
from typing import Any

import pytest

from channels.envelope import Stream
from hub.bayeux import events as on
from hub.bayeux.messages import Message
from hub.realtime.admission import NOWHERE, Admission
from hub.realtime.ports import Credentials
from hub.realtime.pressure import Bounds
from tests.realtime.world import Request, World, decoded, opened


def admission(world: World, *, customers: bool = True) -> Admission:
    return Admission(world.tokens, world.revoked, world.catalog, world.clock, world.logins, customers=customers)


def shake(admission: Admission, credentials: Credentials) -> object:
    return admission.authenticate(Message(channel="/meta/handshake"), credentials)


async def test_who_brings_nothing_is_a_customer_only_where_customers_come_in(world: World) -> None:
    door, elsewhere = admission(world), admission(world, customers=False)
    customer = shake(door, door.credentials(None, "", None, customer=True))
    assert not isinstance(customer, on.Refused)
    for refused in (
        shake(door, door.credentials(None, "", None)),
        shake(elsewhere, elsewhere.credentials(None, "", None, customer=True)),
    ):
        assert refused == on.Refused("401::credentials_missing")


async def test_a_bad_token_makes_no_customer(world: World) -> None:
    door = admission(world)
    refused = shake(door, door.credentials("Bearer x.y.z", "", None, customer=True))
    assert refused == on.Refused("401::token_invalid")


@pytest.mark.parametrize("names", [("/v2/me",), ("/v2/users",), ("/**",), ("/_genesys", "/v2/me"), ("/_genesys/**",)])
async def test_a_customer_hears_nothing_else(world: World, names: tuple[str, ...]) -> None:
    door = admission(world)
    customer = shake(door, door.credentials(None, "", None, customer=True))
    assert customer.organization == NOWHERE  # type: ignore[attr-defined]
    refused = door.targets(customer, names)  # type: ignore[arg-type]
    assert refused == on.Refused("403:denied_by_security_policy:subscribe_denied")
    assert door.targets(customer, ("/_genesys",)).keys() == {"/_genesys"}  # type: ignore[arg-type, union-attr]


def enter(world: World) -> dict[str, Any]:
    """A customer's handshake over HTTP."""
    request = Request(world.node.admission.credentials(None, "", None, customer=True))
    world.node.receive(decoded([{"channel": "/meta/handshake", "version": "1.0"}]), request)
    (reply,) = request.heard
    assert isinstance(reply, dict)
    return reply


async def test_so_many_customers_are_here_at_once_and_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path, Bounds(customers=3)) as world:
        world.node.admission = admission(world)
        first, *others = [enter(world) for _ in range(4)]
        assert [reply["successful"] for reply in (first, *others)] == [True, True, True, False]
        assert others[-1]["error"] == "503::too_many_sessions"
        world.desk("alice").open()  # who works here has room of their own
        leave = {"channel": "/meta/disconnect", "clientId": first["clientId"]}
        world.node.receive(decoded([leave]), Request(Credentials()))
        assert enter(world)["successful"]


async def test_agents_hear_nothing_of_customers(world: World) -> None:
    door = admission(world)
    agent = shake(door, door.credentials(f"Bearer {world.token('alice')}", "", None, customer=True))
    for name in ("/_genesys", "/**"):
        found = door.targets(agent, (name,))  # type: ignore[arg-type]
        assert isinstance(found, on.Refused) or all(
            target.name != "/_genesys" for targets in found.values() for target in targets
        )
    assert world.catalog.stream("", "someone", "/_genesys") == Stream("", "someone", "/_genesys")
