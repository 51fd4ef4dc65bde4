"""What a desktop makes of a snapshot and of the events after it, by the rules that clients follow."""

from copy import deepcopy
from typing import Any

Json = dict[str, Any]


class Picture:
    """An agent's own: `user` as in `GET /me?subresources=*`."""

    def __init__(self, user: Json) -> None:
        self.user = deepcopy(user)

    def hear(self, event: Json) -> None:
        """Take in one event of `/v2/me/devices`."""
        if event["messageType"] != "DeviceStateChangeMessage":
            return
        devices = {each["id"]: each for each in self.user["devices"]}
        for device in event["devices"]:
            if device["deviceState"] == "Inactive" and not device["capabilities"]:
                devices.pop(device["id"], None)
            else:
                devices[device["id"]] = device
        self.user["devices"] = sorted(devices.values(), key=lambda each: each["phoneNumber"])
        channels = {each["channel"]: each for each in self.user["channels"]}
        channels |= {each["channel"]: each for each in event.get("channels", ())}
        self.user["channels"] = list(channels.values())
        self.user["userState"] = next(
            (each["userState"] for each in self.user["channels"] if each["userState"]["state"] != "LoggedOut"),
            {"state": "LoggedOut"},
        )


class Board:
    """A supervisor's: users as in `GET /users?fields=*`."""

    def __init__(self, users: list[Json]) -> None:
        self.users = {each["id"]: deepcopy(each) for each in users}

    def hear(self, event: Json) -> None:
        """Take in one event of `/v2/users`."""
        if event["messageType"] == "UserStateChangeMessage" and event["userId"] in self.users:
            self.users[event["userId"]] |= {"userState": event["userState"], "connected": event["connected"]}
