"""`Idempotency-Key` (design.md §6): what a client repeats because it heard no answer has its effect once.

The key and a first answer are written in the transaction of the action. Positions of events are known only when that
transaction has been committed, so the whole answer follows in a second, small one; until then a repetition is told
that the first request is in progress. Should the process die between the two, repetitions get the first answer: the
same ids, without what only the commit could tell.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from api.http.reply import Reply
from api.http.request import Call
from hub.kernel import logs, wire
from hub.kernel.errors import Conflict, HubError
from hub.store import idempotency
from hub.store.idempotency import Answer, Scope
from hub.store.transaction import Tx

B = TypeVar("B")
T = TypeVar("T")

PATIENCE_SECONDS = 10.0
_FIRST = 102
_REPLAYED = (("Idempotent-Replayed", "true"),)

_log = logs.get("api")


async def once(call: Call[B], action: Callable[[Tx], T], answer: Callable[[T], object]) -> Reply:
    """Runs `action` in one transaction and answers 200 with `answer` of its result, encoded after the commit.

    With a key that was used before, for the same body: the stored answer and no action. Raises `Unprocessable` for
    another body, `Conflict` while the first request is in progress. `answer` must be pure; it is asked twice.
    """
    db = call.services.db
    key = call.idempotency_key
    if key is None:
        return Reply(200, wire.encode(answer(await db.write(action))))
    scope = Scope(call.principal.organization, call.principal.user, call.path)
    body_hash = sha256(call.raw).digest()

    def first(tx: Tx) -> tuple[T] | Answer:
        stored = idempotency.begin(tx, scope, key, body_hash, call.now)
        if stored is not None:
            return stored
        result = action(tx)
        begun = Answer(_FIRST, (("at", repr(call.now)),), wire.encode(answer(result)))
        idempotency.store(tx, scope, key, begun)
        return (result,)

    outcome = await db.write(first)
    if isinstance(outcome, Answer):
        return _replayed(outcome, call.now)
    whole = Answer(200, (), wire.encode(answer(outcome[0])))
    try:
        await db.write(lambda tx: idempotency.store(tx, scope, key, whole))
    except HubError:
        # The effect stands and must be told; repetitions will get the first answer.
        _log.warning("answer not stored", request_id=call.request_id, path=call.path)
    return Reply(whole.status, whole.body)


def _replayed(stored: Answer, now: float) -> Reply:
    if stored.status != _FIRST:
        return Reply(stored.status, stored.body, headers=stored.headers + _REPLAYED)
    begun_at = float(dict(stored.headers)["at"])
    if abs(now - begun_at) < PATIENCE_SECONDS:
        raise Conflict("A request with this Idempotency-Key is in progress", code="idempotency_key_in_progress")
    return Reply(200, stored.body, headers=_REPLAYED)
