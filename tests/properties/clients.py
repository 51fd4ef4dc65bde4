"""Clients that hold the hub to its word, one for each kind of promise.

    plain     order is kept, nothing comes twice, and something is missing only after a connection died
    ack       nothing is missing and nothing repeated while the session lives
    replay    by position nothing is missing over any number of sessions, or the hub says that there is a gap
    both      the two together

They behave as the field's clients do: one connect at a time; an answer to a request that was given up is not looked
at; 402 means a new handshake; positions that are known are ignored when they come again.
"""

from enum import Enum
from itertools import count
from typing import Any

from channels.envelope import Stream
from tests.properties.truth import Truth
from tests.properties.wires import Cable, Exchange, Message
from tests.realtime.world import CALLS, World, mine, ours

CHAT, WALLS = "/chat/**", "/walls/**"
STUBBORN = 50.0  # seconds for which a client sends a publish again


class Kind(Enum):
    """What a client asks for in its handshake."""

    PLAIN = (False, False)
    ACK = (True, False)
    REPLAY = (False, True)
    BOTH = (True, True)

    @property
    def ack(self) -> bool:
        return self.value[0]

    @property
    def replay(self) -> bool:
        return self.value[1]


class Client:
    """One client of one user. `act` makes it do what is next; `hear` judges what it is told."""

    def __init__(self, truth: Truth, world: World, user: str, kind: Kind, *, socket: bool, everything: bool) -> None:
        self.truth, self.world, self.user, self.kind = truth, world, user, kind
        self.socket = socket
        self.everything = everything
        """Whether it wants all that is kept when it comes for the first time."""
        self.token = world.token(user, ttl=10_000_000)
        self.cable: Cable | None = None
        self.exchanges: list[Exchange] = []
        self.pending: dict[str, Message] = {}
        self.client_id = ""
        self.epoch: str | None = None
        self.subscribed = False
        self.batch = 0
        self.positions: dict[str, int] = {}
        self.adopted: set[str] = set()
        """Channels that it heard nothing of since it took their position from an answer. What had been queued for an
        earlier subscribe, of which the answer was lost, may still come."""
        self.mapped = False
        """Whether a subscribe was ever answered, so that channels it does not know are new ones."""
        self.last: dict[Stream, int] = {}
        self.latest: dict[Stream, int] = {}
        self.excused: set[Stream] = set()
        self.floors: dict[str, dict[Stream, int]] = {}
        self.subscribing: set[str] = set()
        self.publishing: Message | None = None
        self.publishing_since = 0.0
        self.confirmed: list[int] = []
        self.gaps = 0
        self._ids = count(1)

    def __repr__(self) -> str:
        return f"<{self.user} {self.kind.name} {'socket' if self.socket else 'polling'}>"

    # What it says -----------------------------------------------------------------------------------------------

    def act(self) -> None:
        """Do what is next, if it is not being done."""
        doing = {message["channel"] for message in self.pending.values()}
        if not self.client_id:
            if not doing:
                self._say("/meta/handshake", version="1.0", ext={"ack": self.kind.ack, "replay": self.kind.replay})
        elif not self.subscribed:
            if "/meta/subscribe" not in doing:
                self._subscribe()
        elif "/meta/connect" not in doing:
            self._say("/meta/connect", connectionType="any", ext={"ack": self.batch} if self.kind.ack else {})

    def _subscribe(self) -> None:
        since = self.positions or ({CALLS: -2} if self.everything else {})
        ext = {"replay": since, "replayEpoch": self.epoch} if self.kind.replay else {}
        self._say("/meta/subscribe", subscription=[CALLS, WALLS, CHAT], ext=ext)

    def publish(self, number: int) -> None:
        """Say something to everybody, unless the last word has not been answered."""
        if self.client_id and self.publishing is None:
            self.publishing = self._message("/walls/a", data={"n": number})
            self.publishing_since = self.world.clock.monotonic()
            self._send(self.publishing)

    def _say(self, channel: str, **fields: Any) -> None:
        self._send(self._message(channel, **fields))

    def _message(self, channel: str, **fields: Any) -> Message:
        who = {"clientId": self.client_id} if self.client_id else {}
        return {"id": str(next(self._ids)), "channel": channel, **who, **fields}

    def _send(self, message: Message) -> None:
        self.pending[message["id"]] = message
        if self.socket:
            self.cable = self.cable or Cable(self.world, self.token)
            self.cable.up.append([message])
        else:
            self.exchanges.append(Exchange(self.world, self.token, [message]))

    # What happens to its connections ----------------------------------------------------------------------------

    def fail(self) -> None:
        """All connections are dead, whatever was in them. It goes on with new ones."""
        self.pending.clear()
        for exchange in self.exchanges:
            exchange.cut = True
        if self.cable is not None:
            self.cable.cut, self.cable = True, None
        self.excused = {*self.truth.streams()}
        self.subscribed = self.subscribed and (self.kind.ack or not self.kind.replay)
        old = self.world.clock.monotonic() - self.publishing_since > STUBBORN
        if self.publishing is not None and not old:
            self._send(self.publishing)
        else:
            self.publishing = None

    def told(self, exchange: Exchange) -> None:
        """A response has arrived."""
        self.exchanges.remove(exchange)
        [message] = exchange.messages
        request = exchange.request
        assert request is not None
        if exchange.cut or message["id"] not in self.pending:
            return
        if request.displaced:
            self.fail()
        else:
            self.hear(request.heard)

    def hear(self, messages: list[Message]) -> None:
        """A frame or a response; an empty one stands for the end of the connection."""
        if not messages:
            self.fail()
        for message in messages:
            if "successful" in message:
                self._answered(message)
            else:
                self._event(message)

    # Answers ----------------------------------------------------------------------------------------------------

    def _answered(self, reply: Message) -> None:
        request = self.pending.pop(reply.get("id", ""), None)
        if request is None:
            return
        assert reply["channel"] == request["channel"]
        if not reply["successful"]:
            assert reply["error"] == "402::session_unknown", reply
            if request.get("clientId") == self.client_id:
                self._begin_anew()
            return
        match reply["channel"]:
            case "/meta/handshake":
                self.client_id, self.epoch = (
                    reply["clientId"],
                    reply["ext"]["replayEpoch"] if self.kind.replay else None,
                )
            case "/meta/subscribe":
                self.subscribed = True
                self._begins(request, reply)
            case "/meta/connect":
                self._connected(reply)
            case _:
                self.confirmed.append(request["data"]["n"])
                self.publishing = None

    def _begin_anew(self) -> None:
        self.client_id, self.subscribed, self.batch, self.publishing = "", False, 0, None
        self.last.clear()
        self.latest.clear()

    def _begins(self, request: Message, reply: Message) -> None:
        if not self.kind.replay:
            return
        asked = request["ext"]["replay"]
        begins = dict(reply["ext"]["replay"])
        for channel in begins.pop("gap", []):
            known = asked.get(channel, 0)
            assert known < self.truth.gone(self._stream(channel)), f"no gap on {channel} after {known}"
            self.positions[channel] = begins[channel]
            self.gaps += 1
        for channel, position in begins.items():
            if channel not in asked and channel not in self.positions and (not asked or channel == CALLS):
                self.positions[channel] = position
                self.adopted.add(channel)
        self.mapped = True

    def _connected(self, reply: Message) -> None:
        ext = reply.get("ext", {})
        if self.kind.ack:
            assert ext["ack"] > self.batch
            self.batch = ext["ack"]
        for channel, position in ext.get("replay", {}).items():
            assert self.kind.replay
            assert position <= self.positions.get(channel, 0), f"told {position} on {channel}, heard less"

    # Events -----------------------------------------------------------------------------------------------------

    def _stream(self, channel: str) -> Stream:
        return mine(channel, self.user) if channel.startswith("/v2/me") else ours(channel)

    def _event(self, event: Message) -> None:
        assert event.keys() <= {"channel", "data", "ext"}
        stream, number = self._stream(event["channel"]), event["data"]["n"]
        position = self.truth.position(stream, number)
        if position == 0:
            assert number > self.latest.get(stream, 0), "ephemeral events in their order, each once"
            self.latest[stream] = number
        elif self.kind.replay:
            assert event["ext"]["replay"] == position
            self._replayed(event["channel"], stream, position)
        else:
            assert "ext" not in event
            self._counted(stream, position)

    def _replayed(self, channel: str, stream: Stream, position: int) -> None:
        known = self.positions.get(channel, 0 if self.mapped and channel != CALLS else None)
        if known is None:
            assert position <= max(self._floor(stream), self.truth.gone(stream)) + 1, "lost before the first"
        elif position <= known:
            assert not self.kind.ack or channel in self.adopted, "repeated although acknowledged"
            return
        else:
            assert position == known + 1, f"lost: {channel} goes on with {position} after {known}"
        self.positions[channel] = position
        self.adopted.discard(channel)

    def _counted(self, stream: Stream, position: int) -> None:
        known = self.last.get(stream)
        expected = self._floor(stream) + 1 if known is None else known + 1
        if known is not None:
            assert position >= expected, f"repeated or out of order: {position} after {known}"
        if position > expected:
            assert not self.kind.ack, f"lost: {position} after {known}"
            assert stream in self.excused, f"lost without a reason: {position} after {known}"
        self.excused.discard(stream)
        self.last[stream] = position

    def _floor(self, stream: Stream) -> int:
        return self.floors.get(self.client_id, {}).get(stream, 0)

    def arrived(self, messages: list[Message]) -> None:
        """A message of this client has reached the hub."""
        self.subscribing |= {each["clientId"] for each in messages if each["channel"] == "/meta/subscribe"}

    def settled(self) -> None:
        """The hub has done what it was told: from its first subscribe on, a session hears everything."""
        for client_id in self.subscribing:
            self.floors.setdefault(client_id, {stream: self.truth.head(stream) for stream in self.truth.streams()})
        self.subscribing.clear()

    def is_complete(self) -> None:
        """Assert that everything has arrived that ever will."""
        for stream in self.truth.streams():
            if stream.user in ("", self.user):
                if self.kind.replay:
                    assert self.positions.get(stream.channel, 0) == self.truth.head(stream), (
                        f"lost at the end: {stream}"
                    )
                elif self.kind.ack:
                    assert self.last.get(stream, self._floor(stream)) >= self.truth.head(stream), f"lost: {stream}"
        assert all(self.truth.count(number) == 1 for number in self.confirmed)
