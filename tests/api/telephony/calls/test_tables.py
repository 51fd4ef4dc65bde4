"""The tables behind calls: states, capabilities, deeds; and the form of a call in the product's own sample."""

from typing import get_args

import pytest

from api.telephony.calls.capabilities import Consult, Situation, capabilities
from api.telephony.calls.legs import Leg
from api.telephony.calls.operations import ALIASES, PARAMETERS, OperationName
from api.telephony.calls.states import TABLE, ImpossibleTransition, Signal, State, after, diagram
from api.telephony.calls.tellings import Telling
from api.telephony.calls.view import notification
from api.telephony.switch.exchange import DEEDS
from channels.envelope import encode
from channels.examples import _DEVICE_ID, CALL
from hub.kernel.wire import decode

USER_DATA = {"AttachUserData", "UpdateUserData", "DeleteUserData", "DeleteUserDataPair"}
ELSEWHERE = {"InitiateConference", "InitiateTransfer", "SingleStepConference", "SingleStepTransfer"}


@pytest.mark.parametrize(
    ("situation", "permitted"),
    [
        (Situation(State.DIALING), {"Hangup", "SendDtmf"} | USER_DATA),
        (Situation(State.RINGING), {"Answer", "Reject", "Redirect"} | USER_DATA),
        (Situation(State.ESTABLISHED), {"Hangup", "Hold", "SendDtmf", "MuteCall"} | ELSEWHERE | USER_DATA),
        (
            Situation(State.ESTABLISHED, recording="Stopped"),
            {"Hangup", "Hold", "SendDtmf", "MuteCall", "StartCallRecording"} | ELSEWHERE | USER_DATA,
        ),
        (Situation(State.HELD), {"Retrieve", "Hangup"} | ELSEWHERE | USER_DATA),
        (
            Situation(State.HELD, Consult.OF_TRANSFER),
            {"SwapCalls", "CompleteTransfer", "Hangup"} | ELSEWHERE | USER_DATA,
        ),
        (
            Situation(State.HELD, Consult.OF_CONFERENCE),
            {"SwapCalls", "CompleteConference", "Hangup"} | ELSEWHERE | USER_DATA,
        ),
        (Situation(State.DIALING, Consult.FOR_TRANSFER), {"Hangup", "SendDtmf", "SwapCalls"} | USER_DATA),
        (
            Situation(State.ESTABLISHED, Consult.FOR_TRANSFER),
            {"Hangup", "SendDtmf", "SwapCalls", "CompleteTransfer"} | USER_DATA,
        ),
        (
            Situation(State.ESTABLISHED, Consult.FOR_CONFERENCE),
            {"Hangup", "SendDtmf", "SwapCalls", "CompleteConference"} | USER_DATA,
        ),
        (Situation(State.RELEASED), set()),
        (Situation(State.REQUESTED), set()),
    ],
    ids=lambda value: repr(sorted(value)) if isinstance(value, set) else str(value),
)
def test_capabilities(situation: Situation, permitted: set[str]) -> None:
    names = capabilities(situation)
    assert set(names) == permitted
    assert len(names) == len(permitted)


def test_every_operation_can_be_carried_out_under_its_proper_name() -> None:
    assert set(DEEDS) | set(ALIASES) == set(get_args(OperationName))
    assert not set(DEEDS) & set(ALIASES)
    assert set(PARAMETERS) <= set(DEEDS)
    assert set(ALIASES.values()) <= set(DEEDS)


def test_capabilities_are_operations() -> None:
    consults, recordings = list(Consult), [None, "Stopped", "Recording", "Paused"]
    offered = {
        name
        for state in State
        for consult in consults
        for recording in recordings
        for muted in (False, True)
        for name in capabilities(Situation(state, consult, muted, recording, 2))
    }
    assert offered == set(DEEDS)


def test_a_step_that_the_table_does_not_know_is_a_fault_of_ours() -> None:
    for state in State:
        for signal in Signal:
            if signal in TABLE[state]:
                assert after(state, signal) is TABLE[state][signal]
            else:
                with pytest.raises(ImpossibleTransition):
                    after(state, signal)


def test_every_state_is_reached_and_every_call_can_end() -> None:
    reached = {target for row in TABLE.values() for target in row.values()}
    assert reached | {State.REQUESTED, State.RINGING} == set(State)
    assert all(Signal.RELEASE in row for state, row in TABLE.items() if state is not State.RELEASED)
    assert "Held --> Established: retrieved" in diagram()


def test_a_call_has_the_form_of_the_sample() -> None:
    leg = Leg(
        organization="acme",
        user="alice",
        id="010a0229f0cbd001",
        conversation="1",
        call_uuid="RC5FN2QK1H3IFD3CV136FELT80000001",
        state=State.DIALING,
        began_at=1000.0,
        device=_DEVICE_ID,
        number="1",
        ani="1",
        dnis="2",
        call_type="Outbound",
        participants=("2",),
        capabilities=capabilities(Situation(State.DIALING)),
    )
    told = decode(dict, notification(Telling(leg, "StatusChange"), "http://127.0.0.1:8080", 1000.9), max_bytes=9999)
    sample = decode(dict, encode(CALL), max_bytes=9999)
    more = {"path": "/calls/010a0229f0cbd001", "dnis": "2", "callType": "Outbound"}
    assert told == {**sample, "call": {**sample["call"], **more}}
