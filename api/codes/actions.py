"""Sending a code, and having it back."""

from datetime import timedelta

from msgspec import Struct

from api.codes import records, rules
from api.codes.rules import Code, Given, Verified
from api.notifications import actions as notifications
from api.notifications.rules import Facts, Template, is_phone, wording
from hub.kernel import wire
from hub.kernel.errors import TooManyRequests
from hub.store.transaction import Tx


class Wanted(Struct, frozen=True, kw_only=True):
    """A code for `recipient`, who reads `locale` and is told that `sender` wants it. `is_sent` False: all is as if it
    were, only that no message leaves. `delivery` is to name the message; it and what is in `secret` are new and random.
    """

    organization: str
    recipient: str
    secret: Given
    delivery: str
    locale: str
    sender: str
    is_sent: bool = True


def send(tx: Tx, wanted: Wanted, now: float) -> None:
    """Send it; the recipient's last code is worth nothing from now on. Raises TooManyRequests."""
    while not records.insert(tx, _code(wanted, None, now)):
        last = records.lock_last(tx, wanted.organization, wanted.recipient)
        if last is None:  # its time was over, and it has been deleted between the two statements
            continue
        if wait := rules.wait(last, now):
            raise TooManyRequests("A code has just been sent there, wait before asking again", retry_after=wait)
        records.replace(tx, _code(wanted, last, now))
        if last.delivery is not None:
            notifications.withdraw(tx, last.delivery)
        break
    if wanted.is_sent:
        _tell(tx, wanted, now)


def redeem(
    tx: Tx, given: Given, now: float, *, organization: str | None = None, recipient: str | None = None
) -> Verified | None:
    """What the code proves; it is used with that. None where it is wrong, expired, used, of another organization or
    recipient than those, or none at all, which counts as a try: it must be committed, so refuse only afterwards.

    In the transaction of what is permitted by it: when that fails, the code is as good as before.
    """
    code = records.lock(tx, rules.id_of(given.id))
    is_right = rules.is_right(code, given, now)
    if code is None:
        return None
    proved = Verified(code.organization, code.recipient)
    fits = organization in {None, proved.organization} and recipient in {None, proved.recipient}
    good = is_right and fits
    records.set_tries_left(tx, code.id, 0 if good else max(0, code.tries_left - 1))
    return proved if good else None


def expire(tx: Tx, now: float, batch: int) -> int:
    """Delete at most `batch` codes that have had their time; returns how many."""
    return records.expire(tx, now, batch)


def _code(wanted: Wanted, last: Code | None, now: float) -> Code:
    return Code(
        organization=wanted.organization,
        recipient=wanted.recipient,
        id=rules.id_of(wanted.secret.id),
        digest=rules.digest_of(wanted.secret.id, wanted.secret.code),
        tries_left=rules.TRIES,
        sent_at=now,
        expires_at=now + rules.LIFE_SECONDS,
        spent_until=rules.spent_until(last, now),
        delivery=wanted.delivery if wanted.is_sent else None,
    )


def _tell(tx: Tx, wanted: Wanted, now: float) -> None:
    texts, until = wording("CODE", wanted.locale), now + rules.LIFE_SECONDS
    facts = Facts(
        start=wire.instant(now),
        locale=wanted.locale,
        duration=timedelta(seconds=rules.LIFE_SECONDS),
        title=wanted.sender,
        code=wanted.secret.code.reveal(),
    )
    if is_phone(wanted.recipient):
        notifications.sms(tx, wanted.recipient, texts.sms, facts, now, key=wanted.delivery, until=until)
    else:
        template = Template(texts.subject, texts.body)
        notifications.mail(tx, wanted.recipient, template, facts, now, key=wanted.delivery, until=until)
