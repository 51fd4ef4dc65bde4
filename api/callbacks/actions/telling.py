"""Telling of every step: to the agent concerned, to the supervisors, and to customers who listen."""

import msgspec
from msgspec import UNSET

from api.callbacks.rules.callback import Callback, message_of
from api.users import rules as users
from channels.callbacks import CallbackNotificationType, CallbackStateChangeMessage
from channels.catalog import CUSTOMERS, ME, USERS
from channels.envelope import Stream, encode
from hub.store import outbox
from hub.store.transaction import Tx


def tell(
    tx: Tx,
    callback: Callback,
    kind: CallbackNotificationType,
    now: float,
    *,
    base: str,
    agent: str | None = None,
    reason: str | None = None,
) -> None:
    """The callback took a step and is now as given. `agent` is concerned where the callback names nobody any more;
    `reason` says more about a step that did not end it. `base` is the public URL.
    """
    concerned = callback.agent or agent
    _tell_customer(tx, callback, kind, now, base=base)
    message = CallbackStateChangeMessage(notification_type=kind, callback=message_of(callback, base, reason))
    if concerned is None:
        shared = message
    else:
        outbox.emit(tx, Stream(callback.organization, concerned, ME.pattern), encode(message), now)
        shared = msgspec.structs.replace(message, user_uri=users.uri_of(base, concerned), user_id=concerned)
    outbox.emit(tx, Stream(callback.organization, "", USERS.pattern), encode(shared), now)


def _tell_customer(tx: Tx, callback: Callback, kind: CallbackNotificationType, now: float, *, base: str) -> None:
    """The same, without the house's own business, to a customer whose page listens on /_genesys."""
    if callback.device is not None:
        told = msgspec.structs.replace(message_of(callback, base), agent_id=UNSET, call_uuid=UNSET)
        message = CallbackStateChangeMessage(notification_type=kind, callback=told)
        outbox.emit(tx, Stream("", callback.device, CUSTOMERS.pattern), encode(message), now)
