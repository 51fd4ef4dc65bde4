"""What holds whatever happens, in whatever order."""

import math
from collections import Counter
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.bayeux import commands as do
from hub.bayeux import events as on
from hub.bayeux.advice import Terms
from hub.bayeux.engine import Engine, SessionState
from hub.bayeux.states import State
from tests.bayeux.situations import (
    CALLS,
    UNKNOWN,
    connect,
    disconnect,
    handshake,
    message,
    publish,
    subscribe,
    unsubscribe,
)
from tests.support.playbook import Origin, decoded, request, socket, wire

NAMES = [CALLS, "/chat/*", [CALLS, "/chat/a"], "/service/x", "no name", [], 7, ["/a", 7]]
MESSAGES: list[dict[str, Any]] = [
    handshake(),
    handshake(supportedConnectionTypes=["smoke-signals"]),
    handshake(ext={"replay": True}),
    connect(),
    connect(advice={"timeout": 0}),
    connect(advice={"timeout": 3000, "interval": -5}),
    connect(advice="soon"),
    disconnect(),
    *[subscribe(name) for name in NAMES],
    *[unsubscribe(name) for name in NAMES],
    subscribe(CALLS, ext={"replay": {CALLS: -2}}),
    subscribe(CALLS, ext={"replay": {CALLS: "x"}}),
    publish("/chat/a", data={}),
    publish("/chat/a"),
    publish("/chat/*", data={}),
    publish("/service/x", data=1),
    message("/meta/gossip"),
    message("no channel"),
    {"clientId": "c1"},
]
HOPELESS = [handshake({}), connect([]), publish("/chat/a", True, data={})]
"""Their ids cannot be echoed, so only their number can be checked."""

SOCKETS = (0, 1)
WHERE = st.sampled_from([*SOCKETS, "http"])
STEP = st.one_of(
    st.tuples(st.just("say"), WHERE, st.lists(st.sampled_from(MESSAGES + HOPELESS), min_size=1, max_size=4)),
    st.tuples(st.just("answer"), st.booleans()),
    st.tuples(st.just("lose"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 10.0, 24.0, 59.0, 61.0])),
    st.tuples(st.just("wake")),
    st.tuples(
        st.just("happen"),
        st.sampled_from(
            [on.Deliverable(), on.Written(), on.Woken(), on.Revoked("403::session_kicked"), on.Outrun(), on.Leaving(7)]
        ),
    ),
)
BEGINNING: list[Any] = [("say", 0, [handshake()]), ("answer", True), ("say", 0, [connect()])]
TERMS = st.builds(
    Terms, epoch=st.just("e"), timeout=st.sampled_from([0, 1000, 25_000]), max_interval=st.sampled_from([0, 60_000])
)


class Conversation:
    """Drives an engine, and looks at everything that comes out of it."""

    def __init__(self, terms: Terms) -> None:
        self.engine = Engine(SessionState("c1"), terms)
        self.now = 1000.0
        self.sockets = [socket("0"), socket("1")]
        self.origins: list[Origin] = list(self.sockets)
        self.question: do.Question | None = None
        self.asked: list[tuple[Origin, str]] = []
        self.anonymous: Counter[Origin] = Counter()
        self.answers: Counter[int] = Counter()
        self.order: list[int] = []
        self.excused: set[int] = set()
        self.lost: set[Origin] = set()
        self.opened = self.ended = 0

    # What happens -----------------------------------------------------------------------------------------------

    def step(self, kind: str, *details: Any) -> None:
        match kind, details:
            case "say", (where, messages):
                self.say(self.sockets[where] if where in SOCKETS else self.fresh(), messages)
            case "answer", (positive,):
                self.answer(positive=positive)
            case "lose", (which,):
                self.lose(self.origins[which % len(self.origins)])
            case "wait", (seconds,):
                self.now += seconds
            case "wake", ():
                if math.isfinite(self.engine.deadline):
                    self.now = max(self.now, self.engine.deadline)
                self.wake()
            case "happen", (event,):
                self.feed(event)
            case _:
                raise AssertionError(f"no such step: {kind}")

    def fresh(self) -> Origin:
        self.origins.append(request(str(len(self.origins))))
        return self.origins[-1]

    def say(self, origin: Origin, messages: list[dict[str, Any]]) -> None:
        for each in messages:
            number = len(self.asked)
            numbered = each if each in HOPELESS else {**each, "id": number}
            self.asked.append((origin, str(each.get("channel"))))
            if each in HOPELESS:
                self.anonymous[origin] += 1
                self.excused.add(number)
            received = on.Received(decoded(numbered), origin, origin.pushes, alone=len(messages) == 1)
            self.feed(received)

    def answer(self, *, positive: bool) -> None:
        question, self.question = self.question, None
        match question:
            case None:
                return
            case _ if not positive:
                self.feed(on.Refused("403::no"))
            case do.Authenticate():
                self.feed(on.Authenticated(self.now + 300))
            case do.Authorize(names=names):
                self.feed(on.Granted({name: (name,) for name in names}))
            case do.Attach(targets=targets):
                self.feed(on.Attached(dict.fromkeys(targets, 1), targets[:1]))
            case do.Publish() | do.Call():
                self.feed(on.Accepted())

    def lose(self, origin: Origin) -> None:
        for number, (asker, channel) in enumerate(self.asked):
            if asker is origin and channel == "/meta/connect":
                self.excused.add(number)
        self.lost.add(origin)
        self.feed(on.Lost(origin))
        if origin in self.sockets:
            self.sockets[self.sockets.index(origin)] = socket(origin.name)
            self.origins += self.sockets

    def wake(self) -> None:
        """Nothing stays overdue: a wake-up does something or was early, and few of them are enough."""
        for _ in range(3):
            worked = self.feed(on.Woken())
            if self.engine.deadline > self.now:
                return
            assert worked, "overdue, and nothing was done"
        raise AssertionError("always overdue")

    # What comes of it -------------------------------------------------------------------------------------------

    def feed(self, event: on.Event) -> list[do.Command]:
        over = self.engine.state.state in (State.DISCONNECTED, State.EXPIRED)
        commands = self.engine.handle(event, self.now)
        for command in commands:
            match command:
                case do.Answered():
                    self.check(command, over=over)
                case do.Ended():
                    self.ended += 1
                    over = True
                case do.Opened():
                    self.opened += 1
                case do.Authenticate() | do.Authorize() | do.Attach() | do.Publish():
                    assert self.question is None, "one question at a time"
                    assert not over
                    self.question = command
                case _:
                    assert not over, f"{command} after the end"
        state = self.engine.state.state
        assert (state in (State.DISCONNECTED, State.EXPIRED)) == bool(self.ended)
        assert math.isinf(self.engine.deadline) == bool(self.ended)
        return commands

    def check(self, answered: do.Answered, *, over: bool) -> None:
        first, *rest = [wire(reply) for reply in answered.replies]
        assert rest in ([], [{"channel": "/meta/disconnect", "successful": True}])
        assert "data" not in first
        assert first["successful"] == ("error" not in first)
        if over:
            assert first["error"] == UNKNOWN
        if answered.takes_events or answered.displaced:
            assert first["channel"] == "/meta/connect"
        if advice := first.get("advice"):
            assert advice.keys() == {"reconnect", "interval", "timeout", "maxInterval"}
            assert first["channel"] in ("/meta/connect", "/meta/handshake")
            assert advice["reconnect"] != "handshake" or not first["successful"]
        self.count(answered.origin, first)

    def count(self, origin: Origin, reply: dict[str, Any]) -> None:
        if "id" not in reply:
            self.anonymous[origin] -= 1
            return
        asker, channel = self.asked[reply["id"]]
        assert asker is origin
        assert reply["channel"] == ("" if channel == "None" else channel)
        self.answers[reply["id"]] += 1
        if channel != "/meta/connect":
            self.order.append(reply["id"])

    def close(self) -> None:
        """Let time go by until nothing can happen any more, then count."""
        while self.question is not None:
            self.answer(positive=True)
        if self.engine.state.state is not State.NEW or self.asked:
            for _ in range(20):
                if math.isinf(self.engine.deadline):
                    break
                self.now = max(self.now, self.engine.deadline)
                self.wake()
            assert math.isinf(self.engine.deadline)
            assert self.ended == 1
        assert self.opened <= 1
        assert self.order == sorted(self.order), "answers leave in the order of the requests"
        assert max(self.answers.values(), default=1) == 1
        assert set(range(len(self.asked))) - set(self.answers) <= self.excused
        assert all(count == 0 for origin, count in self.anonymous.items() if origin not in self.lost)


@settings(max_examples=500, deadline=None)
@given(terms=TERMS, steps=st.lists(STEP, max_size=30), begun=st.booleans())
@example(terms=Terms(epoch="e"), steps=[("say", "http", [connect()]), ("lose", 2), ("wake",)], begun=True)
def test_every_message_gets_one_answer_and_the_end_is_the_end(terms: Terms, steps: list[Any], begun: bool) -> None:
    conversation = Conversation(terms)
    for step in [*(BEGINNING if begun else []), *steps]:
        conversation.step(*step)
    conversation.close()


def test_the_conversation_notices_a_missing_answer() -> None:
    conversation = Conversation(Terms(epoch="e"))
    for step in [*BEGINNING, ("say", 0, [publish("/chat/a", data={})])]:
        conversation.step(*step)
    conversation.engine._asked = None
    conversation.question = None
    try:
        conversation.close()
    except AssertionError:
        return
    raise AssertionError("it did not")
