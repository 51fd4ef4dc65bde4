"""What calls need of a switch: the contract that every switch keeps (`tests/contracts/test_switches.py`)."""

from typing import NamedTuple, Protocol

from api.telephony.calls.legs import Conversation, Leg, Origin
from api.telephony.calls.operations import Operation
from api.telephony.devices.rules import Floor
from hub.store.transaction import Tx


class Offer(NamedTuple):
    """An agent who is to be called for somebody who waits: the id of the new leg, the number of the agent's device,
    what is attached to the call, and who wants to hear what becomes of it.
    """

    id: str
    number: str
    user_data: dict[str, str]
    origin: Origin | None


class Switch(Protocol):
    """Carries the calls of an organization.

    All methods are called in a transaction that may run again, and only write: what leaves the house is planned as a
    delivery, what takes time as a timer. The caller has checked that the operation is well-formed and that the
    capabilities permit it.

    What is asked for *happens*, now or later, or a notification of the type Error says on the channel of the owner why
    it does not; after a dial that has come to nothing the call is gone as well. Whatever happens, the snapshot and the
    notifications change in one transaction, the steps of a call come in the order of the table in
    `api.telephony.calls.states`, and whoever had the call dialled is told (`changes`).

    Raises only before anything is accepted: BadInput for values that no state of the call could make good, WrongState
    for what its limits forbid.
    """

    floor: Floor
    calls_customers: bool
    """Whether somebody can be called for whom an agent is still to be found; else the last three raise WrongState."""

    def dial(self, tx: Tx, leg: Leg, destination: str, now: float) -> None:
        """Call `destination` from the device of `leg`, a new one in the state Requested and alone in its conversation.

        It keeps its id, its callUuid and its origin, whatever the switch calls it inside.
        """
        ...

    def operate(self, tx: Tx, conversation: Conversation, leg: Leg, operation: Operation, now: float) -> None:
        """Carry the operation out on `leg` of the conversation, which this transaction holds."""
        ...

    def call_customer(
        self, tx: Tx, call_uuid: str, organization: str, destination: str, origin: Origin, now: float
    ) -> None:
        """Call `destination` for nobody yet. Whoever answers waits; nobody but `origin` is told."""
        ...

    def offer(self, tx: Tx, conversation: Conversation, offer: Offer, now: float) -> None:
        """Have an agent called for the party that waits in this conversation, which this transaction holds.

        An agent who does not take it leaves the party waiting; with one who does it is a call like others. Raises
        WrongState where the agent cannot be called, or another one rings already.
        """
        ...

    def drop(self, tx: Tx, conversation: Conversation, now: float) -> None:
        """End it for everybody."""
        ...
