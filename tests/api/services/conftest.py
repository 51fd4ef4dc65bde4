from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.kernel.secret import Secret
from hub.kernel.service_options import ServiceOptions
from tests.api.world import CONFIGURATION, World, opened

KEY = "the key of the vault"
SERVICES = {
    "request-interaction": ServiceOptions(
        organization="acme", service="request-interaction", access_numbers=("8003449999",), ttl=3600
    ),
    "match-interaction": ServiceOptions(organization="acme", service="match-interaction"),
    "match elsewhere": ServiceOptions(organization="globex", service="match-interaction"),
    "notes": ServiceOptions(organization="acme", ttl=600),
    "as json": ServiceOptions(organization="acme", keep_json=True, plain_id=True),
    "vault": ServiceOptions(organization="globex", api_key=Secret(KEY)),
    "few": ServiceOptions(organization="acme", most_live=2, most_bytes=1_000),
}
SETTINGS: dict[str, Any] = {
    "service_body_bytes": 20_000,
    "service_file_bytes": 700_000,
    "service_storage_bytes": 1_500_000,
}
WITH_SERVICES = msgspec.structs.replace(CONFIGURATION, services=SERVICES)


@pytest.fixture
async def gms(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, configuration=WITH_SERVICES, **SETTINGS) as world:
        yield world


@pytest.fixture
async def both_gms(either_url: str | None, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, url=either_url, configuration=WITH_SERVICES, **SETTINGS) as world:
        yield world
