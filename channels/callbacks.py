"""Messages about callbacks, on `/v2/me` of the agents concerned and on `/v2/users`."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from channels.envelope import Notification
from channels.users import UserNotification

CallbackNotificationType: TypeAlias = Literal[
    "Scheduled",
    "Rescheduled",
    "Queued",
    "Offered",
    "Rejected",
    "Dialing",
    "Connected",
    "AttemptFailed",
    "Completed",
    "Cancelled",
    "Expired",
]


class Callback(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A callback as agents and supervisors see it.

    `state` and `reason` are open vocabularies of the product (SCHEDULED, QUEUED, …). `desired_time` is an instant in
    UTC, absent for an immediate callback. `attempt` is the number of the last attempt, 0 before the first.
    """

    id: str
    service_name: str
    state: str
    reason: str | UnsetType = UNSET
    desired_time: str | UnsetType = UNSET
    customer_number: str
    attempt: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    agent_id: str | UnsetType = UNSET
    call_uuid: str | UnsetType = UNSET
    uri: str
    user_data: dict[str, Any]


class CallbackWatermarkMessage(Notification, frozen=True, kw_only=True):
    """On `/v2/users`: so many callbacks of a service wait that its high mark is reached, or again no more than its low
    one. Between the two nothing is said.
    """

    notification_type: Literal["HighWatermark", "LowWatermark"]
    service_name: str
    queue: str
    waiting: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    mark: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class CallbackStateChangeMessage(UserNotification, frozen=True, kw_only=True):
    """A callback took a step; `callback` is its state after that."""

    notification_type: CallbackNotificationType
    callback: Callback
