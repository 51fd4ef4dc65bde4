"""Data under the id of a callback, for desktops that are told only the id and read the rest from the storage of
services (`_attach_udata = "gms_storage_id"`).
"""

from typing import Final

from api.callbacks.rules.callback import Callback, text_of
from api.callbacks.rules.services import Service
from api.services import actions as services
from hub.store.transaction import Tx

STORAGE_ID: Final = "gms_storage_id"
AFTER_SECONDS: Final = 3_600.0
"""For so long after the two have talked the agent's screen can still be made anew."""


def keep(tx: Tx, service: Service, callback: Callback, now: float) -> None:
    """Have what is attached read under the id of the callback, if the service wants that."""
    if service.options.attach_udata == STORAGE_ID:
        values = {name: text_of(value) for name, value in callback.user_data.items()}
        services.keep(tx, callback.id, callback.organization, callback.service, values, callback.expires_at, now)


def drop(tx: Tx, callback: Callback, now: float, *, talked: bool = False) -> None:
    """The callback is over: nobody needs its data any more, or not for long."""
    services.drop(tx, callback.id, now, after=AFTER_SECONDS if talked else 0.0)
