from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.callbacks.house import HOUSE, TUESDAY, configured
from tests.api.world import ROOM, World, opened

OFFICE = f"""
{HOUSE}
[organizations.acme]
name = "Acme"
room_url = "{ROOM}"
public_codes = true

[applications.shop]
organization = "acme"
url_base = "https://shop.example"
allowed_url_bases = ["https://shop.example", "https://shop.example.gr"]

[applications.plain]
organization = "acme"
ticket_seconds = 600

[applications.theirs]
organization = "globex"

[callback_services.flexible]
organization = "acme"
queue = "support"
language = "en"
priority = 5
skills = {{ english = 3 }}
_overwritable_options = "_priority,_language"
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world with callback services and applications, on a Tuesday at ten in Berlin."""
    async with opened(tmp_path, configuration=configured(OFFICE)) as world:
        world.clock.at = TUESDAY
        yield world


@pytest.fixture
async def both(either_url: str | None, tmp_path: Path) -> AsyncIterator[World]:
    """The same on each kind of database."""
    async with opened(tmp_path, url=either_url, configuration=configured(OFFICE)) as world:
        world.clock.at = TUESDAY
        yield world
