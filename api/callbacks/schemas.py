"""The wire forms of callbacks: the product's own names."""

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from api.callbacks.rules import times
from api.callbacks.rules.callback import Callback, path_of
from channels.callbacks import Callback as ToldCallback

MOST_IN_QUEUE: Final = 500

Availability: TypeAlias = Annotated[
    dict[str, int], Meta(description="Places left, by the beginning of their time slot in UTC; earliest first")
]


class Started(Struct, frozen=True, kw_only=True):
    """A callback was accepted. The dialog is there if the customer is to be called at once."""

    dialog: str | UnsetType = field(default=UNSET, name="ID")
    action: str | UnsetType = field(default=UNSET, name="Action")
    text: str | UnsetType = field(default=UNSET, name="Text")
    ok_title: str | UnsetType = field(default=UNSET, name="OkTitle")
    id: str = field(name="_id")


class FoundCallback(Struct, frozen=True, kw_only=True):
    """A callback that is not over. Instants are UTC with milliseconds, addresses relative to the API."""

    id: str = field(name="_id")
    plain_desired_time: str = field(name="desired_time")
    plain_url: str = field(name="url")
    desired_time: str = field(name="_desired_time")
    service_name: str = field(name="_service_name")
    callback_state: str = field(name="_callback_state")
    expiration_time: str = field(name="_expiration_time")
    customer_number: str = field(name="_customer_number")
    url: str = field(name="_url")
    callback_reason: str | UnsetType = field(default=UNSET, name="_callback_reason")


class QueuedCallback(Struct, frozen=True, kw_only=True):
    """A callback in the queue of its service."""

    id: str = field(name="_id")
    service_name: str = field(name="_service_name")
    desired_time: str = field(name="_desired_time")
    callback_state: str = field(name="_callback_state")
    expiration_time: str = field(name="_expiration_time")
    customer_number: str = field(name="_customer_number")
    url: str = field(name="_url")
    attempt: int = field(name="_attempt")
    agent_id: str | UnsetType = field(default=UNSET, name="_agent_id")
    callback_reason: str | UnsetType = field(default=UNSET, name="_callback_reason")


class CustomerQuery(Struct, frozen=True, kw_only=True):
    """One property of the callbacks that are looked for; others that the service has as lookup keys may stand here."""

    customer_number: (
        Annotated[str, Meta(description="With or without an underscore in front, as all properties")] | None
    ) = None


class AvailabilityQuery(Struct, frozen=True, kw_only=True):
    """Around which time."""

    timestamp: Annotated[str, Meta(description="ISO 8601 with a zone; now without it")] | None = None


class QueuesQuery(Struct, frozen=True, kw_only=True):
    """Which callbacks."""

    target: Annotated[str, Meta(description="One service; all of the organization without it")] | None = None
    end_time: Annotated[str, Meta(description="Wanted by then; within a day without it")] | None = None
    max: Annotated[int, Meta(ge=1, le=10_000, description="Most of each service")] = MOST_IN_QUEUE
    callback_state: Annotated[str, Meta(description="Only those in this state")] | None = field(
        default=None, name="_callback_state"
    )


class OwnCallbacks(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is offered to the caller, or what the caller is at: addresses, or each as in the messages."""

    status_code: int = 0
    uris: list[str] | UnsetType = UNSET
    callbacks: list[ToldCallback] | UnsetType = UNSET


class Accept(Struct, frozen=True, kw_only=True, tag_field="operationName", tag="Accept"):
    """Have the customer rung."""


class Reject(Struct, frozen=True, kw_only=True, tag_field="operationName", tag="Reject"):
    """Leave the callback to others."""


CallbackOperation: TypeAlias = Accept | Reject


class ListQuery(Struct, frozen=True, kw_only=True):
    """How much of them."""

    fields: Annotated[str, Meta(description="`*`; only addresses without it")] | None = None


def started(callback: Callback) -> Started:
    """The answer to whoever asked for it."""
    if not callback.is_immediate:
        return Started(id=callback.id)
    return Started(
        dialog="0",
        action="ConfirmationDialog",
        text="You will receive the call shortly",
        ok_title="Ok",
        id=callback.id,
    )


def found(callback: Callback) -> FoundCallback:
    """The callback for whoever looked for it."""
    wanted, path = times.shown(callback.wanted_at), path_of(callback)
    return FoundCallback(
        id=callback.id,
        plain_desired_time=wanted,
        plain_url=path,
        desired_time=wanted,
        service_name=callback.service,
        callback_state=callback.state,
        expiration_time=times.shown(callback.expires_at),
        customer_number=callback.customer_number,
        url=path,
        callback_reason=callback.reason or UNSET,
    )


def queued(callback: Callback) -> QueuedCallback:
    """The callback for supervisors."""
    return QueuedCallback(
        id=callback.id,
        service_name=callback.service,
        desired_time=times.shown(callback.wanted_at),
        callback_state=callback.state,
        expiration_time=times.shown(callback.expires_at),
        customer_number=callback.customer_number,
        url=path_of(callback),
        attempt=callback.attempt,
        agent_id=callback.agent or UNSET,
        callback_reason=callback.reason or UNSET,
    )
