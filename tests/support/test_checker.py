"""Each kind of fault is planted once and must be found, alone; and what is allowed must not be found."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from tests.support.checker import Client, Fault, Finding, Gap, Promise, Published, Received, Stream, check, report
from tests.support.history import History, UncheckedHistoryError, recorded_history

CALLS = "/v2/me/calls"
USERS = "/v2/users"


def published(count: int, *, user: str = "alice", organization: str = "acme", channel: str = CALLS) -> list[Published]:
    return [
        Published(
            organization=organization,
            user=user,
            channel=channel,
            seq=seq,
            data={"for": f"{organization}/{user}{channel}", "n": seq},
            at=float(seq),
        )
        for seq in range(1, count + 1)
    ]


def received(event: Published, **changes: Any) -> Received:
    fields = {"channel": event.channel, "seq": event.seq, "data": event.data, "at": event.at, **changes}
    return Received(**fields)


def client(log: Sequence[Received | Gap], **changes: Any) -> Client:
    fields: Mapping[str, Any] = {
        "name": "c1",
        "organization": "acme",
        "user": "alice",
        "roles": frozenset({"ROLE_AGENT"}),
        "since": {CALLS: 0},
        "log": log,
        **changes,
    }
    return Client(**fields)


def faults(findings: Sequence[Finding]) -> list[tuple[Fault, int | None]]:
    return [(each.fault, each.seq) for each in findings]


def test_a_faithful_delivery_has_no_findings() -> None:
    events = published(5)
    assert check(events, [client([received(each) for each in events])]) == []


def test_events_before_the_start_are_not_due() -> None:
    events = published(5)
    assert check(events, [client([received(each) for each in events[2:]], since={CALLS: 2})]) == []


def test_lost_in_the_middle() -> None:
    events = published(5)
    log = [received(each) for each in events if each.seq != 3]
    findings = check(events, [client(log)])
    assert findings == [Finding(Fault.LOST, "c1", Stream("acme", "alice", CALLS), 3)]


def test_lost_at_the_end_and_for_a_client_that_heard_nothing() -> None:
    events = published(2)
    assert faults(check(events, [client([received(events[0])])])) == [(Fault.LOST, 2)]
    assert faults(check(events, [client([])])) == [(Fault.LOST, 1), (Fault.LOST, 2)]


def test_lost_on_one_channel_while_another_is_complete() -> None:
    calls, devices = published(2), published(2, channel="/v2/me/devices")
    log = [received(each) for each in [*calls, devices[1]]]
    findings = check([*calls, *devices], [client(log, since={CALLS: 0, "/v2/me/devices": 0})])
    assert [(each.fault, each.stream.channel, each.seq) for each in findings] == [(Fault.LOST, "/v2/me/devices", 1)]


def test_twice() -> None:
    events = published(3)
    log = [received(events[0]), received(events[1]), received(events[1]), received(events[2])]
    assert faults(check(events, [client(log)])) == [(Fault.TWICE, 2)]
    assert check(events, [client(log, promise=Promise.ACK)]) == []
    assert faults(check(events, [client(log, promise=Promise.PLAIN)])) == [(Fault.TWICE, 2)]


def test_out_of_order() -> None:
    events = published(3)
    log = [received(events[0]), received(events[2]), received(events[1])]
    assert faults(check(events, [client(log)])) == [(Fault.ORDER, 2)]
    assert faults(check(events, [client(log, promise=Promise.ACK)])) == [(Fault.ORDER, 2)]


def test_an_event_from_before_the_start_is_out_of_order() -> None:
    events = published(3)
    log = [received(each) for each in events[1:]]
    assert faults(check(events, [client(log, since={CALLS: 2})])) == [(Fault.ORDER, 2)]


@pytest.mark.parametrize(
    ("organization", "user"), [("acme", "bob"), ("other", "alice")], ids=["another user", "another organization"]
)
def test_somebody_elses(organization: str, user: str) -> None:
    mine, theirs = published(1), published(1, organization=organization, user=user)
    findings = check([*mine, *theirs], [client([received(mine[0]), received(theirs[0])])])
    assert faults(findings) == [(Fault.FOREIGN, 1)]
    assert f"{organization}/{user}" in findings[0].detail


def test_somebody_elses_event_is_recognised_without_its_position() -> None:
    mine, theirs = published(3), published(1, user="bob")
    log = [*(received(each) for each in mine), received(theirs[0], seq=2)]
    assert faults(check([*mine, *theirs], [client(log)])) == [(Fault.FOREIGN, 2)]


def test_an_agent_hears_nothing_of_the_supervisors_channel() -> None:
    events = published(1, user="", channel=USERS)
    log = [received(events[0])]
    assert faults(check(events, [client(log, since={USERS: 0})]))[0] == (Fault.FOREIGN, 1)
    assert check(events, [client(log, since={USERS: 0}, roles=frozenset({"ROLE_SUPERVISOR"}))]) == []


def test_a_channel_that_was_never_subscribed_to() -> None:
    events = published(1, channel="/v2/me/devices")
    assert faults(check(events, [client([received(events[0])])])) == [(Fault.UNASKED, 1)]


def test_altered_data() -> None:
    events = published(2)
    log = [received(events[0]), received(events[1], data={"n": "two"})]
    assert faults(check(events, [client(log)])) == [(Fault.ALTERED, 2), (Fault.LOST, 2)]


def test_an_event_that_nobody_published() -> None:
    events = published(1)
    log = [received(events[0]), Received(channel=CALLS, seq=9, data={"n": 9})]
    assert faults(check(events, [client(log)])) == [(Fault.UNPUBLISHED, 9)]


def test_after_revocation() -> None:
    events = published(6)
    log = [received(each) for each in events[:5]]
    findings = check(events, [client(log, revoked_at=3.0, grace=1.0)])
    assert faults(findings) == [(Fault.REVOKED, 5)]
    assert check(events, [client(log[:4], revoked_at=3.0, grace=1.0)]) == []


def test_a_hole_before_the_revocation_is_still_a_loss() -> None:
    events = published(6)
    log = [received(events[0]), received(events[2])]
    assert faults(check(events, [client(log, revoked_at=3.0)])) == [(Fault.LOST, 2)]
    assert faults(check(events, [client(log, left=True)])) == [(Fault.LOST, 2)]


def test_a_gap_mark_excuses_what_it_covers_and_nothing_else() -> None:
    events = published(6)
    log: list[Received | Gap] = [received(events[0]), Gap(channel=CALLS, live=4), received(events[5])]
    assert faults(check(events, [client(log)])) == [(Fault.LOST, 5)]


def test_an_event_that_a_gap_mark_gave_up_must_not_come_afterwards() -> None:
    events = published(3)
    log: list[Received | Gap] = [Gap(channel=CALLS, live=2), received(events[1]), received(events[2])]
    assert faults(check(events, [client(log)])) == [(Fault.ORDER, 2)]


def test_a_plain_client_may_lose_but_not_hear_out_of_order() -> None:
    events = published(4)
    log = [received(events[0], seq=None), received(events[3], seq=None), received(events[2], seq=None)]
    assert faults(check(events, [client(log, promise=Promise.PLAIN)])) == [(Fault.ORDER, 3)]
    assert check(events, [client(log[:2], promise=Promise.PLAIN)]) == []


def test_positions_given_twice_or_left_out() -> None:
    events = published(4)
    findings = check([*events[:1], *events[2:], events[3]], [])
    assert faults(findings) == [(Fault.POSITION, 4), (Fault.POSITION, 2)]


def test_a_position_that_is_none() -> None:
    events = [*published(2), Published(organization="acme", user="alice", channel=CALLS, seq=0, data={"n": 3})]
    assert faults(check(events, [])) == [(Fault.POSITION, 0)]


def test_the_report_counts_and_shows() -> None:
    events = published(30)
    text = report(check(events, [client([])]))
    assert text.startswith("30 lost\n")
    assert "lost: c1 acme/alice/v2/me/calls seq 1" in text
    assert text.endswith("… and 10 more")
    assert report([]) == "no faults"


def test_a_history_that_nobody_verified_is_an_error() -> None:
    with pytest.raises(UncheckedHistoryError, match="never verified"), recorded_history() as history:
        history.publish(*published(1))


def test_a_history_without_events_or_clients_proves_nothing() -> None:
    history = History()
    history.follow(lambda: client([]))
    with pytest.raises(AssertionError, match="nothing was published"):
        history.verify()
    history = History()
    history.publish(*published(1))
    with pytest.raises(AssertionError, match="no client took part"):
        history.verify()


def test_a_failed_verification_carries_the_report() -> None:
    with recorded_history() as history:
        history.publish(*published(1))
        history.follow(lambda: client([]))
        with pytest.raises(AssertionError, match="lost: c1 acme/alice/v2/me/calls seq 1"):
            history.verify()
        assert history.heads() == {Stream("acme", "alice", CALLS): 1}


def test_what_the_hub_says_of_itself_is_due_to_everybody_who_may_hear_it() -> None:
    ingested = published(3, user="", channel=USERS)
    first, own, last = [
        ingested[0],
        Published(organization="acme", user="", channel=USERS, seq=2, data={"messageType": "UserStateChangeMessage"}),
        msgspec.structs.replace(ingested[2], seq=3),
    ]
    later = received(own, seq=4)

    def seen(*logs: Sequence[Received]) -> list[tuple[Fault, int | None]]:
        history = History()
        history.publish(first, last)
        for log in logs:
            history.follow(lambda log=log: client(log, since={USERS: 0}, roles=frozenset({"ROLE_ADMIN"})))  # type: ignore[misc]
        return faults(history.findings())

    whole = [received(each) for each in (first, own, last)]
    assert seen(whole, [*whole, later]) == []
    assert seen(whole, [whole[0], whole[2]]) == [(Fault.LOST, 2)]
    other = received(own, data={**own.data, "connected": True})
    assert (Fault.ALTERED, 2) in seen(whole, [whole[0], other, whole[2]])
    assert seen([whole[0], whole[2]]) == [(Fault.POSITION, 2)]
