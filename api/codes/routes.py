"""`/security/otp` and `/security/otp/verify`."""

from typing import Final, NamedTuple

from api.codes import actions
from api.codes.actions import Wanted
from api.codes.rules import DIGITS, LIFE_SECONDS, Given, require_recipient
from api.codes.schemas import CodeGiven, CodeRequest, CodeRight, CodeSent
from api.http import proven
from api.http.authentication import authenticate
from api.http.operations import Operation
from api.http.problems import Family
from api.http.proven import WrongCode
from api.http.request import Call
from channels.access import Role
from hub.kernel import ids, metrics
from hub.kernel.applications import Application
from hub.kernel.config import is_organization_id
from hub.kernel.errors import BadInput, Forbidden, Overloaded, TooManyRequests, Unauthenticated
from hub.kernel.secret import Secret

_SENDERS: Final = frozenset({Role.AGENT, Role.SUPERVISOR, Role.CLIENT_SERVICE})
APPLICATION_HEADER: Final = "X-ApplicationId"
NOBODY: Final = ""
"""The organization of codes that are asked for in the name of an application that does not exist."""
_DESCRIPTION: Final = (
    f"In the name of `organizationId`, or of the organization whose application {APPLICATION_HEADER} names. "
    "Without a token only for organizations that permit it (`public_codes` in hub.toml), and the answer does not say "
    "whether this one does. One code in 30 s for a recipient; it replaces the one before."
)


async def send_code(call: Call[CodeRequest]) -> CodeSent:
    """Have a code sent. What is answered is the same whether a message leaves or not."""
    asked, services = call.body, call.services
    recipient = require_recipient(asked.channel, asked.to)
    giver = await _giver(call)
    wanted = Wanted(
        organization=giver.organization,
        recipient=recipient,
        secret=Given(ids.bearer_id(), Secret(ids.digits(DIGITS))),
        delivery=ids.event_id(),
        locale=asked.locale,
        sender=(_one_line(asked.custom_name) if giver.is_known else "") or giver.name,
        is_sent=giver.sends,
    )
    try:
        # Organizations that send nothing share one quota: their names are whatever strangers think of.
        services.quotas.take_code(giver.organization if giver.sends else "", None if giver.is_known else call.address)
        await services.db.write(lambda tx: actions.send(tx, wanted, call.now))
    except TooManyRequests:
        metrics.CODES.labels("limited").inc()
        raise
    metrics.CODES.labels("sent").inc()
    return CodeSent(id=wanted.secret.id, expires_in=round(LIFE_SECONDS))


class _Giver(NamedTuple):
    """In whose name a code is asked for, whether somebody of theirs asks, and whether a message leaves."""

    organization: str
    name: str
    is_known: bool
    sends: bool


async def _giver(call: Call[CodeRequest]) -> _Giver:
    named = call.body.organization_id
    if named is not None and not is_organization_id(named):
        raise BadInput("organizationId: must be 1 to 64 of A-Z a-z 0-9 . _ -", pointer="/organizationId")
    id_ = call.headers.get(APPLICATION_HEADER.lower().encode(), b"").decode("latin-1").strip()
    application = call.services.applications.get(id_)
    if b"authorization" in call.headers:
        caller = await authenticate(call.services, call.headers, _SENDERS, call.now, address=call.address, changes=True)
        own = caller.principal.organization
        if named not in {None, own} or (id_ and (application is None or application.organization != own)):
            raise Forbidden("Codes are sent in the name of one's own organization only")
        return _Giver(own, _name(call, own, application), is_known=True, sends=True)
    if named is None and not id_:
        raise BadInput(f"organizationId or {APPLICATION_HEADER} is required without a token", pointer="/organizationId")
    if id_ and (application is None or named not in {None, application.organization}):
        return _Giver(NOBODY, "", is_known=False, sends=False)
    organization = application.organization if application else named or NOBODY
    configured = call.services.organizations.get(organization)
    permits = configured is not None and configured.public_codes
    return _Giver(organization, _name(call, organization, application), is_known=False, sends=permits)


def _name(call: Call[CodeRequest], organization: str, application: Application | None) -> str:
    configured = call.services.organizations.get(organization)
    return (application and application.name) or (configured and configured.name) or organization


async def verify_code(call: Call[CodeGiven]) -> CodeRight:
    """Use a code."""
    asked = call.body
    recipient = None if asked.to is None else require_recipient(None, asked.to)
    given = Given(asked.verification_id, Secret(asked.code))
    await proven.once(call, given, lambda _, verified: verified, recipient=recipient)
    return CodeRight(id=asked.verification_id)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


OPERATIONS = (
    Operation(
        name="sendCode",
        method="POST",
        path="/security/otp",
        summary="Have a one-time code sent by SMS or mail",
        description=_DESCRIPTION,
        tag="security",
        family=Family.AUVIOUS,
        roles=None,
        body=CodeRequest,
        examples={"mail": {"to": "carol@example.com", "organizationId": "demo", "locale": "de_DE"}},
        result=CodeSent,
        errors=(Unauthenticated, Forbidden, TooManyRequests, Overloaded),
        handler=send_code,
    ),
    Operation(
        name="verifyCode",
        method="POST",
        path="/security/otp/verify",
        summary="Use a one-time code",
        description="Five tries a code; a right one is used. Operations that a code permits take it in "
        f"{proven.ID_HEADER} and {proven.CODE_HEADER} instead.",
        tag="security",
        family=Family.AUVIOUS,
        roles=None,
        body=CodeGiven,
        examples={"given": {"verificationId": "7n4q0y6w2l", "code": "063780"}},
        result=CodeRight,
        errors=(WrongCode, TooManyRequests, Overloaded),
        handler=verify_code,
    ),
)
