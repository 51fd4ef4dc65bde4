"""Rows of callbacks: one at a time, and lists of them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from api.callbacks.records.tables import OUTSTANDING
from api.callbacks.rules.callback import Callback
from api.callbacks.rules.lifecycle import State
from hub.kernel import wire
from hub.kernel.clock import micros, seconds
from hub.store.transaction import Snapshot, Tx

_NAMES: Final = Callback.__struct_fields__
_INSTANTS: Final = frozenset(name for name in _NAMES if name.endswith("_at"))
_JSON: Final = frozenset({"preferred", "properties"})
COLUMNS: Final = ", ".join(f'"{name}"' for name in _NAMES)
_MARKS: Final = ", ".join("?" * len(_NAMES))
_SET: Final = ", ".join(f'"{name}" = ?' for name in _NAMES[1:])
SELECT: Final = f"SELECT {COLUMNS} FROM callback"

INSERT = f"INSERT INTO callback ({COLUMNS}) VALUES ({_MARKS})"
UPDATE = f"UPDATE callback SET {_SET} WHERE id = ?"
ONE = f"{SELECT} WHERE id = ?"
LIST = f"""
{SELECT} WHERE organization = ? AND service = ? AND {OUTSTANDING} AND wanted_at <= ? ORDER BY wanted_at, id LIMIT ?
"""
OF_AGENT = f"{SELECT} WHERE organization = ? AND agent = ? AND {OUTSTANDING} ORDER BY wanted_at, id"
FOUND = f"""
{SELECT} WHERE {OUTSTANDING} AND id IN
(SELECT id FROM callback_key WHERE organization = ? AND service = ? AND name = ? AND value = ?)
ORDER BY wanted_at, id LIMIT ?
"""
INSERT_KEY = """
INSERT INTO callback_key (organization, service, name, value, id) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (organization, service, name, value, id) DO NOTHING
"""
FORGET_KEYS = "DELETE FROM callback_key WHERE id = ?"
OLD = "SELECT id FROM callback WHERE completed_at <= ? ORDER BY completed_at LIMIT ?"
FORGET = "DELETE FROM callback WHERE id = ?"


def insert(tx: Tx, callback: Callback, keys: Sequence[tuple[str, str]]) -> None:
    """A new one, to be found by these properties."""
    tx.cursor.execute(INSERT, _values(callback))
    place = (callback.organization, callback.service)
    tx.cursor.executemany(INSERT_KEY, [(*place, name, value, callback.id) for name, value in keys])


def save(tx: Tx, callback: Callback) -> None:
    """Everything about one that is there. Completed ones are not found by properties any more."""
    values = _values(callback)
    tx.cursor.execute(UPDATE, (*values[1:], values[0]))
    if callback.state is State.COMPLETED:
        tx.cursor.execute(FORGET_KEYS, (callback.id,))


def lock(tx: Tx, id: str) -> Callback | None:
    """The callback, which nobody else changes before this transaction ends; None where there is none."""
    tx.cursor.execute(f"{ONE} {tx.dialect.for_update}", (id,))
    return one(tx)


def find(tx: Snapshot, id: str) -> Callback | None:
    """The callback as it is."""
    tx.cursor.execute(ONE, (id,))
    return one(tx)


def outstanding(tx: Snapshot, organization: str, service: str, until: float, limit: int) -> list[Callback]:
    """Those of a service that are not over and are wanted by then, in the order of their time."""
    tx.cursor.execute(LIST, (organization, service, micros(until), limit))
    return _all(tx)


def of_agent(tx: Snapshot, organization: str, agent: str) -> list[Callback]:
    """Those that are offered to an agent, or that the agent is at."""
    tx.cursor.execute(OF_AGENT, (organization, agent))
    return _all(tx)


def found(tx: Snapshot, organization: str, service: str, name: str, value: str, limit: int) -> list[Callback]:
    """Those of a service that are not over and have the property."""
    tx.cursor.execute(FOUND, (organization, service, name, value, limit))
    return _all(tx)


def forget_old(tx: Tx, completed_before: float, batch: int) -> int:
    """Delete at most `batch` callbacks that were over by then; returns how many."""
    tx.cursor.execute(OLD, (micros(completed_before), batch))
    old = [row[0] for row in tx.cursor.fetchall()]
    tx.cursor.executemany(FORGET, [(each,) for each in old])
    return len(old)


def _values(callback: Callback) -> tuple[object, ...]:
    return tuple(_stored(name, getattr(callback, name)) for name in _NAMES)


def _stored(name: str, value: Any) -> object:  # noqa: ANN401 - whatever the column holds
    if name in _JSON:
        return msgspec.json.encode(value).decode()
    return micros(value) if name in _INSTANTS and value is not None else value


def one(tx: Snapshot) -> Callback | None:
    """The callback that was just selected; None where there was none."""
    rows = tx.cursor.fetchall()
    return _callback(rows[0]) if rows else None


def _all(tx: Snapshot) -> list[Callback]:
    return [_callback(row) for row in tx.cursor.fetchall()]


def _callback(row: Sequence[Any]) -> Callback:
    values = dict(zip(_NAMES, row, strict=True))
    values |= {name: seconds(values[name]) for name in _INSTANTS if values[name] is not None}
    values["state"] = State(values["state"])
    values["preferred"] = msgspec.json.decode(values["preferred"], type=tuple[str, ...])
    values["properties"] = wire.kept(values["properties"])
    return Callback(**values)
