"""Proving by a code that an application may send under a name, and which names it has."""

from api.applications import records, rules
from api.applications.rules import Proof, Senders, Verdict, Way
from hub.kernel.applications import Application
from hub.kernel.errors import TooManyRequests
from hub.kernel.secret import Secret
from hub.store.transaction import Snapshot, Tx


def ask(tx: Tx, proof: Proof) -> str | None:
    """A code is being sent for the claim; returns the delivery of the one before, which is worth nothing any more.

    Raises TooManyRequests when that was less than half a minute ago.
    """
    claim = proof.claim
    before = records.lock(tx, claim.organization, claim.application, claim.way)
    if before is not None and (wait := before.asked_at + rules.PAUSE_SECONDS - proof.asked_at) > 0:
        raise TooManyRequests("A code has just been sent, wait before asking again", retry_after=wait)
    records.ask(tx, proof)
    return None if before is None else before.delivery


def confirm(tx: Tx, organization: str, application: str, way: Way, code: Secret, now: float) -> Verdict:
    """Use the code. A wrong one counts, so commit it, and refuse only afterwards."""
    proof = records.lock(tx, organization, application, way)
    verdict = rules.judged(proof, code, now)
    if proof is not None and verdict is Verdict.RIGHT:
        records.prove(tx, proof.claim, now)
    elif proof is not None and verdict is Verdict.WRONG:
        records.set_tries_left(tx, proof, proof.tries_left - 1)
    return verdict


def senders(tx: Snapshot, id: str, application: Application) -> Senders:
    """Who the application says its messages are from, verified or not."""
    return rules.senders(application, records.proved(tx, application.organization, id))


def usable_senders(tx: Snapshot, id: str, application: Application) -> Senders:
    """The same without those that are not verified."""
    return rules.usable(senders(tx, id, application))
