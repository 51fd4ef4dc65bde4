"""Making tickets, exchanging them, taking them back."""

from msgspec.structs import replace

from api.tickets import records, rules
from api.tickets.rules import Ticket, UnknownTicket
from hub.store import revocations
from hub.store.transaction import Snapshot, Tx


def create(tx: Tx, ticket: Ticket) -> None:
    """Its id and its customer are new and random."""
    records.insert(tx, ticket)


def find(tx: Snapshot, secret: str) -> Ticket:
    """The ticket with that id, good or not. Raises UnknownTicket."""
    return _known(records.find(tx, rules.id_of(secret)))


def find_for_change(tx: Tx, secret: str) -> Ticket:
    """The same, locked until the transaction ends."""
    return _known(records.lock(tx, rules.id_of(secret)))


def exchange(tx: Tx, secret: str, now: float) -> Ticket:
    """Use the ticket once. Of several who do so at the same time with one for a single use, one succeeds.

    Raises UnknownTicket, EarlyTicket, SpentTicket.
    """
    ticket = find_for_change(tx, secret)
    rules.require_good(ticket, now)
    records.change(tx, ticket.id, uses=ticket.uses + 1)
    return replace(ticket, uses=ticket.uses + 1)


def move_end(tx: Tx, secret: str, expires_at: float) -> bool:
    """The ticket is good until then instead, revoked or not; says whether there is one. Tokens stay as they are."""
    return records.set_end(tx, rules.id_of(secret), expires_at)


def revoke(tx: Tx, ticket: Ticket, now: float) -> Ticket:
    """Take it back, with the sessions and the tokens that it was exchanged for. `now` is later than the lock on it."""
    if not ticket.revoked:
        records.change(tx, ticket.id, revoked=True)
        revocations.revoke(tx, ticket.organization, ticket.customer, now, tokens=True)
    return replace(ticket, revoked=True)


def expire(tx: Tx, now: float, batch: int) -> int:
    """Delete at most `batch` tickets that expired a day ago; returns how many."""
    return records.expire(tx, now - rules.KEPT_SECONDS, batch)


def _known(ticket: Ticket | None) -> Ticket:
    if ticket is None:
        raise UnknownTicket
    return ticket
