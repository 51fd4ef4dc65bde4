"""Telling somebody outside, in the transaction of the reason for it. Nothing is sent before its commit."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from api.notifications import rules
from api.notifications.rules import Composed, Facts, Rendered, Template
from hub.kernel import wire
from hub.kernel.clock import micros
from hub.kernel.errors import BadInput
from hub.kernel.headers import header_fault
from hub.store import deliveries, timers
from hub.store.deliveries import KINDS, Basic, Calendar, ClientCredentials, Mail, Sms, Webhook
from hub.store.transaction import Tx


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a machine wants to be told: its address, the key of the signature, headers of its own, and by what it knows
    us. `private`: at an address that is not public.
    """

    url: str
    secret: str | None = None
    headers: Mapping[str, str] = {}
    credentials: Basic | ClientCredentials | None = None
    private: bool = False


def mail(  # noqa: PLR0913 - a mail is all of these
    tx: Tx,
    to: str,
    template: Template,
    facts: Facts,
    now: float,
    *,
    key: str | None = None,
    until: float | None = None,
    sender: str | None = None,
    calendar: Calendar | None = None,
) -> Composed:
    """Have a mail sent; after `until` it is not sent any more. Returns it with what is wrong with its template.

    The key names the message: told again under the same key, what has not left yet is replaced.
    """
    if not rules.is_mail_address(to):
        raise BadInput("not a mail address")
    composed = rules.compose(template, facts)
    if not (composed.subject and composed.text):
        raise BadInput("nothing is left of the subject or the text")
    message = Mail(
        to=to,
        subject=composed.subject,
        text=composed.text,
        html=composed.html,
        sender=sender,
        calendar=calendar,
    )
    deliveries.plan(tx, message, now, key=key, until=until)
    return composed


def sms(
    tx: Tx,
    to: str,
    template: str,
    facts: Facts,
    now: float,
    *,
    key: str | None = None,
    until: float | None = None,
    sender: str | None = None,
) -> Rendered:
    """Have an SMS sent, as `mail` does."""
    if not rules.is_phone(to):
        raise BadInput("not a phone number in the form +306931234567")
    rendered = rules.render(template, facts)
    if not rendered.text:
        raise BadInput("nothing is left of the text")
    deliveries.plan(tx, Sms(to=to, text=rendered.text, sender=sender), now, key=key, until=until)
    return rendered


def webhook(tx: Tx, endpoint: Endpoint, type: str, payload: object, now: float, *, key: str | None = None) -> str:
    """Have an event posted; returns its id, under which it may come more than once.

    The payload is encoded here, and these bytes are what is sent and signed at every attempt.
    """
    for name, value in endpoint.headers.items():
        if fault := header_fault(name, value):
            raise BadInput(fault)
    message = Webhook(
        url=endpoint.url,
        type=type,
        payload=msgspec.Raw(wire.encode(payload)),
        at=micros(now),
        secret=endpoint.secret,
        headers=endpoint.headers,
        credentials=endpoint.credentials,
        private=endpoint.private,
    )
    return deliveries.plan(tx, message, now, key=key)


def withdraw(tx: Tx, key: str) -> bool:
    """Take back what was to be sent under this key, to whomever; says whether anything had not left yet."""
    return sum(timers.cancel(tx, kind, key) for kind in KINDS.values()) > 0
