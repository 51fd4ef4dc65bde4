"""`POST /api/v2/me`, `/me/devices` and `/me/channels`: one's session, what one works with, and one's state there."""

from functools import partial
from typing import Any, Final

from api.http import cookies, positions
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Done, Reply
from api.http.request import Call
from api.security import actions as security
from api.telephony.devices import actions, rules, views
from api.telephony.devices.directory import floor_of
from api.telephony.devices.rules import VOICE, Agent, Floor, Wish
from api.telephony.devices.schemas import (
    ChannelOperation,
    ChannelOutcome,
    Channels,
    DeviceOperation,
    Devices,
    ListQuery,
    OneChannel,
    OneDevice,
    Outcome,
    OwnOperation,
)
from api.telephony.numbers import require_number
from api.users import passwords
from api.users.schemas import ChangeOwnPassword
from channels.access import Role
from hub.kernel import wire
from hub.kernel.errors import (
    AlreadyInUse,
    BadInput,
    Forbidden,
    HubError,
    MissingParameter,
    NotFound,
    Overloaded,
    PasswordChangeDemanded,
    TooManyRequests,
    WrongState,
)
from hub.store.transaction import Snapshot, Tx

AGENTS: Final = frozenset({Role.AGENT, Role.SUPERVISOR})
"""Who works at a device."""


async def list_own_devices(call: Call[None]) -> Reply:
    """The caller's devices; those too at which there is no session."""
    query = call.query_as(ListQuery)
    (agent, floor), header = await _own(call)
    devices = views.devices(agent, floor.definitions(agent.organization), floor.base)
    if query.fields:
        body = Devices(devices=devices)
    else:
        body = Devices(uris=[f"{floor.base}{OWN_DEVICES}/{device.id}" for device in devices])
    return Reply(200, wire.encode(body), headers=(header,))


async def read_own_device(call: Call[None]) -> OneDevice:
    """One of the caller's devices."""
    (agent, floor), _ = await _own(call)
    phone, definitions = rules.require_phone(agent, call.path_params["id"]), floor.definitions(agent.organization)
    return OneDevice(device=views.device(phone, agent.work.get(VOICE), definitions, floor.base))


async def list_channels(call: Call[None]) -> Reply:
    """All media; without a session the caller is logged out of each."""
    query = call.query_as(ListQuery)
    (agent, floor), header = await _own(call)
    media = views.media(agent, floor.definitions(agent.organization))
    if query.fields:
        body = Channels(channels=media)
    else:
        body = Channels(uris=[f"{floor.base}{OWN_CHANNELS}/{each.channel}" for each in media])
    return Reply(200, wire.encode(body), headers=(header,))


async def read_channel(call: Call[None]) -> OneChannel:
    """One medium."""
    (agent, floor), _ = await _own(call)
    media = views.media(agent, floor.definitions(agent.organization))
    found = next((each for each in media if each.channel == call.path_params["channel"]), None)
    if found is None:
        raise NotFound("No such channel")
    return OneChannel(channel=found)


async def operate_channel(call: Call[ChannelOperation]) -> Done:
    """Another state on one medium."""
    caller, channel = call.principal, call.path_params["channel"]
    floor, operation = floor_of(call), call.body.operation_name
    await call.services.db.write(
        lambda tx: actions.set_state(tx, floor, *caller.identity, (channel,), operation, call.services.clock.now())
    )
    return Done()


async def operate_device(call: Call[DeviceOperation]) -> Done:
    """Another state on the voice channel, do not disturb, or forwarding."""
    who, device, floor, operation = call.principal.identity, call.path_params["id"], floor_of(call), call.body
    match operation.operation_name:
        case "DoNotDisturbOn" | "DoNotDisturbOff" as name:

            def write(tx: Tx) -> None:
                on = name == "DoNotDisturbOn"
                actions.set_do_not_disturb(tx, floor, *who, device, call.services.clock.now(), on=on)

        case "ForwardCallsOn" | "ForwardCallsOff" as name:
            number = _destination(operation) if name == "ForwardCallsOn" else None

            def write(tx: Tx) -> None:
                actions.set_forwarding(tx, floor, *who, device, number, call.services.clock.now())

        case name:

            def write(tx: Tx) -> None:
                actions.set_state_at(tx, floor, *who, device, name, call.services.clock.now())

    await call.services.db.write(write)
    return Done()


def _destination(operation: DeviceOperation) -> str:
    if operation.destination is None:
        raise MissingParameter("destination is required", pointer="/destination")
    return require_number(operation.destination.phone_number, "/destination/phoneNumber")


async def _own(call: Call[Any]) -> tuple[tuple[Agent, Floor], tuple[str, str]]:
    """What the caller works with, and where their channels stand at that moment."""
    caller = call.principal

    def snapshot(tx: Snapshot) -> tuple[Agent, tuple[str, str]]:
        return actions.agent(tx, *caller.identity), positions.header(tx, caller)

    agent, header = await call.services.db.read(snapshot)
    return (agent, floor_of(call)), header


# Oneself ------------------------------------------------------------------------------------------------------------


async def operate_me(call: Call[OwnOperation]) -> Outcome | Reply:
    """What somebody does with themselves."""
    operation, caller, clock = call.body, call.principal, call.services.clock
    if operation.operation_name == "ChangePassword":
        await passwords.change_own(call, wire.decode(ChangeOwnPassword, call.raw, max_bytes=len(call.raw)))
        return Outcome()
    if caller.must_change:
        raise PasswordChangeDemanded
    if caller.roles.isdisjoint(AGENTS):
        raise Forbidden
    floor = floor_of(call)
    match operation.operation_name:
        case "StartContactCenterSession":
            return await _start(call, floor)
        case "EndContactCenterSession":
            return await _end(call, floor)
        case name:
            await call.services.db.write(
                lambda tx: actions.set_state(tx, floor, *caller.identity, None, name, clock.now())
            )
            return Outcome()


async def _start(call: Call[OwnOperation], floor: Floor) -> Outcome:
    operation, caller, clock = call.body, call.principal, call.services.clock
    if not operation.channels:
        raise MissingParameter("channels: name at least one", pointer="/channels")
    wish = Wish(
        channels=tuple(dict.fromkeys(operation.channels)),
        place=operation.place,
        device=None if operation.device_path is None else operation.device_path.rpartition("/devices/")[2],
        queue=operation.queue,
    )
    refused = await call.services.db.write(lambda tx: actions.start(tx, floor, caller, wish, clock.now()))
    if not refused:
        return Outcome()
    channels = tuple(_outcome(channel, refused.get(channel)) for channel in wish.channels)
    return Outcome(status_code=7, status_message="Partial success", channels=channels)


def _outcome(channel: str, refused: HubError | None) -> ChannelOutcome:
    if refused is None:
        return ChannelOutcome(channel=channel)
    return ChannelOutcome(channel=channel, status_code=refused.status_code, status_message=refused.detail)


async def _end(call: Call[OwnOperation], floor: Floor) -> Reply:
    """The session, and the login of the cookie with it."""
    caller, services = call.principal, call.services

    def write(tx: Tx) -> None:
        now = services.clock.now()
        actions.end(tx, floor, *caller.identity, now)
        security.log_out(tx, caller, now)

    await services.db.write(write)
    if caller.login is None:
        return Reply(200, wire.encode(Outcome()))
    services.revoked.end_login(caller.login)
    return Reply(200, wire.encode(Outcome()), headers=cookies.dropped(services.settings))


# The operations -----------------------------------------------------------------------------------------------------

OWN_DEVICES: Final = "/api/v2/me/devices"
OWN_CHANNELS: Final = "/api/v2/me/channels"
_POSITIONS: Final = {positions.HEADER: positions.DESCRIPTION}
_TOLD: Final = "What has changed is a DeviceStateChangeMessage on /v2/me/devices."
_operation = partial(Operation, tag="devices", family=Family.GWS)

OPERATIONS = (
    _operation(
        name="operateMe",
        method="POST",
        path="/api/v2/me",
        summary="Change one's own password, start or end a contact-centre session, change one's state",
        handler=operate_me,
        roles=frozenset(),
        body=OwnOperation,
        result=Outcome,
        before_password_change=True,
        errors=(
            MissingParameter,
            WrongState,
            Forbidden,
            PasswordChangeDemanded,
            NotFound,
            AlreadyInUse,
            TooManyRequests,
            Overloaded,
        ),
        examples={
            "change": {
                "operationName": "ChangePassword",
                "oldPassword": "the one so far",
                "newPassword": "another",
            },
            "start": {"operationName": "StartContactCenterSession", "channels": ["voice"], "place": "1003"},
            "ready": {"operationName": "Ready"},
        },
        description="The outcome of ChangePassword is a PasswordChangeMessage on /v2/me and /v2/users; it ends the "
        "user's other sessions. Everything else is a DeviceStateChangeMessage on /v2/me/devices, and where the user's "
        "state has changed a UserStateChangeMessage on /v2/users. Starting again changes nothing. Ending logs out.",
    ),
    _operation(
        name="listOwnDevices",
        method="GET",
        path=OWN_DEVICES,
        summary="List one's own devices",
        handler=list_own_devices,
        roles=frozenset(),
        query=ListQuery,
        result=Devices,
        headers=_POSITIONS,
        errors=(BadInput, Overloaded),
    ),
    _operation(
        name="readOwnDevice",
        method="GET",
        path=OWN_DEVICES + "/{id}",
        summary="Read one's own device",
        path_example={"id": "5aceae61-0b5c-4578-9477-cd352d43cb17"},
        handler=read_own_device,
        roles=frozenset(),
        result=OneDevice,
        errors=(NotFound, Overloaded),
    ),
    _operation(
        name="operateDevice",
        method="POST",
        path=OWN_DEVICES + "/{id}",
        summary="Change the state on a device, do not disturb, or forwarding",
        path_example={"id": "5aceae61-0b5c-4578-9477-cd352d43cb17"},
        handler=operate_device,
        roles=AGENTS,
        body=DeviceOperation,
        result=Done,
        errors=(MissingParameter, WrongState, NotFound, Overloaded),
        examples={
            "ready": {"operationName": "Ready"},
            "forward": {"operationName": "ForwardCallsOn", "destination": {"phoneNumber": "1002"}},
        },
        description=_TOLD,
    ),
    _operation(
        name="listChannels",
        method="GET",
        path=OWN_CHANNELS,
        summary="List the media and one's state on each",
        handler=list_channels,
        roles=frozenset(),
        query=ListQuery,
        result=Channels,
        headers=_POSITIONS,
        errors=(BadInput, Overloaded),
    ),
    _operation(
        name="readChannel",
        method="GET",
        path=OWN_CHANNELS + "/{channel}",
        summary="Read one's state on a medium",
        path_example={"channel": "voice"},
        handler=read_channel,
        roles=frozenset(),
        result=OneChannel,
        errors=(NotFound, Overloaded),
    ),
    _operation(
        name="operateChannel",
        method="POST",
        path=OWN_CHANNELS + "/{channel}",
        summary="Change one's state on a medium",
        path_example={"channel": "voice"},
        handler=operate_channel,
        roles=AGENTS,
        body=ChannelOperation,
        result=Done,
        errors=(WrongState, NotFound, Overloaded),
        examples={"lunch": {"operationName": "Lunch"}},
        description=_TOLD,
    ),
)
