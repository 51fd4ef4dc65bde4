"""What calls need of a switch: the contract that every switch keeps (`tests/contracts/test_switches.py`)."""

from typing import Protocol

from api.telephony.calls.legs import Conversation, Leg
from api.telephony.calls.operations import Operation
from api.telephony.devices.rules import Floor
from hub.store.transaction import Tx


class Switch(Protocol):
    """Carries the calls of an organization.

    Both methods are called in a transaction that may run again, and only write: what leaves the house is planned as a
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

    def dial(self, tx: Tx, leg: Leg, destination: str, now: float) -> None:
        """Call `destination` from the device of `leg`, a new one in the state Requested and alone in its conversation.

        It keeps its id, its callUuid and its origin, whatever the switch calls it inside.
        """
        ...

    def operate(self, tx: Tx, conversation: Conversation, leg: Leg, operation: Operation, now: float) -> None:
        """Carry the operation out on `leg` of the conversation, which this transaction holds."""
        ...
