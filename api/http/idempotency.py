"""`Idempotency-Key`: what a client repeats because it heard no answer has its effect once.

The key and the answer are written in the transaction of the action, so there is no moment in which one is there
without the other. The answer is encoded when the positions of its events are known, just before the commit.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from api.http.reply import Reply
from api.http.request import Call
from hub.kernel import wire
from hub.kernel.errors import Conflict
from hub.store import idempotency
from hub.store.idempotency import Answer, Scope
from hub.store.transaction import Tx

B = TypeVar("B")
T = TypeVar("T")

_NOT_KEPT = Answer(409, (), b"")
_REPLAYED = (("Idempotent-Replayed", "true"),)


class AlreadyDone(Conflict):
    """The request was carried out before under this key, and its answer is kept nowhere."""

    code = "idempotency_key_done"
    default_detail = "This was done under this Idempotency-Key; the answer held a secret and is not kept"


async def once(
    call: Call[B],
    action: Callable[[Tx], T],
    answer: Callable[[T], object],
    *,
    fingerprint: bytes | None = None,
    scope: Scope | None = None,
) -> Reply:
    """Runs `action` in one transaction and answers 200 with `answer` of its result, encoded at its end.

    With a key that was used before, for the same body: the stored answer and no action. Raises `Unprocessable` for
    another body. `answer` must be pure and must not fail. `fingerprint` tells bodies apart that must not be hashed;
    `scope` says where the key counts when nobody needs to be known.
    """
    db = call.services.db
    key = call.idempotency_key
    if key is None:
        return Reply(200, wire.encode(answer(await db.write(action))))
    scope = scope or Scope(call.principal.organization, call.principal.user, call.path)
    body_hash = fingerprint or sha256(call.raw).digest()

    def first(tx: Tx) -> list[Answer] | Answer:
        stored = idempotency.begin(tx, scope, key, body_hash, call.now)
        if stored is not None:
            return stored
        result = action(tx)
        given: list[Answer] = []

        def keep() -> None:
            given.append(Answer(200, (), wire.encode(answer(result))))
            idempotency.store(tx, scope, key, given[0])

        tx.at_last.append(keep)
        return given

    outcome = await db.write(first)
    if isinstance(outcome, Answer):
        return Reply(outcome.status, outcome.body, headers=outcome.headers + _REPLAYED)
    return Reply(outcome[0].status, outcome[0].body)


async def once_only(call: Call[B], action: Callable[[Tx], T], scope: Scope) -> T:
    """Runs `action` in one transaction and returns its result, for an answer that holds a secret and cannot be kept.

    With a key that was used before, for the same body: no action, and AlreadyDone. Raises `Unprocessable` for another
    body.
    """
    key = call.idempotency_key
    if key is None:
        return await call.services.db.write(action)
    body_hash = sha256(call.raw).digest()

    def first(tx: Tx) -> T:
        if idempotency.begin(tx, scope, key, body_hash, call.now) is not None:
            raise AlreadyDone
        result = action(tx)
        idempotency.store(tx, scope, key, _NOT_KEPT)
        return result

    return await call.services.db.write(first)
