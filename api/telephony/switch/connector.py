"""A switch outside of the hub, behind a connector: operations go to it as signed webhooks, what happens comes back as
notifications through `POST /api/v2/events` (docs/recipes/connect-a-switch.md).

The connector is the one who knows. The hub passes on what it says word for word, and believes it
(`calls.actions.observe`). What the hub adds is an end to waiting: an operation after which nothing is heard of its call
for a while has failed, and the agent is told so.
"""

from typing import Final

import msgspec

from api.telephony.calls import changes, conversations
from api.telephony.calls.legs import Conversation, Leg, Origin
from api.telephony.calls.operations import Operation
from api.telephony.calls.port import Offer
from api.telephony.calls.states import Signal, State, after
from api.telephony.calls.tellings import Failure
from api.telephony.calls.view import uri_of
from api.telephony.devices.rules import Floor, device_uri
from hub.kernel.clock import micros
from hub.kernel.errors import WrongState
from hub.kernel.telephony import Connector
from hub.store import deliveries, timers
from hub.store.deliveries import Webhook
from hub.store.timers import Timer
from hub.store.transaction import Tx

TYPE: Final = "telephony.operation"
"""The type of the webhooks."""
UNHEARD: Final = conversations.UNHEARD
"""The kind of the timers that end the waiting for a connector."""
NOT_CARRIED_OUT: Final = "not carried out"
_AGENTS_ONLY: Final = "A connector calls nobody without an agent"
_NO_ANSWER: Final = "The switch has not answered"


class Handed(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An operation as the connector gets it: the members of the desktop's request, and which call it is about."""

    operation_name: str
    organization_id: str
    user_id: str
    call_id: str
    call_uuid: str
    call_uri: str
    device_id: str
    device_uri: str
    phone_number: str
    destination: str | None = None
    user_data: dict[str, str] | None = None
    digits: str | None = None
    key: str | None = None
    participant: str | None = None
    consult_call_id: str | None = None


class Awaited(msgspec.Struct, frozen=True):
    """The payload of the timer that ends the waiting."""

    organization: str
    user: str
    conversation: str


class ConnectorSwitch:
    """See `Switch`."""

    calls_customers = False

    def __init__(self, floor: Floor, connector: Connector) -> None:
        self.floor = floor
        self._connector = connector

    def dial(self, tx: Tx, leg: Leg, destination: str, now: float) -> None:
        """See `Switch`. The call stays Requested, which desktops do not see, until the connector reports it."""
        requested = Conversation(leg.organization, leg.conversation, (leg,))
        changes.commit(tx, Conversation(leg.organization, leg.conversation), requested, now, floor=self.floor)
        handed = self._handed(leg, "Dial", destination=destination, user_data=leg.user_data or None)
        self._hand_over(tx, leg, handed, now)

    def operate(self, tx: Tx, conversation: Conversation, leg: Leg, operation: Operation, now: float) -> None:
        """See `Switch`. Nothing changes here before the connector says so."""
        del conversation
        uri = operation.consult_call_uri
        handed = self._handed(
            leg,
            operation.operation_name,
            destination=None if operation.destination is None else operation.destination.phone_number,
            user_data=operation.user_data,
            digits=operation.digits,
            key=operation.key,
            participant=operation.participant,
            consult_call_id=None if uri is None else uri.rstrip("/").rpartition("/")[2],
        )
        self._hand_over(tx, leg, handed, now)

    def call_customer(
        self, tx: Tx, call_uuid: str, organization: str, destination: str, origin: Origin, now: float
    ) -> None:
        """See `Switch`. What is reported is reported to agents: nobody could say how it stands with this one."""
        del tx, call_uuid, organization, destination, origin, now
        raise WrongState(_AGENTS_ONLY)

    def offer(self, tx: Tx, conversation: Conversation, offer: Offer, now: float) -> None:
        """See `Switch`."""
        del tx, conversation, offer, now
        raise WrongState(_AGENTS_ONLY)

    def drop(self, tx: Tx, conversation: Conversation, now: float) -> None:
        """See `Switch`."""
        del tx, conversation, now
        raise WrongState(_AGENTS_ONLY)

    def unheard(self, tx: Tx, timer: Timer, now: float) -> None:
        """The connector has not said anything about the call since the last operation on it."""
        awaited = msgspec.json.decode(timer.payload, type=Awaited)
        before = conversations.lock(tx, awaited.organization, awaited.conversation)
        leg = None if before is None else before.of(awaited.user, conversations.leg_of(timer.key))
        if before is None or leg is None:
            return
        if leg.state is State.REQUESTED:  # nothing has come of the dial
            gone = msgspec.structs.replace(leg, state=after(leg.state, Signal.RELEASE), ended=NOT_CARRIED_OUT)
            changed = Conversation(before.organization, before.id, (gone,))
        else:
            changed = before
        changes.commit(tx, before, changed, now, floor=self.floor, failures=(Failure(leg, _NO_ANSWER),))

    def _handed(self, leg: Leg, operation: str, **parameters: object) -> Handed:
        return Handed(
            operation_name=operation,
            organization_id=leg.organization,
            user_id=leg.user,
            call_id=leg.id,
            call_uuid=leg.call_uuid,
            call_uri=uri_of(self.floor.base, leg.id),
            device_id=leg.device,
            device_uri=device_uri(self.floor.base, leg.device),
            phone_number=leg.number,
            **parameters,  # type: ignore[arg-type]  # members of `Handed`, by name
        )

    def _hand_over(self, tx: Tx, leg: Leg, handed: Handed, now: float) -> None:
        """An operation that comes late does harm: it is not sent any more once the agent has been told of a failure."""
        until = now + self._connector.answer_seconds
        webhook = Webhook(
            url=self._connector.url,
            type=TYPE,
            payload=msgspec.Raw(msgspec.json.encode(handed)),
            at=micros(now),
            secret=self._connector.secret.reveal(),
        )
        deliveries.plan(tx, webhook, now, until=until)
        awaited = Awaited(leg.organization, leg.user, leg.conversation)
        key = conversations.unheard_key(leg.organization, leg.user, leg.id)
        timers.plan(tx, UNHEARD, key, micros(until), msgspec.json.encode(awaited))
