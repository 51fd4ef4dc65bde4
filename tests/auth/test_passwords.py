import asyncio
import threading

import pytest

from hub.auth import passwords
from hub.auth.passwords import Passwords, hashed, matches
from hub.kernel.errors import Overloaded
from hub.kernel.secret import Secret

PASSWORD = Secret("correct horse battery")


def test_a_hash_knows_its_password_and_tells_nothing() -> None:
    one, other = hashed(PASSWORD), hashed(PASSWORD)
    assert one != other
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "horse" not in one
    assert matches(one, PASSWORD)
    assert not matches(one, Secret("correct horse batterx"))


def test_characters_count_and_not_how_they_were_composed() -> None:
    assert matches(hashed(Secret("café au lait")), Secret("cafe\u0301 au lait"))
    assert matches(hashed(Secret("lone \ud800")), Secret("lone \ud800"))


@pytest.mark.parametrize("stored", [None, "", "garbage", "$argon2id$v=19$m=19456,t=2,p=1$x$y"])
def test_what_is_no_hash_matches_nothing(stored: str | None) -> None:
    assert not matches(stored, PASSWORD)


def test_nobodys_password_is_checked_with_the_same_parameters() -> None:
    assert (
        passwords._NOBODYS.rpartition("$")[0].rpartition("$")[0]
        == hashed(PASSWORD).rpartition("$")[0].rpartition("$")[0]
    )


async def test_hashing_leaves_the_loop_free_and_is_bounded() -> None:
    async with Passwords(threads=1, longest_queue=2) as service:
        first = asyncio.ensure_future(service.hash(PASSWORD))
        second = asyncio.ensure_future(service.match(None, PASSWORD))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await service.hash(PASSWORD)
        assert matches(await first, PASSWORD)
        assert await second is False
        assert await service.match(await service.hash(PASSWORD), PASSWORD)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("passwords")]
