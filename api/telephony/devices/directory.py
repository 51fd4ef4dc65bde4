"""`/api/v2/devices`, `/phone-numbers` and `/users/{id}/devices`: the devices of an organization."""

from functools import partial
from typing import Any, Final
from uuid import uuid4

from api.http.idempotency import once
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Done, Reply
from api.http.request import Call
from api.telephony.devices import actions, rules, views
from api.telephony.devices.rules import VOICE, Agent, Floor, Phone
from api.telephony.devices.schemas import (
    Devices,
    ListQuery,
    NewDevice,
    OneDevice,
    OnePhoneNumber,
    PageQuery,
    PhoneNumber,
)
from api.telephony.numbers import require_number
from api.users import actions as users
from api.users import rules as user_rules
from api.users.rules import Deed
from channels.access import Role
from channels.devices import Device
from hub.kernel.errors import (
    AlreadyExists,
    BadInput,
    Forbidden,
    NotFound,
    Overloaded,
    WrongState,
)
from hub.store.transaction import Snapshot, Tx

READERS: Final = frozenset({Role.SUPERVISOR, Role.ADMIN})
"""Who sees the devices of others."""
KEEPERS: Final = frozenset({Role.ADMIN})
"""Who adds and removes devices."""


def floor_of(call: Call[Any]) -> Floor:
    """The contact centres that this process serves."""
    return Floor(call.base, call.services.configuration.organizations)


# Reading ------------------------------------------------------------------------------------------------------------


async def list_devices_of_user(call: Call[None]) -> Devices:
    """The devices of one user."""
    query, caller, user = call.query_as(ListQuery), call.principal, call.path_params["id"]
    user_rules.require(Deed.READ, caller, user)

    def snapshot(tx: Snapshot) -> Agent:
        users.read(tx, caller.organization, user)
        return actions.agent(tx, caller.organization, user)

    agent, floor = await call.services.db.read(snapshot), floor_of(call)
    devices = views.devices(agent, floor.definitions(agent.organization), floor.base)
    if query.fields:
        return Devices(devices=devices)
    return Devices(uris=[rules.device_uri(floor.base, device.id) for device in devices])


async def list_devices(call: Call[None]) -> Devices:
    """The devices of the organization."""
    query, organization, floor = call.query_as(PageQuery), call.principal.organization, floor_of(call)

    def snapshot(tx: Snapshot) -> tuple[list[Phone], dict[str, Agent], int]:
        phones, total = actions.some(tx, organization, query.offset, query.limit)
        users = {phone.user for phone in phones if phone.user is not None} if query.fields else set()
        return phones, actions.agents(tx, organization, users), total

    phones, agents, total = await call.services.db.read(snapshot)
    if not query.fields:
        return Devices(uris=[rules.device_uri(floor.base, phone.id) for phone in phones], total_count=total)
    nobody = Agent(organization, "", {}, {})
    devices = tuple(_view(phone, agents.get(phone.user or "", nobody), floor) for phone in phones)
    return Devices(devices=devices, total_count=total)


async def read_device(call: Call[None]) -> OneDevice:
    """Any device of the organization for those who see all, one's own for others."""
    phone, agent = await _readable(call)
    return OneDevice(device=_view(phone, agent, floor_of(call)))


async def read_phone_number(call: Call[None]) -> OnePhoneNumber:
    """The number of a device, under the id of the device."""
    phone, _ = await _readable(call)
    path = f"/phone-numbers/{phone.id}"
    return OnePhoneNumber(
        phone_number=PhoneNumber(
            id=phone.id,
            phone_number=phone.number,
            device_uri=rules.device_uri(call.base, phone.id),
            uri=f"{call.base}/api/v2{path}",
            path=path,
        )
    )


async def _readable(call: Call[None]) -> tuple[Phone, Agent]:
    caller, id = call.principal, call.path_params["id"]  # noqa: A001 - the protocol's word

    def snapshot(tx: Snapshot) -> tuple[Phone, Agent]:
        phone = actions.find(tx, caller.organization, id)
        if caller.roles.isdisjoint(READERS) and (phone is None or phone.user != caller.user):
            raise Forbidden
        if phone is None:
            raise NotFound("No such device")
        return phone, actions.agent(tx, caller.organization, phone.user or "")

    return await call.services.db.read(snapshot)


def _view(phone: Phone, agent: Agent, floor: Floor) -> Device:
    return views.device(phone, agent.work.get(VOICE), floor.definitions(agent.organization), floor.base)


# Adding and removing ------------------------------------------------------------------------------------------------


async def add_device(call: Call[NewDevice]) -> Reply:
    """A device of the caller's organization."""
    body, floor, organization = call.body, floor_of(call), call.principal.organization
    phone = Phone(
        organization=organization,
        id=str(uuid4()),
        number=require_number(body.phone_number, "/phoneNumber"),
        user=body.user_id,
        type=body.type,
        vendor=body.vendor,
        model=body.model,
    )

    def write(tx: Tx) -> Phone:
        actions.add(tx, floor, phone, call.services.clock.now())
        return phone

    nobody = Agent(organization, "", {}, {})
    return await once(call, write, lambda added: OneDevice(device=_view(added, nobody, floor)))


async def remove_device(call: Call[None]) -> Done:
    """A device that nobody uses."""
    floor, organization, device = floor_of(call), call.principal.organization, call.path_params["id"]
    await call.services.db.write(lambda tx: actions.remove(tx, floor, organization, device, call.services.clock.now()))
    return Done()


# The operations -----------------------------------------------------------------------------------------------------

DEVICES: Final = "/api/v2/devices"
_operation = partial(Operation, tag="devices", family=Family.GWS)

OPERATIONS = (
    _operation(
        name="listDevicesOfUser",
        method="GET",
        path="/api/v2/users/{id}/devices",
        summary="List the devices of a user",
        path_example={"id": "carol"},
        handler=list_devices_of_user,
        roles=frozenset(),
        query=ListQuery,
        result=Devices,
        errors=(BadInput, Forbidden, NotFound, Overloaded),
    ),
    _operation(
        name="listDevices",
        method="GET",
        path=DEVICES,
        summary="List all devices",
        handler=list_devices,
        roles=READERS,
        query=PageQuery,
        result=Devices,
        errors=(BadInput, Overloaded),
    ),
    _operation(
        name="addDevice",
        method="POST",
        path=DEVICES,
        summary="Add a device",
        handler=add_device,
        roles=KEEPERS,
        body=NewDevice,
        result=OneDevice,
        idempotent=True,
        errors=(AlreadyExists, NotFound, Overloaded),
        examples={"desk": {"phoneNumber": "1003", "userId": "carol"}},
    ),
    _operation(
        name="readDevice",
        method="GET",
        path=DEVICES + "/{id}",
        summary="Read a device",
        path_example={"id": "5aceae61-0b5c-4578-9477-cd352d43cb17"},
        handler=read_device,
        roles=frozenset(),
        result=OneDevice,
        errors=(Forbidden, NotFound, Overloaded),
    ),
    _operation(
        name="removeDevice",
        method="DELETE",
        path=DEVICES + "/{id}",
        summary="Remove a device",
        path_example={"id": "5aceae61-0b5c-4578-9477-cd352d43cb17"},
        handler=remove_device,
        roles=KEEPERS,
        result=Done,
        errors=(WrongState, NotFound, Overloaded),
    ),
    _operation(
        name="readPhoneNumber",
        method="GET",
        path="/api/v2/phone-numbers/{id}",
        summary="Read the number of a device",
        path_example={"id": "2b36d336-d502-4e46-bc92-b727913a7754"},
        handler=read_phone_number,
        roles=frozenset(),
        result=OnePhoneNumber,
        errors=(Forbidden, NotFound, Overloaded),
    ),
)
