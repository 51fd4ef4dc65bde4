"""What has to be there before an example of the documentation succeeds, and what the example cannot know: ids and
secrets that are made by chance. By the name of the operation; one that is missing needs nothing.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from hub.kernel import wire
from hub.kernel.config import Client, Configuration, load
from hub.kernel.secret import Secret
from hub.store import timers
from hub.store.transaction import Tx
from tests.api.world import CLIENT_SECRET, ROOM, World
from tests.architecture.tree import ROOT

DEMO: Final = "demo"
SHIPPED: Final = load(ROOT / "hub.toml")
CONFIGURATION: Final[Configuration] = msgspec.structs.replace(
    SHIPPED,
    clients={"crm": Client(organization=DEMO, secret=Secret(CLIENT_SECRET))},
    organizations={DEMO: msgspec.structs.replace(SHIPPED.organizations[DEMO], room_url=ROOM)},
)
"""The shipped one: the examples are about the demo."""


@dataclass(frozen=True)
class Scene:
    """What takes the place of what an example says: parts of the path, of the query and of the body, and headers."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    user: str = "adam"


Prepare = Callable[[World], Awaitable[Scene]]


async def nothing(world: World) -> Scene:
    del world
    return Scene()


async def ask(world: World, method: str, path: str, body: object = None, *, user: str = "adam", role: str) -> Any:
    """What has to be done before, done over REST."""
    token = world.token(user, role, organization=DEMO)
    reply = await world.ask(method, path, body, token=token)
    assert reply.is_success, reply.text
    return reply.json() if reply.content else None


async def user(world: World) -> Scene:
    await world.user("carol", "ROLE_AGENT", organization=DEMO)
    return Scene()


async def oneself(world: World) -> Scene:
    await world.user("carol", organization=DEMO)
    return Scene(user="carol")


async def passwords(world: World) -> Scene:
    await world.user("carol", password="the one so far", organization=DEMO)
    return Scene(user="carol")


async def code(world: World, to: str = "carol@example.com") -> Scene:
    reply = await world.ask("POST", "/security/otp", {"to": to, "organizationId": DEMO})
    return Scene(body={"verificationId": reply.json()["id"], "code": await code_sent(world)})


async def code_sent(world: World) -> str:
    """The code in the message that waits to be sent."""

    def text(tx: Any) -> bytes:
        tx.cursor.execute("SELECT payload FROM timer WHERE kind LIKE 'deliver.%'")
        return bytes(tx.cursor.fetchall()[0][0])

    said: str = msgspec.json.decode(await world.services.db.read(text))["text"]
    return next(word for word in said.split() if len(word) == 6 and word.isdigit())


async def ticket(world: World) -> Scene:
    made = {"type": "MULTI_USE_TICKET", "properties": {"conference_id": "room-7"}}
    secret = (await ask(world, "POST", "/security/ticket", made, role="ROLE_CLIENT_SERVICE"))["id"]
    return Scene(path={"id": secret}, body={"id": secret})


async def device(world: World) -> Scene:
    """Carol has a device."""
    if await world.account("carol", DEMO) is None:
        await world.user("carol", organization=DEMO)
    made = {"phoneNumber": "1003", "userId": "carol"}
    added = (await ask(world, "POST", "/api/v2/devices", made, role="ROLE_ADMIN"))["device"]
    number = added["phoneNumberUri"].rpartition("/")[2]
    return Scene(path={"id": added["id"], "number": number}, user="carol")


async def session(world: World) -> Scene:
    """Carol works at her device."""
    scene = await device(world)
    start = {"operationName": "StartContactCenterSession", "channels": ["voice"]}
    await ask(world, "POST", "/api/v2/me", start, user="carol", role="ROLE_AGENT")
    return scene


async def owner(world: World) -> Scene:
    """Carol has a device, and the path names her."""
    await device(world)
    return Scene(user="carol")


async def desk(world: World) -> Scene:
    """Carol works at her device, and has a password."""
    await world.user("carol", password="the one so far", organization=DEMO)
    return await session(world)


async def phone_number(world: World) -> Scene:
    scene = await device(world)
    return Scene(path={"id": scene.path["number"]}, user="carol")


async def call(world: World) -> Scene:
    """Carol calls somebody."""
    await session(world)
    dial = {"operationName": "Dial", "destination": {"phoneNumber": "+15550029999"}}
    await ask(world, "POST", "/api/v2/me/calls", dial, user="carol", role="ROLE_AGENT")
    (uri,) = (await ask(world, "GET", "/api/v2/me/calls", user="carol", role="ROLE_AGENT"))["uris"]
    return Scene(path={"id": uri.rpartition("/")[2]}, user="carol")


async def booking(world: World) -> Scene:
    del world
    return Scene(body={"_desired_time": "2027-01-15T14:30:00.000Z"})


async def callback(world: World) -> Scene:
    body = {"_customer_number": "5115", "_desired_time": "2027-01-15T14:30:00.000Z"}
    reply = await world.ask("POST", "/genesys/1/service/callback/BasicCallback", body)
    return Scene(path={"id": reply.json()["_id"]}, body={"_new_desired_time": "2027-01-15T15:00:00.000Z"})


async def service(world: World) -> Scene:
    """A service keeps a language."""
    interaction = "/genesys/1/service/request-interaction"
    made = (await ask(world, "POST", interaction, {"language": "french"}, role="ROLE_AGENT"))["_id"]
    return Scene(path={"service": made})


async def service_with_file(world: World) -> Scene:
    scene = await service(world)
    body = b"--x\r\nContent-Disposition: form-data; name=language; filename=f\r\n\r\nfrench\r\n--x--\r\n"
    path = f"/genesys/1/service/{scene.path['service']}/storage"
    reply = await world.ask("POST", path, body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert reply.is_success, reply.text
    return scene


async def soon(world: World) -> Scene:
    """A time that may be booked."""
    del world
    return Scene(body={"start": "2027-01-20T10:00:00.0Z"})


async def dead_letter(world: World) -> Scene:
    def bury(tx: Tx) -> int:
        timers.plan(tx, "deliver.mail", "m1", 1)
        timer = timers.due(tx, world.clock.now(), ["deliver.mail"], 1)[0]
        timers.bury(tx, timer, "refused: no such mailbox", world.clock.now())
        return timer

    return Scene(path={"id": str(await world.services.db.write(bury))})


async def facade(world: World) -> Scene:
    headers = {"X-ApplicationId": "demo-app", "X-UrlBase": world.services.settings.public_url}
    token = world.token("crm", "ROLE_CLIENT_SERVICE", organization=DEMO)
    return Scene(headers=headers | {"Authorization": f"Bearer {token}"})


async def offer(world: World) -> Scene:
    scene = await callback(world)

    def give(tx: Tx) -> None:
        tx.cursor.execute("UPDATE callback SET state = 'ROUTING', agent = 'adam'")

    await world.services.db.write(give)
    return scene


async def appointment(world: World) -> Scene:
    """One of the demo's, an hour ahead, to which carol is invited; dora might be."""
    for name in ("carol", "dora"):
        await world.user(name, organization=DEMO)
    body = {
        "applicationId": "demo-app",
        "customer": {"contact": {"primaryEmail": "maria@example.com"}},
        "duration": "PT30M",
        "start": wire.instant(world.clock.now() + 3600),
        "timezone": "Europe/Berlin",
    }
    made = await ask(world, "POST", "/api/appointments/", body, role="ROLE_AGENT")
    invited = {"id": made["id"], "userId": "carol"}
    await ask(world, "POST", "/api/appointments/participants/agents/", invited, role="ROLE_AGENT")
    return Scene(path={"id": made["id"]}, body={"id": made["id"], "start": "2027-01-21T10:00:00.0Z"})


async def booking_customer(world: World) -> Scene:
    """Maria has a code."""
    given = await code(world, "maria@example.com")
    headers = {"X-OtpVerificationId": given.body["verificationId"], "X-OtpCode": given.body["code"]}
    return Scene(body={"start": "2027-01-20T10:00:00.0Z"}, headers=headers)


EMAIL_SERVICE: Final = {"applicationId": "demo-app", "domain": "mail.example.com", "toEmail": "adam@example.com"}
SMS_SERVICE: Final = {"applicationId": "demo-app", "fromNumber": "+15550001111", "toNumber": "+306931221199"}


def sender(way: str, body: Mapping[str, str]) -> Prepare:
    """A code that was sent to prove what an application sends from."""

    async def prepare(world: World) -> Scene:
        await ask(world, "POST", f"/api/notifications/{way}/verify", body, role="ROLE_ADMIN")
        return Scene(body={"code": await code_sent(world)})

    return prepare


def customer_link(number: int) -> Prepare:
    """The link of that number in the mail to a customer."""

    async def prepare(world: World) -> Scene:
        await appointment(world)

        def text(tx: Any) -> bytes:
            tx.cursor.execute("SELECT payload FROM timer WHERE kind = 'deliver.mail' ORDER BY id")
            return bytes(tx.cursor.fetchall()[0][0])

        said = msgspec.json.decode(await world.services.db.read(text))["text"]
        return Scene(path={"token": re.findall(r"/q/a/([\w-]+)", said)[number]})

    return prepare


SCENES: Final[dict[str, Prepare]] = {
    "giveToken": passwords,
    "operateMe": desk,
    "readUser": oneself,
    "changeUser": user,
    "operateUser": user,
    "deleteUser": user,
    "setUserRoles": user,
    "verifyCode": code,
    "exchangeTicket": ticket,
    "revokeTicket": ticket,
    "showTicket": ticket,
    "showShortTicket": ticket,
    "scheduleAppointment": soon,
    "scheduleAppointmentAsCustomer": booking_customer,
    "updateAppointment": appointment,
    "deleteAppointment": appointment,
    "getAppointment": appointment,
    "endAppointment": appointment,
    "activateAppointment": appointment,
    "rescheduleAppointment": appointment,
    "reassignAppointment": appointment,
    "addParticipantAgent": appointment,
    "addParticipantCustomer": appointment,
    "deleteParticipant": appointment,
    "getParticipantDetails": appointment,
    "updateParticipantState": appointment,
    "getGoogleCalendarEvent": appointment,
    "getICalendarEvent": appointment,
    "showCustomerLink": customer_link(1),
    "useCustomerLink": customer_link(0),
    "confirmEmailServiceVerification": sender("emails", EMAIL_SERVICE),
    "confirmSMSServiceVerification": sender("sms", SMS_SERVICE),
    "operateTimer": dead_letter,
    "addDevice": user,
    "readDevice": device,
    "removeDevice": device,
    "readPhoneNumber": phone_number,
    "listDevicesOfUser": owner,
    "readOwnDevice": device,
    "operateDevice": session,
    "operateChannel": session,
    "readChannel": session,
    "dial": session,
    "dialFromDevice": session,
    "readCall": call,
    "operateCall": call,
    "startCallback": booking,
    "readCallback": callback,
    "rescheduleCallback": callback,
    "cancelCallback": callback,
    "answerCallback": offer,
    "listValues": service,
    "putValues": service,
    "deleteValues": service,
    "showValue": service,
    "deleteValue": service,
    "showFile": service_with_file,
    "requestService": service,
    "extendService": service,
    "extendConversation": service,
    "deleteService": service,
    "createGenesysCallback": facade,
}
