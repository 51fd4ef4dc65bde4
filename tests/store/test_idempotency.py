import pytest

from hub.kernel.errors import Conflict, Unprocessable
from hub.store import idempotency
from hub.store.database import Database
from hub.store.idempotency import Answer, Scope
from hub.store.transaction import Tx
from tests.store.harness import NOW, rows

SCOPE = Scope("acme", "alice", "/api/appointments")
ANSWER = Answer(201, (("Location", "/api/appointments/1"), ("X-A", "ü")), b'{"id":"1"}')
DAY = 86_400.0


def request(tx: Tx, *, scope: Scope = SCOPE, key: str = "k", body: bytes = b"hash", now: float = NOW) -> Answer | None:
    stored = idempotency.begin(tx, scope, key, body, now)
    if stored is None:
        idempotency.store(tx, scope, key, ANSWER)
    return stored


async def test_the_same_request_gets_the_stored_answer(db: Database) -> None:
    assert await db.write(request) is None
    assert await db.write(request) == ANSWER
    assert await db.write(lambda tx: request(tx, now=NOW + DAY - 1)) == ANSWER


async def test_another_body_under_the_same_key_is_refused(db: Database) -> None:
    await db.write(request)
    with pytest.raises(Unprocessable) as refused:
        await db.write(lambda tx: request(tx, body=b"other"))
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "scope", [SCOPE._replace(organization="b"), SCOPE._replace(principal="b"), SCOPE._replace(path="/b")], ids=repr
)
async def test_a_key_belongs_to_its_scope(db: Database, scope: Scope) -> None:
    await db.write(request)
    assert await db.write(lambda tx: request(tx, scope=scope, body=b"other")) is None


async def test_a_request_in_progress_is_a_conflict(db: Database) -> None:
    assert await db.write(lambda tx: idempotency.begin(tx, SCOPE, "k", b"hash", NOW)) is None
    with pytest.raises(Conflict) as refused:
        await db.write(request)
    assert refused.value.status == 409
    await db.write(lambda tx: idempotency.store(tx, SCOPE, "k", ANSWER))
    assert await db.write(request) == ANSWER


async def test_a_request_in_progress_is_given_up_after_a_while(db: Database) -> None:
    await db.write(lambda tx: idempotency.begin(tx, SCOPE, "k", b"hash", NOW))
    assert await db.write(lambda tx: request(tx, body=b"other", now=NOW + idempotency.IN_PROGRESS_SECONDS)) is None


async def test_an_abandoned_key_is_free(db: Database) -> None:
    await db.write(lambda tx: idempotency.begin(tx, SCOPE, "k", b"hash", NOW))
    await db.write(lambda tx: idempotency.abandon(tx, SCOPE, "k"))
    assert await db.write(lambda tx: request(tx, body=b"other")) is None


async def test_an_action_that_fails_leaves_its_key_free(db: Database) -> None:
    def act(tx: Tx) -> None:
        request(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await db.write(act)
    assert await db.write(lambda tx: request(tx, body=b"other")) is None


async def test_a_key_is_free_again_after_a_day(db: Database) -> None:
    await db.write(request)
    assert await db.write(lambda tx: request(tx, body=b"other", now=NOW + DAY)) is None
    assert await db.write(lambda tx: request(tx, body=b"other", now=NOW + DAY + 1)) == ANSWER


async def test_storing_what_was_not_begun_fails(db: Database) -> None:
    with pytest.raises(LookupError):
        await db.write(lambda tx: idempotency.store(tx, SCOPE, "k", ANSWER))


async def test_old_keys_expire_oldest_first_in_batches(db: Database) -> None:
    for n in range(5):
        await db.write(lambda tx, n=n: request(tx, key=f"k{n}", now=NOW + n))  # type: ignore[misc]
    expired = [await db.write(lambda tx: idempotency.expire(tx, NOW + DAY + 3, 3)) for _ in range(3)]
    assert expired == [3, 1, 0]
    assert await db.read(lambda tx: rows(tx, "SELECT key FROM idempotency")) == [("k4",)]
