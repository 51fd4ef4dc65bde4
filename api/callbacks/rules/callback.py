"""A callback as it is kept, and what follows from it."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from api.callbacks.rules import lines, times
from api.callbacks.rules.lifecycle import State
from api.callbacks.rules.lines import Demand
from channels import callbacks

SINGLE_KEY: Final = "GMS_UserData"
"""Under which all that is attached goes as one text, or by name."""
DEVICE_OS: Final = "_device_os"
DEVICE_ID: Final = "_device_notification_id"
COMET: Final = "comet"
_CLIENT_ID: Final = re.compile(r"[0-9a-z]{34}")
ATTACHED_TOO: Final = "_usr_"
"""Properties that begin so are for the agent, though they begin with an underscore."""


class Callback(Struct, frozen=True, kw_only=True):
    """One request of a customer; instants are Unix seconds.

    `number` is what is dialled, `customer_number` what the customer wrote. `wanted_at` is the time that was asked for,
    or that of the request; it decides the place in line, whatever happens meanwhile. `bucket_at` is the bucket whose
    place it takes, None for an immediate one. `line` is set exactly while it may be given to an agent. `attempt` counts
    times that somebody was dialled, `rejects` offers that agents did not take. `call` is the uuid of the call under
    way.
    """

    id: str
    organization: str
    service: str
    state: State
    reason: str | None = None
    number: str
    customer_number: str
    requested_at: float
    wanted_at: float
    bucket_at: float | None
    line: str | None = None
    demand: str
    urgency: int = 0
    preferred: tuple[str, ...] = ()
    properties: Mapping[str, Any] = {}
    attempt: int = 0
    rejects: int = 0
    agent: str | None = None
    call: str | None = None
    call_id: str | None = None
    expires_at: float
    completed_at: float | None = None

    @property
    def is_immediate(self) -> bool:
        """Whether the customer named no time."""
        return self.bucket_at is None

    @property
    def wants(self) -> Demand:
        """What its agent must have."""
        return lines.demand_of(self.demand)

    @property
    def device(self) -> str | None:
        """The clientId under which the customer's page listens; None where it does not."""
        name = self.properties.get(DEVICE_ID)
        is_session = isinstance(name, str) and _CLIENT_ID.fullmatch(name) is not None
        return name if is_session and self.properties.get(DEVICE_OS) == COMET else None

    @property
    def user_data(self) -> dict[str, Any]:
        """What the customer's side attached for the agent."""
        return user_data(self.properties)


def user_data(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that are for the agent: those without an underscore in front, and `_usr_*`."""
    return {name: value for name, value in properties.items() if is_user_data(name)}


def is_user_data(name: str) -> bool:
    """Whether a property is for the agent."""
    return not name.startswith("_") or name.startswith(ATTACHED_TOO)


def attached(callback: Callback, form: str) -> dict[str, str]:
    """What the call carries to the agent's screen, in one of the three forms of `_attach_udata`."""
    match form:
        case "gms_storage_id":
            return {SINGLE_KEY: callback.id}
        case "single_json":
            return {SINGLE_KEY: msgspec.json.encode(callback.user_data).decode()}
        case _:
            return {name: text_of(value) for name, value in callback.user_data.items()}


def text_of(value: object) -> str:
    """A value of a property as text."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def id_of(uuid: str, *, immediate: bool) -> str:
    """The id that customers are told; immediate callbacks have a number in front, as in the product."""
    return f"{int(uuid[:2], 16) + 100}-{uuid}" if immediate else uuid


def path_of(callback: Callback) -> str:
    """Its address, relative to the API."""
    return f"/1/service/callback/{callback.service}/{callback.id}"


def uri_of(base: str, callback: Callback) -> str:
    """Its absolute address; `base` is the public URL of the hub."""
    return f"{base}/genesys{path_of(callback)}"


def message_of(callback: Callback, base: str, reason: str | None = None) -> callbacks.Callback:
    """The callback as agents and supervisors see it. `reason` stands in where it has none of its own."""
    return callbacks.Callback(
        id=callback.id,
        service_name=callback.service,
        state=callback.state,
        reason=callback.reason or reason or UNSET,
        desired_time=UNSET if callback.is_immediate else times.shown(callback.wanted_at),
        customer_number=callback.customer_number,
        attempt=callback.attempt,
        agent_id=callback.agent or UNSET,
        call_uuid=callback.call or UNSET,
        uri=uri_of(base, callback),
        user_data=callback.user_data,
    )
