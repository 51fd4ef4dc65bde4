from typing import Any

import pytest

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from tests.bayeux.situations import (
    CALLS,
    DEVICES,
    attach,
    connect,
    connected,
    failed,
    handshaken,
    holding,
    ok,
    subscribe,
    subscribed,
    unsubscribe,
)
from tests.support.playbook import Begin, Playbook, answered, request, socket

POLL = request("poll")
DENIED = "403:denied_by_security_policy:subscribe_denied"
TOO_MANY = "403:too_many_subscriptions:subscribe_denied"


# Subscribe ----------------------------------------------------------------------------------------------------------


def test_one_name(begin: Begin) -> None:
    asked = subscribe(CALLS)
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS))
    book.tell(on.Attached({CALLS: 7})).expect(answered(POLL, ok(asked, subscription=CALLS))).done()
    assert book.engine.state.subscriptions == {CALLS: (CALLS,)}


def test_before_the_first_connect(begin: Begin) -> None:
    book = subscribed(handshaken(begin, POLL), POLL, CALLS)
    book.done()
    assert book.engine.state.subscriptions == {CALLS: (CALLS,)}


def test_several_at_once_in_one_question(begin: Begin) -> None:
    names = ["/v2/me/*", CALLS, "/v2/me/*", DEVICES]
    asked = subscribe(names)
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize(("/v2/me/*", CALLS, DEVICES)))
    granted = {"/v2/me/*": (CALLS, DEVICES), CALLS: (CALLS,), DEVICES: (DEVICES,)}
    book.tell(on.Granted(granted)).expect(attach(CALLS, DEVICES))
    book.tell(on.Attached({})).expect(answered(POLL, ok(asked, subscription=names))).done()
    assert book.engine.state.subscriptions == granted


def test_an_array_of_one_is_echoed_as_an_array(begin: Begin) -> None:
    asked = subscribe([CALLS])
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS))
    book.tell(on.Attached({})).expect(answered(POLL, ok(asked, subscription=[CALLS]))).done()


def test_again(begin: Begin) -> None:
    book = subscribed(connected(begin, POLL), POLL, CALLS)
    subscribed(book, POLL, CALLS).done()
    assert book.engine.state.subscriptions == {CALLS: (CALLS,)}


@pytest.mark.parametrize("error", [DENIED, "403:channel_unknown:subscribe_denied"])
def test_one_refused_name_refuses_them_all(begin: Begin, error: str) -> None:
    names = [CALLS, "/v2/users"]
    asked = subscribe(names)
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize((CALLS, "/v2/users")))
    book.tell(on.Refused(error)).expect(answered(POLL, failed(asked, error, subscription=names))).done()
    assert book.engine.state.subscriptions == {}


def test_refused_only_when_the_log_was_asked(begin: Begin) -> None:
    asked = subscribe(CALLS)
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS)).tell(on.Refused("500::internal_error"))
    book.expect(answered(POLL, failed(asked, "500::internal_error", subscription=CALLS))).done()
    assert book.engine.state.subscriptions == {}


@pytest.mark.parametrize("fields", [{}, {"subscription": None}])
def test_without_a_subscription(begin: Begin, fields: dict[str, Any]) -> None:
    asked = {"channel": "/meta/subscribe", "clientId": "c1", "id": "s", **fields}
    book = connected(begin, POLL).say(POLL, asked)
    book.expect(answered(POLL, failed(asked, "403::subscription_missing"))).done()


@pytest.mark.parametrize("empty", ["", []], ids=repr)
def test_an_empty_subscription(begin: Begin, empty: Any) -> None:
    book = connected(begin, POLL).say(POLL, subscribe(empty))
    book.expect(answered(POLL, failed(subscribe(empty), "403::subscription_missing", subscription=empty))).done()


@pytest.mark.parametrize("name", ["a", "/", "//", "/a//b", "/a/", "/*/a", "/a/**/b", "/a*", "/a\n", "/" + "x" * 256])
@pytest.mark.parametrize("wrap", [str, lambda name: [CALLS, name]], ids=["string", "array"])
def test_invalid_names(begin: Begin, name: str, wrap: Any) -> None:
    asked = subscribe(wrap(name))
    book = connected(begin, POLL).say(POLL, asked)
    reply = failed(asked, "403::subscription_invalid", subscription=wrap(name))
    book.expect(answered(POLL, reply)).done()
    assert book.engine.state.subscriptions == {}


@pytest.mark.parametrize(
    "odd", [7, True, {}, {"a": 1}, [None], [CALLS, 7], [[CALLS]], 10**400], ids=lambda o: str(o)[:9]
)
def test_what_is_no_name_is_not_echoed(begin: Begin, odd: Any) -> None:
    book = connected(begin, POLL).say(POLL, subscribe(odd))
    book.expect(answered(POLL, failed(subscribe(odd), "403::subscription_invalid"))).done()


@pytest.mark.parametrize("subscription", ["/service/x", "/service/**", ["/service/a", "/service/b/c"]], ids=str)
def test_service_channels_are_nothing_to_hear(begin: Begin, subscription: Any) -> None:
    asked = subscribe(subscription)
    book = connected(begin, POLL).say(POLL, asked)
    book.expect(answered(POLL, ok(asked, subscription=subscription))).done()
    assert book.engine.state.subscriptions == {}


def test_service_channels_among_others(begin: Begin) -> None:
    asked = subscribe(["/service/x", CALLS])
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS))
    book.tell(on.Attached({})).expect(answered(POLL, ok(asked, subscription=["/service/x", CALLS]))).done()
    assert book.engine.state.subscriptions == {CALLS: (CALLS,)}


# How many -----------------------------------------------------------------------------------------------------------


def full(begin: Begin, count: int = 100) -> Playbook:
    names = tuple(f"/chat/{n:03}" for n in range(count))
    asked = subscribe(list(names))
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize(names))
    book.tell(on.Granted({name: (name,) for name in names})).expect(attach(*names))
    return book.tell(on.Attached({})).expect(answered(POLL, ok(asked, subscription=list(names))))


def test_a_hundred_and_no_more(begin: Begin) -> None:
    book, asked = full(begin), subscribe(CALLS)
    book.say(POLL, asked).expect(answered(POLL, failed(asked, TOO_MANY, subscription=CALLS))).done()
    assert len(book.engine.state.subscriptions) == 100


def test_a_hundred_may_be_repeated_and_exchanged(begin: Begin) -> None:
    book = subscribed(full(begin), POLL, "/chat/007")
    gone = unsubscribe("/chat/008")
    book.say(POLL, gone).expect(do.Detach(("/chat/008",)), answered(POLL, ok(gone, subscription="/chat/008")))
    subscribed(book, POLL, CALLS).done()
    assert len(book.engine.state.subscriptions) == 100


def test_more_than_a_hundred_at_once(begin: Begin) -> None:
    names = [f"/chat/{n}" for n in range(101)]
    asked = subscribe(names)
    book = connected(begin, POLL).say(POLL, asked)
    book.expect(answered(POLL, failed(asked, TOO_MANY, subscription=names))).done()


def test_repeats_and_service_channels_do_not_count(begin: Begin) -> None:
    asked = subscribe(["/chat/000", "/service/x", CALLS, CALLS])
    book = full(begin, 99).say(POLL, asked).expect(do.Authorize(("/chat/000", CALLS)))
    book.tell(on.Granted({"/chat/000": ("/chat/000",), CALLS: (CALLS,)})).expect(attach("/chat/000", CALLS))
    book.tell(on.Attached({})).expect(answered(POLL, ok(asked, subscription=asked["subscription"]))).done()


def test_the_limit_is_the_operators(begin: Begin) -> None:
    book = subscribed(connected(begin, POLL, terms=Terms(epoch="k7f3", max_subscriptions=1)), POLL, CALLS)
    book.say(POLL, subscribe(DEVICES))
    book.expect(answered(POLL, failed(subscribe(DEVICES), TOO_MANY, subscription=DEVICES))).done()


# Positions ----------------------------------------------------------------------------------------------------------


def replaying(begin: Begin, ext: dict[str, Any], *expected: do.Attach) -> Playbook:
    """A session with the replay extension that subscribes to calls; up to the question for the log."""
    link = POLL
    book = connected(begin, link, replay=True).say(link, subscribe(CALLS, ext=ext)).expect(do.Authorize((CALLS,)))
    return book.tell(on.Granted({CALLS: (CALLS,)})).expect(*expected)


REPLAYED = {"replay": {CALLS: 57}}


@pytest.mark.parametrize("position", [-2, 0, 41, 2**53 - 1])
def test_positions_are_passed_on(begin: Begin, position: int) -> None:
    ext = {"replay": {CALLS: position, "/of/others": 3}, "replayEpoch": "k7f3"}
    book = replaying(begin, ext, attach(CALLS, since={CALLS: position, "/of/others": 3}, epoch="k7f3"))
    reply = ok(subscribe(CALLS), subscription=CALLS, ext={"replay": {CALLS: 57}})
    book.tell(on.Attached({CALLS: 57})).expect(answered(POLL, reply)).done()


def test_from_now_is_said_too_since_under_a_pattern_it_is_not_the_same_as_no_entry(begin: Begin) -> None:
    ext = {"replay": {CALLS: -1, "/chat/a": -1}}
    replaying(begin, ext, attach(CALLS, since={CALLS: -1, "/chat/a": -1})).done()


@pytest.mark.parametrize("ext", [{}, {"replay": None}, {"other": {}}])
def test_without_a_map(begin: Begin, ext: dict[str, Any]) -> None:
    replaying(begin, ext, do.Attach((CALLS,), {}, None, replaying=False)).done()


def test_an_empty_map_asks_for_nothing_old(begin: Begin) -> None:
    replaying(begin, {"replay": {}}, do.Attach((CALLS,), {}, None, replaying=False)).done()


def test_another_epoch_is_for_the_log_to_judge(begin: Begin) -> None:
    ext = {"replay": {CALLS: 41}, "replayEpoch": "old"}
    book = replaying(begin, ext, attach(CALLS, since={CALLS: 41}, epoch="old"))
    reply = ok(subscribe(CALLS), subscription=CALLS, ext={"replay": {CALLS: 3, "gap": [CALLS]}})
    book.tell(on.Attached({CALLS: 3}, gaps=(CALLS,))).expect(answered(POLL, reply)).done()


@pytest.mark.parametrize(
    "ext",
    [
        {"replay": {CALLS: -3}},
        {"replay": {CALLS: 2**53}},
        {"replay": {CALLS: 10**30}},
        {"replay": {CALLS: 1.5}},
        {"replay": {CALLS: 41.0}},
        {"replay": {CALLS: "41"}},
        {"replay": {CALLS: True}},
        {"replay": {CALLS: None}},
        {"replay": {CALLS: 1, DEVICES: "x"}},
        {"replay": [CALLS]},
        {"replay": 41},
        {"replay": True},
        {"replay": {CALLS: 1}, "replayEpoch": 7},
    ],
    ids=str,
)
def test_invalid_positions(begin: Begin, ext: dict[str, Any]) -> None:
    book = connected(begin, POLL, replay=True).say(POLL, subscribe(CALLS, ext=ext))
    book.expect(answered(POLL, failed(subscribe(CALLS), "400::replay_invalid", subscription=CALLS))).done()
    assert book.engine.state.subscriptions == {}


def test_a_held_poll_takes_none_of_what_is_asked_for_by_another(begin: Begin) -> None:
    """The client may have given it up, and what it took along would be lost."""
    first, second = request("1"), request("2")
    asked = subscribe(CALLS, ext={"replay": {CALLS: 41}})
    book = holding(begin, first, replay=True).say(second, asked).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(answered(first, ok(connect("3"))), attach(CALLS, since={CALLS: 41}))
    book.tell(on.Attached({CALLS: 57})).expect(answered(second, ok(asked, subscription=CALLS, ext=REPLAYED))).done()
    assert book.engine.held is None


def test_a_socket_takes_none_of_what_is_asked_for_by_a_poll(begin: Begin) -> None:
    first, second = socket("1"), request("2")
    asked = subscribe(CALLS, ext={"replay": {CALLS: 41}})
    book = connected(begin, first, replay=True).say(second, asked).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(do.Deliver(push=False), attach(CALLS, since={CALLS: 41}))
    book.tell(on.Attached({CALLS: 57})).expect(answered(second, ok(asked, subscription=CALLS, ext=REPLAYED))).done()


def test_without_replay_a_held_poll_stays_held(begin: Begin) -> None:
    first, second = request("1"), request("2")
    book = holding(begin, first).say(second, subscribe(CALLS)).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS))
    book.tell(on.Attached({CALLS: 5})).expect(answered(second, ok(subscribe(CALLS), subscription=CALLS))).done()
    assert book.engine.held is not None


@pytest.mark.parametrize("positions", [{CALLS: 41}, {CALLS: "nonsense"}, 7], ids=str)
def test_positions_mean_nothing_unless_replay_was_agreed_on(begin: Begin, positions: Any) -> None:
    asked = subscribe(CALLS, ext={"replay": positions})
    book = connected(begin, POLL).say(POLL, asked).expect(do.Authorize((CALLS,)))
    book.tell(on.Granted({CALLS: (CALLS,)})).expect(attach(CALLS))
    book.tell(on.Attached({CALLS: 5})).expect(answered(POLL, ok(asked, subscription=CALLS))).done()


# Unsubscribe --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subscription", [CALLS, [CALLS]], ids=str)
def test_unsubscribe(begin: Begin, subscription: Any) -> None:
    book, asked = subscribed(connected(begin, POLL), POLL, CALLS), unsubscribe(subscription)
    book.say(POLL, asked).expect(do.Detach((CALLS,)), answered(POLL, ok(asked, subscription=subscription)))
    book.say(POLL, asked).expect(answered(POLL, ok(asked, subscription=subscription))).done()
    assert book.engine.state.subscriptions == {}


@pytest.mark.parametrize("subscription", ["/never", ["/never", "/either"], "/service/x", "/a/**"], ids=str)
def test_unsubscribe_from_what_was_never_subscribed(begin: Begin, subscription: Any) -> None:
    book, asked = subscribed(connected(begin, POLL), POLL, CALLS), unsubscribe(subscription)
    book.say(POLL, asked).expect(answered(POLL, ok(asked, subscription=subscription))).done()
    assert book.engine.state.subscriptions == {CALLS: (CALLS,)}


@pytest.mark.parametrize("first", [CALLS, "/v2/me/*"])
def test_a_target_stays_while_another_subscription_stands_for_it(begin: Begin, first: str) -> None:
    book = subscribed(connected(begin, POLL), POLL, CALLS)
    book = subscribed(book, POLL, "/v2/me/*", CALLS, DEVICES)
    second = "/v2/me/*" if first == CALLS else CALLS
    left = {CALLS} if second == CALLS else {CALLS, DEVICES}
    at_once = [do.Detach((DEVICES,))] if first == "/v2/me/*" else []
    asked, later = unsubscribe(first), unsubscribe(second)
    book.say(POLL, asked).expect(*at_once, answered(POLL, ok(asked, subscription=first)))
    book.say(POLL, later).expect(do.Detach(tuple(sorted(left))), answered(POLL, ok(later, subscription=second))).done()


def test_unsubscribe_several_at_once_in_one_command(begin: Begin) -> None:
    book = subscribed(connected(begin, POLL), POLL, CALLS)
    book = subscribed(book, POLL, DEVICES)
    asked = unsubscribe([DEVICES, "/never", CALLS])
    reply = answered(POLL, ok(asked, subscription=[DEVICES, "/never", CALLS]))
    book.say(POLL, asked).expect(do.Detach((CALLS, DEVICES)), reply).done()


@pytest.mark.parametrize(
    ("subscription", "error"),
    [
        ([], "403::subscription_missing"),
        ("/a//b", "403::subscription_invalid"),
        ([CALLS, "x"], "403::subscription_invalid"),
    ],
    ids=str,
)
def test_unsubscribe_from_nothing_sound(begin: Begin, subscription: Any, error: str) -> None:
    book, asked = subscribed(connected(begin, POLL), POLL, CALLS), unsubscribe(subscription)
    book.say(POLL, asked).expect(answered(POLL, failed(asked, error, subscription=subscription))).done()
    assert book.engine.state.subscriptions == {CALLS: (CALLS,)}


def test_on_a_socket_all_is_the_same(begin: Begin) -> None:
    link = socket()
    book, asked = subscribed(connected(begin, link, replay=True), link, CALLS), unsubscribe(CALLS)
    book.say(link, asked).expect(do.Detach((CALLS,)), answered(link, ok(asked, subscription=CALLS))).done()
