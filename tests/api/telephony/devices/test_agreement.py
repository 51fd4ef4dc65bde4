"""For everything that can become of an agent: the old snapshot and the events after it are the new snapshot."""

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from api.telephony.devices import actions
from api.telephony.devices.rules import DEFINITIONS, Phone
from channels.catalog import DEVICES, USERS
from hub.store import presence
from hub.store.transaction import Tx
from tests.api.telephony.devices.office import Office
from tests.api.telephony.picture import Board, Picture

Step = tuple[str, Callable[[], Awaitable[Any]]]

STATES = [*DEFINITIONS, "Lunch"]
DEVICE = "phone-1001"


class Scene:
    """Alice at her device 1001 and at 1003, which stands free; bob, who does nothing; sue, who watches."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def post(self, path: str, operation: str, **more: Any) -> Callable[[], Awaitable[Any]]:
        async def step() -> None:
            answer = await self.office.post("alice", path, operation, **more)
            assert answer["statusCode"] in {0, 7}, answer

        return step

    def do(self, action: Any, *more: Any, **named: Any) -> Callable[[], Awaitable[Any]]:
        office = self.office
        return lambda: office.write(lambda tx: action(tx, office.floor, "acme", *more, office.now, **named))

    def later(self, seconds: float) -> Callable[[], Awaitable[Any]]:
        async def step() -> None:
            self.office.world.clock.at += seconds

        return step

    def presence(self, *, connected: bool) -> Callable[[], Awaitable[Any]]:
        """What a node does when somebody has come, or has been away for the whole grace."""

        def write(tx: Tx) -> None:
            floor, now = self.office.floor, self.office.now
            if connected:
                presence.enter(tx, "node", now)
                presence.change(tx, "node", [("acme", "alice")], {})
            else:
                presence.beat(tx, "node", now)
                presence.change(tx, "node", [], {("acme", "alice"): now - 60})
                presence.gone(tx, now, 60, 10)
            actions.tell_presence(tx, "acme", "alice", now, floor=floor, connected=connected)

        return lambda: self.office.write(write)

    def steps(self) -> list[Step]:
        """A day, by the use case that each step stands for."""
        path, post = f"/me/devices/{DEVICE}", self.post
        new = Phone(organization="acme", id="phone-1009", number="1009", user="alice")
        start: dict[str, Any] = {"operation": "StartContactCenterSession", "channels": ["voice", "chat", "fax"]}
        return [
            ("tell_presence", self.presence(connected=True)),
            ("start", post("/me", **start)),
            *(("set_state", post("/me/channels/voice", state)) for state in STATES),
            ("set_state", post("/me/channels/chat", "Ready")),
            *(("set_state_at", post(path, state)) for state in STATES),
            *(("set_state", post("/me", state)) for state in STATES),
            ("set_do_not_disturb", post(path, "DoNotDisturbOn")),
            ("set_do_not_disturb", post(path, "DoNotDisturbOff")),
            ("set_forwarding", post(path, "ForwardCallsOn", destination={"phoneNumber": "1002"})),
            ("set_forwarding", post(path, "ForwardCallsOff")),
            ("set_state", post("/me", "Ready")),
            ("call_began", self.do(actions.call_began, DEVICE)),
            ("call_ended", self.do(actions.call_ended, DEVICE)),
            ("", self.later(20)),
            ("wrap_up_over", self.do(actions.wrap_up_over, "alice")),
            ("end", post("/me", "EndContactCenterSession")),
            ("set_do_not_disturb", post(path, "DoNotDisturbOn")),
            ("start", post("/me", "StartContactCenterSession", channels=["voice"], place="1003")),
            ("end", post("/me", "EndContactCenterSession")),
            ("add", lambda: self.office.write(lambda tx: actions.add(tx, self.office.floor, new, self.office.now))),
            ("remove", self.do(actions.remove, "phone-1009")),
            ("start", post("/me", "StartContactCenterSession", channels=["email"])),
            ("tell_presence", self.presence(connected=False)),
            ("start", post("/me", "StartContactCenterSession", channels=["voice"])),
            ("", self.leave),
            ("user_changed", self.do(actions.user_changed, "alice")),
        ]

    async def leave(self) -> None:
        adam = self.office.world.token("adam", "ROLE_ADMIN")
        await self.office.ask("adam", "POST", "/users/alice", {"operationName": "Disable"}, token=adam)

    async def snapshot(self, user: str) -> tuple[Any, int]:
        reply = await self.office.ask(user, "GET", "/me?subresources=*")
        return reply.json()["user"], json.loads(reply.headers["X-Event-Positions"])["positions"][DEVICES.pattern]

    async def board(self) -> tuple[Any, int]:
        sue = self.office.world.token("sue", "ROLE_SUPERVISOR")
        reply = await self.office.ask("sue", "GET", "/users?fields=*", token=sue)
        return reply.json()["users"], json.loads(reply.headers["X-Event-Positions"])["positions"][USERS.pattern]

    async def events(self, user: str, channel: str, after: int, to: int) -> list[Any]:
        """All of the stream in between, without a gap."""
        log = [(seq, json.loads(data)) for seq, data in await self.office.world.log(user, channel) if seq > after]
        assert [seq for seq, _ in log] == list(range(after + 1, to + 1))
        return [event for _, event in log]


async def test_a_day_of_changes_and_no_snapshot_ever_differs(office: Office) -> None:
    scene = Scene(office)
    await office.hire("alice", "1001", queues=("sales",))
    await office.hire("bob", "1002")
    await office.place("1003")
    people = {user: await scene.snapshot(user) for user in ("alice", "bob")}
    users, at = await scene.board()
    changes = 0
    for name, step in scene.steps():
        await step()
        for user, (before, position) in people.items():
            after, now = await scene.snapshot(user)
            picture = Picture(before)
            for event in await scene.events(user, DEVICES.pattern, position, now):
                picture.hear(event)
                changes += 1
            expected = {**after, "connected": before["connected"], "enabled": before["enabled"]}
            assert picture.user == expected, name
            people[user] = after, now
        board = Board(users)
        users, now = await scene.board()
        for event in await scene.events("", USERS.pattern, at, now):
            board.hear(event)
        at = now
        shown = {each["id"]: (each["userState"], each["connected"]) for each in users}
        assert {each["id"]: (each["userState"], each["connected"]) for each in board.users.values()} == shown, name
    assert changes > 25


async def test_no_use_case_is_left_out(office: Office) -> None:
    changing = {
        name
        for name, function in inspect.getmembers(actions, inspect.isfunction)
        if function.__module__ == actions.__name__ and not name.startswith("_")
        if {"tx", "now"} <= inspect.signature(function).parameters.keys()
    }
    assert changing - {name for name, _ in Scene(office).steps()} == {"observe"}, "which tells nobody anything itself"
