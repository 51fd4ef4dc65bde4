"""A desktop that is told only the id of a callback reads the rest from the storage of services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.callbacks.actions.keeping import AFTER_SECONDS
from tests.api.callbacks.centre import Centre, centre_of
from tests.api.world import opened

STORED = "_attach_udata = 'gms_storage_id'"
OFFICE = centre_of(
    stored=f"{STORED}\n_max_dial_attempts = 1", locked=f"{STORED}\napi_key = 'the key of the site'", now=""
)


@pytest.fixture
async def both(either_url: str | None, tmp_path: Path) -> AsyncIterator[Centre]:
    async with opened(tmp_path, url=either_url, configuration=OFFICE) as world:
        yield Centre(world)


async def kept(centre: Centre, id: str, **more: str | None) -> object:
    """What the desktop reads; the status where it reads nothing."""
    reply = await centre.world.ask("GET", f"/genesys/1/service/{id}/storage", **more)  # type: ignore[arg-type]
    return reply.json() if reply.status_code == 200 else reply.status_code


async def test_the_agents_screen_reads_what_the_call_names(both: Centre) -> None:
    await both.agent("alice", "1001")
    id_ = await both.start(service="stored", topic="invoice", items=[1, 2], _usr_name="Bob")
    (call,) = await both.calls("alice")
    data = {"topic": "invoice", "items": "[1,2]", "_usr_name": "Bob"}
    assert await kept(both, call["userData"]["GMS_UserData"]) == data
    await both.later(10)
    await both.hang_up("alice")
    assert (await both.state(id_, "stored"))[0] == "COMPLETED"
    both.world.clock.at += AFTER_SECONDS - 1
    assert await kept(both, id_) == data
    both.world.clock.at += 1
    assert await kept(both, id_) == 404


async def test_data_moves_with_its_callback_and_goes_with_it(both: Centre) -> None:
    id_ = await both.start(service="stored", topic="invoice", _desired_time="2027-01-26T14:00:00.000Z")
    path = f"/genesys/1/service/callback/stored/{id_}"
    moved = {"_new_desired_time": "2027-01-27T14:00:00.000Z", "topic": "delivery", "urgent": "yes"}
    assert (await both.world.ask("PUT", path, moved)).status_code == 200
    assert await kept(both, id_) == {"topic": "delivery", "urgent": "yes"}
    assert (await both.world.ask("DELETE", path)).status_code == 200
    assert await kept(both, id_) == 404


async def test_nobody_else_reads_it_where_the_service_has_a_key(both: Centre) -> None:
    id_ = await both.start(service="locked", topic="invoice")
    assert await kept(both, id_) == 401
    assert await kept(both, id_, token=both.world.token("alice", "ROLE_AGENT", organization="globex")) == 401
    assert await kept(both, id_, token=both.world.token("alice", "ROLE_AGENT")) == {"topic": "invoice"}


async def test_other_services_keep_nothing(both: Centre) -> None:
    assert await kept(both, await both.start(topic="invoice")) == 404
