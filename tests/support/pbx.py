"""A telephone exchange behind a connector: takes the operations that are handed to it, and reports what comes of them.

Independent of the hub's code: it knows the form of the webhooks and of the notifications, and no more. Its parties all
sit outside: some are busy, some do not answer, the others answer after two seconds.
"""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
USER_DATA = ["AttachUserData", "UpdateUserData", "DeleteUserData", "DeleteUserDataPair"]
CAPABILITIES = {
    "Dialing": ["Hangup", "SendDtmf", *USER_DATA],
    "Established": ["Hangup", "Hold", "SendDtmf", *USER_DATA],
    "Held": ["Hangup", "Retrieve", *USER_DATA],
    "Released": [],
}


class Pbx:
    """`take` gives it an operation, `advance` lets its parties act; both return the events to be reported, in the form
    of `POST /api/v2/events`.
    """

    def __init__(self) -> None:
        self._calls: dict[str, Json] = {}
        self._owners: dict[str, Json] = {}
        self._due: list[tuple[float, str, str]] = []
        self.deaf = False
        """Whether it takes operations without doing anything."""

    def take(self, operation: Json, now: float) -> list[Json]:
        """Carry out one operation."""
        if self.deaf:
            return []
        call_id, name = operation["callId"], operation["operationName"]
        if name == "Dial":
            return self._dial(operation, now)
        steps: dict[str, Callable[[Json, Json], list[Json]]] = {
            "Hangup": lambda call, _: self._state(call, "Released"),
            "Hold": lambda call, _: self._state(call, "Held"),
            "Retrieve": lambda call, _: self._state(call, "Established"),
            "SendDtmf": lambda call, _: self._report(call, "DtmfSent"),
            "AttachUserData": lambda call, asked: self._data(call, {**asked["userData"], **call["userData"]}),
            "UpdateUserData": lambda call, asked: self._data(call, {**call["userData"], **asked["userData"]}),
            "DeleteUserData": lambda call, _: self._data(call, {}),
            "DeleteUserDataPair": lambda call, asked: self._data(
                call, {key: value for key, value in call["userData"].items() if key != asked["key"]}
            ),
        }
        return steps[name](self._calls[call_id], operation)

    def next_due(self) -> float | None:
        """When a party acts next."""
        return min((due for due, *_ in self._due), default=None)

    def advance(self, now: float) -> list[Json]:
        """Let the parties act whose time has come."""
        ready = sorted(each for each in self._due if each[0] <= now)
        self._due = [each for each in self._due if each[0] > now]
        return [event for _, name, deed in ready if name in self._calls for event in self._act(self._calls[name], deed)]

    def _dial(self, operation: Json, now: float) -> list[Json]:
        call_id, number = operation["callId"], operation["destination"]
        self._owners[call_id] = operation
        self._calls[call_id] = call = {
            "id": call_id,
            "callUuid": operation["callUuid"],
            "deviceUri": operation["deviceUri"],
            "uri": operation["callUri"],
            "participants": [number],
            "ani": operation["phoneNumber"],
            "dnis": number,
            "callType": "Outbound",
            "duration": "0",
            "mute": "Off",
            "userData": operation.get("userData", {}),
        }
        fates = {"+1555000": (1.0, "The number is busy"), "+1555001": (20.0, "There was no answer")}
        seconds, fate = fates.get(number[:8], (2.0, "answer"))
        self._due.append((now + seconds, call_id, fate))
        return self._state(call, "Dialing")

    def _act(self, call: Json, deed: str) -> list[Json]:
        if call["state"] != "Dialing":
            return []
        if deed == "answer":
            return self._state(call, "Established")
        return [*self._failed(call, deed), *self._state(call, "Released")]

    def _data(self, call: Json, data: Json) -> list[Json]:
        call["userData"] = data
        return self._report(call, "AttachedDataChanged")

    def _state(self, call: Json, state: str) -> list[Json]:
        call.update(state=state, capabilities=CAPABILITIES[state])
        if state == "Released":
            del self._calls[call["id"]]
        return self._report(call, "StatusChange")

    def _failed(self, call: Json, why: str) -> list[Json]:
        failure = {"deviceUri": call["deviceUri"], "errorMessage": why, "connectionId": call["id"]}
        return [self._event(call, {"notificationType": "Error", **failure, "callUuid": call["callUuid"]})]

    def _report(self, call: Json, type: str) -> list[Json]:
        shown = {name: value for name, value in call.items() if name != "userData" or value}
        return [self._event(call, {"notificationType": type, "call": json.loads(json.dumps(shown))})]

    def _event(self, call: Json, message: Json) -> Json:
        owner = self._owners[call["id"]]
        data = {"messageType": "CallStateChangeMessage", "phoneNumber": owner["phoneNumber"], **message}
        return {"channel": "/v2/me/calls", "userId": owner["userId"], "data": data}
