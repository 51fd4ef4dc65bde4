"""Starting services, finding who has dialled, keeping what belongs to them, and ending them.

Whatever expires is not there any more, from the instant on and whether or not its timer has fired.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from api.services import records, rules
from api.services.rules import Access, Item, NoMatch, PoolEmpty, Room, Service, StorageFull, UnknownKey, UnknownService
from hub.kernel import ids
from hub.kernel.clock import micros
from hub.kernel.service_options import ServiceOptions
from hub.store import files, timers
from hub.store.transaction import Snapshot, Tx

EXPIRE: Final = "services.expire"
_TRIES: Final = 20


def start(
    tx: Tx, new: Service, options: ServiceOptions, kept: Sequence[Item], wanted: dict[str, str], room: Room
) -> Access | None:
    """Start a service that keeps these items, and give out an access number if it is one that does. Its id is new.

    `wanted` are the parameters of the request. Raises StorageFull, TooLarge, PoolEmpty, FileGone.
    """
    now = new.created_at
    whole = rules.require_room({}, kept, room)
    _require_place(tx, new, options, 1, whole)
    records.insert(tx, replace(new, bytes=whole))
    _put(tx, new.id, kept, now)
    timers.plan(tx, EXPIRE, new.id, micros(new.expires_at))
    return _give_out(tx, new, options, wanted) if options.access_numbers else None


def find(tx: Snapshot, id: str, now: float) -> Service:
    """The service with that id. Raises UnknownService."""
    return _alive(records.find(tx, id), id, now)


def match(tx: Tx, organization: str, wanted: dict[str, str], now: float) -> Service:
    """The service of whoever has dialled a number of the organization, and typed a code or called from a number of
    their own. The number and the code are free from now on. Raises NoMatch.
    """
    word = rules.word_of(wanted.get("_access_code"), wanted.get("_phone_number"))
    waiting = records.take_back(tx, organization, wanted["_access_number"], word, now)
    found = None if waiting is None else records.find(tx, waiting)
    if found is None or found.expires_at <= now:
        raise NoMatch
    return found


def access(tx: Tx, id: str, options: ServiceOptions, wanted: dict[str, str], now: float) -> Access | None:
    """Another access number for a service that has been started; None where it gives out none.

    Raises UnknownService, PoolEmpty.
    """
    service = _locked(tx, id, now)
    return _give_out(tx, service, options, wanted, now) if options.access_numbers else None


def extend(tx: Tx, id: str, expires_at: float, now: float) -> None:
    """Have the service, what it keeps and its access end at another instant. Raises UnknownService."""
    service = _locked(tx, id, now)
    records.change(tx, id, expires_at=micros(expires_at))
    records.move_access(tx, id, service.expires_at, expires_at)
    timers.plan(tx, EXPIRE, id, micros(expires_at))


def put(tx: Tx, id: str, options: ServiceOptions, new: Sequence[Item], room: Room, now: float) -> None:
    """Keep these items, instead of what has been under their keys.

    Raises UnknownService, StorageFull, TooLarge, FileGone.
    """
    service = _locked(tx, id, now)
    kept = records.items(tx, id)
    whole = rules.require_room(kept, new, room)
    _require_place(tx, service, options, 0, whole - service.bytes)
    _release(tx, [kept[item.key] for item in new if item.key in kept], now)
    _put(tx, id, new, now)
    records.change(tx, id, bytes=whole)


def texts(tx: Snapshot, id: str, now: float) -> dict[str, str]:
    """All values that are no files, by their keys. Raises UnknownService."""
    find(tx, id, now)
    return {key: value.decode() for key, value in records.texts(tx, id).items()}


def item(tx: Snapshot, id: str, key: str, now: float) -> Item:
    """What is kept under a key. Raises UnknownService, UnknownKey."""
    find(tx, id, now)
    found = records.item(tx, id, key)
    if found is None:
        raise UnknownKey(key)
    return found


def forget(tx: Tx, id: str, key: str | None, now: float) -> None:
    """Keep what is under the key no longer, if there is anything; without a key nothing. Raises UnknownService."""
    service = _locked(tx, id, now)
    gone = [item for item in records.items(tx, id).values() if key in {None, item.key}]
    _release(tx, gone, now)
    records.forget(tx, id, key)
    records.change(tx, id, bytes=service.bytes - sum(item.bytes for item in gone))


def end(tx: Tx, id: str, now: float) -> None:
    """End the service, with all that it keeps. Raises UnknownService."""
    _locked(tx, id, now)
    timers.cancel(tx, EXPIRE, id)
    _remove(tx, id, now)


def expire(tx: Tx, id: str, now: float) -> None:
    """End the service if its time is over."""
    service = records.lock(tx, id)
    if service is not None and service.expires_at <= now:
        _remove(tx, id, now)


def keep(
    tx: Tx, id: str, organization: str, name: str, values: Mapping[str, str], expires_at: float, now: float
) -> None:
    """Have values read under an id that another domain has given out, instead of those kept there before, until they
    expire. What could not be asked for by its key is left out.
    """
    kept = [rules.value(key, text) for key, text in values.items() if rules.is_key(key)]
    new = Service(
        id=id,
        organization=organization,
        name=name,
        created_at=now,
        expires_at=expires_at,
        bytes=sum(item.bytes for item in kept),
    )
    if records.lock(tx, id) is None:
        records.insert(tx, new)
    else:
        records.change(tx, id, expires_at=micros(expires_at), bytes=new.bytes)
        records.forget(tx, id)
    records.put(tx, id, kept)
    timers.plan(tx, EXPIRE, id, micros(expires_at))


def drop(tx: Tx, id: str, now: float, *, after: float = 0.0) -> None:
    """The reverse of `keep`, at once or `after` so many seconds; nothing where nothing is kept."""
    service = records.lock(tx, id)
    if service is None:
        return
    if after:
        expires_at = min(service.expires_at, now + after)
        records.change(tx, id, expires_at=micros(expires_at))
        timers.plan(tx, EXPIRE, id, micros(expires_at))
    else:
        timers.cancel(tx, EXPIRE, id)
        _remove(tx, id, now)


def _alive(service: Service | None, id: str, now: float) -> Service:
    if service is None or service.expires_at <= now:
        raise UnknownService(id)
    return service


def _locked(tx: Tx, id: str, now: float) -> Service:
    return _alive(records.lock(tx, id), id, now)


def _require_place(tx: Tx, service: Service, options: ServiceOptions, more: int, more_bytes: int) -> None:
    count, size = records.usage(tx, service.organization, service.name)
    if count + more > options.most_live or (more_bytes > 0 and size + more_bytes > options.most_bytes):
        raise StorageFull(retry_after=60.0)


def _put(tx: Tx, id: str, new: Sequence[Item], now: float) -> None:
    for each in new:
        if each.file is not None:
            files.keep(tx, each.file, now)
    records.put(tx, id, new)


def _release(tx: Tx, gone: Sequence[Item], now: float) -> None:
    for each in gone:
        if each.file is not None:
            files.release(tx, each.file, now)


def _remove(tx: Tx, id: str, now: float) -> None:
    _release(tx, list(records.items(tx, id).values()), now)
    records.forget(tx, id)
    records.remove(tx, id)


def _give_out(
    tx: Tx, service: Service, options: ServiceOptions, wanted: dict[str, str], now: float | None = None
) -> Access:
    """A number of the pool: with a code of its own, or for who calls from a certain number, or for nobody else."""
    now = service.created_at if now is None else now
    numbers = options.access_numbers
    records.free_expired(tx, service.organization, numbers, now)
    with_code = wanted.get("_provide_code", "").lower() == "true"
    phone = wanted.get("_phone_number")
    until = _booked_until(service, options, now, alone=not with_code and not rules.word_of(None, phone))
    counts = records.counts(tx, service.organization, numbers)
    for number in sorted(numbers, key=lambda each: (counts[each], random.random())):  # noqa: S311 - spreads load
        if with_code:
            code = _book_code(tx, service, number, until)
            if code is not None:
                return Access(number=number, code=code, until=until)
        else:
            word = rules.word_of(None, phone)
            if word:  # who asks again for the same phone, means the new service
                records.take_back(tx, service.organization, number, word, now)
            if records.book(tx, service.organization, number, word, service.id, until):
                return Access(number=number, code=None, until=until)
    raise PoolEmpty(retry_after=float(rules.BOOKING_SECONDS))


def _booked_until(service: Service, options: ServiceOptions, now: float, *, alone: bool) -> float:
    seconds = options.booking_expiration_timeout or (rules.BOOKING_SECONDS if alone else None)
    return service.expires_at if seconds is None else min(service.expires_at, now + seconds)


def _book_code(tx: Tx, service: Service, number: str, until: float) -> str | None:
    """A code that nobody else has for the number; None where all are given out."""
    for _ in range(_TRIES):
        code = ids.digits(rules.CODE_DIGITS)
        if records.book(tx, service.organization, number, code, service.id, until):
            return code
    taken = records.booked(tx, service.organization, number)
    free = [code for code in (f"{each:0{rules.CODE_DIGITS}}" for each in range(rules.CODES)) if code not in taken]
    random.shuffle(free)
    for code in free:
        if records.book(tx, service.organization, number, code, service.id, until):
            return code
    return None
