"""`/security/otp` and `/security/otp/verify`."""

from typing import Final

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
from hub.kernel.config import is_organization_id
from hub.kernel.errors import BadInput, Forbidden, Overloaded, TooManyRequests, Unauthenticated
from hub.kernel.secret import Secret

_SENDERS: Final = frozenset({Role.AGENT, Role.SUPERVISOR, Role.CLIENT_SERVICE})
_DESCRIPTION: Final = (
    "Without a token only for organizations that permit it (`public_codes` in hub.toml), and the answer does not say "
    "whether this one does. One code in 30 s for a recipient; it replaces the one before."
)


async def send_code(call: Call[CodeRequest]) -> CodeSent:
    """Have a code sent. What is answered is the same whether a message leaves or not."""
    asked, services = call.body, call.services
    recipient = require_recipient(asked.channel, asked.to)
    organization, is_known = await _organization(call)
    configured = services.organizations.get(organization)
    sender = (configured and configured.name) or organization
    wanted = Wanted(
        organization=organization,
        recipient=recipient,
        secret=Given(ids.bearer_id(), Secret(ids.digits(DIGITS))),
        delivery=ids.event_id(),
        locale=asked.locale,
        sender=_one_line(asked.custom_name) or sender if is_known else sender,
        is_sent=is_known or (configured is not None and configured.public_codes),
    )
    try:
        # Organizations that send nothing share one quota: their names are whatever strangers think of.
        services.quotas.take_code(organization if wanted.is_sent else "", None if is_known else call.address)
        await services.db.write(lambda tx: actions.send(tx, wanted, call.now))
    except TooManyRequests:
        metrics.CODES.labels("limited").inc()
        raise
    metrics.CODES.labels("sent").inc()
    return CodeSent(id=wanted.secret.id, expires_in=round(LIFE_SECONDS))


async def _organization(call: Call[CodeRequest]) -> tuple[str, bool]:
    """In whose name, and whether it is known to be asked by somebody of theirs."""
    named = call.body.organization_id
    if named is not None and not is_organization_id(named):
        raise BadInput("organizationId: must be 1 to 64 of A-Z a-z 0-9 . _ -", pointer="/organizationId")
    if b"authorization" not in call.headers:
        if named is None:
            raise BadInput("organizationId is required without a token", pointer="/organizationId")
        return named, False
    caller = await authenticate(call.services, call.headers, _SENDERS, call.now, address=call.address, changes=True)
    if named not in {None, caller.principal.organization}:
        raise Forbidden("Codes are sent in the name of one's own organization only")
    return caller.principal.organization, True


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
        result=CodeRight,
        errors=(WrongCode, TooManyRequests, Overloaded),
        handler=verify_code,
    ),
)
