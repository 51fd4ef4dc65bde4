"""The table of the names that applications send under: one that was proved, and one that is being proved."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Integer, LargeBinary, Row, Table, Text, select, text, update

from api.applications.rules import Claim, Proof, Way
from hub.kernel.clock import micros, seconds
from hub.store.schema import Micros, Name, metadata
from hub.store.transaction import Snapshot, Tx

application_sender = Table(
    "application_sender",
    metadata,
    Column("organization", Name, primary_key=True),
    Column("application", Name, primary_key=True),
    Column("way", Name, primary_key=True),
    Column("address", Text, nullable=True),
    Column("name", Text, nullable=True),
    Column("proved_at", Micros, nullable=True),
    Column("asked_address", Text, nullable=True),
    Column("asked_name", Text, nullable=True),
    Column("salt", LargeBinary, nullable=True),
    Column("digest", LargeBinary, nullable=True),
    Column("tries_left", Integer, nullable=True),
    Column("asked_at", Micros, nullable=True),
    Column("delivery", Name, nullable=True),
)

_SENDER = application_sender.c
_NOTHING_ASKED = dict.fromkeys(("asked_address", "asked_name", "salt", "digest", "tries_left", "asked_at", "delivery"))
INSERT = text("""
INSERT INTO application_sender (organization, application, way) VALUES (:organization, :application, :way)
ON CONFLICT (organization, application, way) DO NOTHING
""")


def lock(tx: Tx, organization: str, application: str, way: Way) -> Proof | None:
    """What is being proved. Nobody else does anything about it before this transaction ends."""
    key = {"organization": organization, "application": application, "way": way}
    tx.connection.execute(INSERT, key)
    mine = select(application_sender).where(*_is(organization, application, way)).with_for_update()
    return _proof(tx.connection.execute(mine).one())


def ask(tx: Tx, proof: Proof) -> None:
    """A code is on its way; it replaces the one before. The row is locked."""
    _set(
        tx,
        proof.claim,
        asked_address=proof.claim.address,
        asked_name=proof.claim.name,
        salt=proof.salt,
        digest=proof.digest,
        tries_left=proof.tries_left,
        asked_at=micros(proof.asked_at),
        delivery=proof.delivery,
    )


def set_tries_left(tx: Tx, proof: Proof, tries_left: int) -> None:
    """How often the code may still be tried."""
    _set(tx, proof.claim, tries_left=tries_left)


def prove(tx: Tx, claim: Claim, now: float) -> None:
    """The application sends under that name from now on."""
    _set(tx, claim, address=claim.address, name=claim.name, proved_at=micros(now), **_NOTHING_ASKED)


def proved(tx: Snapshot, organization: str, application: str) -> dict[Way, Claim]:
    """What was proved, by the way on which it is used."""
    mine = (_SENDER.organization == organization, _SENDER.application == application)
    rows = tx.connection.execute(select(application_sender).where(*mine, _SENDER.proved_at.is_not(None)))
    return {row.way: _claim(row, row.address, row.name) for row in rows}


def _set(tx: Tx, claim: Claim, **values: object) -> None:
    mine = _is(claim.organization, claim.application, claim.way)
    tx.connection.execute(update(application_sender).where(*mine).values(**values))


def _is(organization: str, application: str, way: Way) -> tuple[ColumnElement[bool], ...]:
    return _SENDER.organization == organization, _SENDER.application == application, _SENDER.way == way


def _claim(row: Row[Any], address: str, name: str | None) -> Claim:
    return Claim(organization=row.organization, application=row.application, way=row.way, address=address, name=name)


def _proof(row: Row[Any]) -> Proof | None:
    if row.asked_at is None:
        return None
    return Proof(
        claim=_claim(row, row.asked_address, row.asked_name),
        salt=row.salt,
        digest=row.digest,
        tries_left=row.tries_left,
        asked_at=seconds(row.asked_at),
        delivery=row.delivery,
    )
