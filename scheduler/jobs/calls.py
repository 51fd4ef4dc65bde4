"""Kinds `telephony.*`: what parties do by themselves, and the end of waiting for a switch outside. And an end for calls
whose end nobody reports.
"""

from typing import Final

import msgspec

from api.telephony.calls import actions as calls
from api.telephony.switch import connector, simulated
from api.telephony.switch.connector import ConnectorSwitch
from api.telephony.switch.simulated import SimulatedSwitch
from api.telephony.switch.switches import Switches
from hub.store.timers import Timer
from hub.store.transaction import Tx
from scheduler.claims import Transactional
from scheduler.jobs import housekeeping

LONGEST_SILENCE: Final = 86_400.0
"""A call of which nothing was heard for so many seconds has ended, and its end was not reported."""


class _Whose(msgspec.Struct, frozen=True):
    organization: str


def transactional(switches: Switches) -> tuple[Transactional, ...]:
    """The jobs of calls. A timer of a switch that the organization has no more means nothing any more."""

    def party(tx: Tx, timer: Timer, now: float) -> None:
        switch = switches.of(_organization(timer))
        if isinstance(switch, SimulatedSwitch):
            switch.party(tx, timer, now)

    def unheard(tx: Tx, timer: Timer, now: float) -> None:
        switch = switches.of(_organization(timer))
        if isinstance(switch, ConnectorSwitch):
            switch.unheard(tx, timer, now)

    def forget(tx: Tx, now: float) -> int:
        return calls.forget(tx, switches.floor, now - LONGEST_SILENCE, housekeeping.BATCH, now)

    return (
        Transactional(simulated.PARTY, party),
        Transactional(connector.UNHEARD, unheard),
        housekeeping.regular(housekeeping.CALLS, forget, every=600.0),
    )


def _organization(timer: Timer) -> str:
    return msgspec.json.decode(timer.payload, type=_Whose).organization
