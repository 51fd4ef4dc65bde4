"""A switch inside the hub, so that demonstrations and tests are real conversations.

Internal numbers ring each other's devices; do-not-disturb, forwarding and a desk where nobody is logged in count as on
a real one. Parties outside answer, are busy or do not answer as `[[telephony.outside]]` says. What they do after a
while is a transactional timer, written with the change that is its reason: a call goes on where it was, whichever
process is killed, and nothing happens to it twice.
"""

from typing import Final

import msgspec

from api.telephony.calls import changes, conversations
from api.telephony.calls.legs import Conversation, Leg, Origin
from api.telephony.calls.operations import Operation
from api.telephony.calls.port import Offer
from api.telephony.calls.states import State
from api.telephony.calls.tellings import Failure
from api.telephony.devices import actions as devices
from api.telephony.devices.rules import Floor
from api.telephony.switch import exchange, targets
from api.telephony.switch.board import Board, Event, Invitation, Outcome
from api.telephony.switch.exchange import Asked, Declined, Fresh
from api.telephony.switch.targets import Busy, Line, Target
from hub.kernel.clock import micros
from hub.kernel.errors import WrongState
from hub.kernel.telephony import Telephony
from hub.store import timers
from hub.store.timers import Timer
from hub.store.transaction import Tx

PARTY: Final = "telephony.party"
"""The kind of the timers by which parties do something."""
MOST_FORWARDS: Final = 5


class Deed(msgspec.Struct, frozen=True):
    """What a party is going to do: the payload of the timer whose key is the leg."""

    organization: str
    conversation: str
    event: Event


class SimulatedSwitch:
    """See `Switch`."""

    calls_customers = True

    def __init__(self, floor: Floor, telephony: Telephony) -> None:
        self.floor = floor
        self._telephony = telephony

    def dial(self, tx: Tx, leg: Leg, destination: str, now: float) -> None:
        """See `Switch`."""
        before = Conversation(leg.organization, leg.conversation)
        if self._telephony.recording:
            leg = msgspec.structs.replace(leg, recording="Stopped")
        board = self._board(before, now)
        target = self._target(tx, leg.organization, destination, leg.number)
        exchange.dial(board, leg, destination, target, conversations.new_id())
        self._commit(tx, before, board.outcome(), now)

    def operate(self, tx: Tx, conversation: Conversation, leg: Leg, operation: Operation, now: float) -> None:
        """See `Switch`."""
        if leg.reported is not None:
            raise WrongState("The call is carried by another switch, which has reported it")
        board, target = self._board(conversation, now), None
        if operation.destination is not None:
            target = self._target(tx, leg.organization, operation.destination.phone_number, leg.number)
        fresh = Fresh(conversations.new_id(), conversations.new_id(), conversations.new_uuid())
        try:
            exchange.carry_out(board, leg, Asked(operation, target, fresh))
        except Declined as declined:
            failures = (Failure(leg, str(declined)),)
            changes.commit(tx, conversation, conversation, now, floor=self.floor, failures=failures)
            return
        self._commit(tx, conversation, board.outcome(), now)

    def call_customer(
        self, tx: Tx, call_uuid: str, organization: str, destination: str, origin: Origin, now: float
    ) -> None:
        """See `Switch`."""
        before = Conversation(organization, call_uuid)
        board, target = self._board(before, now), self._target(tx, organization, destination, "")
        invitation = Invitation(
            id=conversations.new_id(),
            call_uuid=call_uuid,
            invited_by=None,
            ani="",
            dnis=destination,
            call_type="Outbound",
            user_data={},
            recording=self._telephony.recording,
            origin=origin,
        )
        exchange.call_customer(board, target, invitation)
        self._commit(tx, before, board.outcome(), now)

    def offer(self, tx: Tx, conversation: Conversation, offer: Offer, now: float) -> None:
        """See `Switch`."""
        board = self._board(conversation, now)
        customer = next(leg for leg in board.live() if not leg.user)
        invitation = Invitation(
            id=offer.id,
            call_uuid=customer.call_uuid,
            invited_by=None,
            ani=customer.number,
            dnis=offer.number,
            call_type="Inbound",
            user_data={**customer.user_data, **offer.user_data},
            recording=self._telephony.recording,
            origin=offer.origin,
        )
        exchange.offer(board, customer, self._target(tx, conversation.organization, offer.number, ""), invitation)
        self._commit(tx, conversation, board.outcome(), now)

    def drop(self, tx: Tx, conversation: Conversation, now: float) -> None:
        """See `Switch`."""
        board = self._board(conversation, now)
        for leg in board.live():
            board.release(leg, "released")
        self._commit(tx, conversation, board.outcome(), now)

    def party(self, tx: Tx, timer: Timer, now: float) -> None:
        """A party does what was planned, unless the call has gone another way meanwhile."""
        deed = msgspec.json.decode(timer.payload, type=Deed)
        conversation = conversations.lock(tx, deed.organization, deed.conversation)
        leg = None if conversation is None else conversation.find(timer.key)
        if conversation is None or leg is None:
            return
        board = self._board(conversation, now)
        exchange.happen(board, leg, deed.event)
        self._commit(tx, conversation, board.outcome(), now)

    def _board(self, conversation: Conversation, now: float) -> Board:
        return Board(conversation, now, self._telephony.ring_seconds)

    def _commit(self, tx: Tx, before: Conversation, outcome: Outcome, now: float) -> None:
        changes.commit(tx, before, outcome.after, now, floor=self.floor, said=outcome.said, failures=outcome.failures)
        planned = {plan.leg for plan in outcome.plans}
        was_ringing = {leg.id for leg in before.legs if leg.state is State.RINGING or not leg.user}
        for leg in outcome.after.legs:
            is_over = not leg.is_live or (leg.user and leg.state is not State.RINGING)
            if leg.id in was_ringing and is_over and leg.id not in planned:
                timers.cancel(tx, PARTY, leg.id)
        for plan in outcome.plans:
            deed = Deed(outcome.after.organization, outcome.after.id, plan.event)
            timers.plan(tx, PARTY, plan.leg, micros(now + plan.seconds), msgspec.json.encode(deed))

    def _target(self, tx: Tx, organization: str, number: str, own: str) -> Target:
        """Who is behind a number, after all forwarding."""
        for _ in range(MOST_FORWARDS):
            phone = devices.at_number(tx, organization, number)
            if phone is None:
                return targets.outside(number, self._telephony.outside)
            if phone.forward_to is None:
                break
            number = phone.forward_to
        else:
            return Busy(number)
        is_there = phone.active and phone.user is not None and not phone.do_not_disturb and number != own
        if not is_there or phone.user is None or not conversations.has_room(tx, organization, phone.user):
            return Busy(number)
        return Line(phone.user, phone.id, phone.number)
