"""The one error tree in the five forms that the API families have."""

import math
from enum import StrEnum
from http import HTTPStatus
from typing import assert_never

import msgspec

from api.http.reply import JSON, Headers, Reply
from hub.kernel.errors import BadInput, HubError, TokenExpired, TokenInvalid, Unauthenticated

PROBLEM_JSON = "application/problem+json"


class Family(StrEnum):
    """Whose clients an endpoint serves; decides the form of its error bodies."""

    GWS = "gws"
    GMS = "gms"
    AUVIOUS = "auvious"
    OAUTH = "oauth"
    OPS = "ops"


_PREFIXES = (
    ("/api/v2", Family.GWS),
    ("/genesys", Family.GMS),
    ("/api/applications", Family.AUVIOUS),
    ("/api/appointments", Family.AUVIOUS),
    ("/api/cal", Family.AUVIOUS),
    ("/api/notifications", Family.AUVIOUS),
    ("/security/oauth", Family.OAUTH),
    ("/security", Family.AUVIOUS),
)


def family_of(path: str) -> Family:
    """The family that answers for a path, also one that nobody serves; `OPS` where no API claims it."""
    for prefix, family in _PREFIXES:
        if path == prefix or path.startswith(prefix + "/"):
            return family
    return Family.OPS


class MethodNotAllowed(HubError):
    """The path exists, with other methods; `allow` lists them."""

    code = "method_not_allowed"
    status = 405
    status_code = 3
    default_detail = "Method not allowed"

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__()
        self.allow = allow


class UnsupportedMediaType(HubError):
    """The body is of a kind that the endpoint does not read."""

    code = "unsupported_media_type"
    status = 415
    status_code = 10
    default_detail = "The body must be application/json"


class UnreadableJson(HubError):
    """The body of a GMS request is not JSON. Its clients have always been told so with 500 and these words."""

    code = "json_unreadable"
    default_detail = "Could not read JSON"


class GwsError(msgspec.Struct, frozen=True, rename="camel"):
    """`/api/v2`: the number of the Genesys table and a sentence, never another member."""

    status_code: int
    status_message: str


class GmsError(msgspec.Struct, frozen=True):
    """`/genesys`: a sentence and, but for unreadable JSON, the name of the product's exception class."""

    message: str
    exception: str | msgspec.UnsetType = msgspec.UNSET


class AuviousError(msgspec.Struct, frozen=True, rename="camel"):
    """Appointments, calendar, notifications, security: `Status` and the name of the HTTP status."""

    code: str
    message: str
    request_id: str


class OauthError(msgspec.Struct, frozen=True):
    """RFC 6749 §5.2, with the codes of §4.1.2.1 for what §5.2 has no word for."""

    error: str
    error_description: str


class OpsError(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Problem details (RFC 9457); `code` is the stable name of the error."""

    title: str
    status: int
    detail: str
    code: str
    request_id: str
    pointer: str = ""


_GMS_EXCEPTION = "com.genesyslab.gsg.services.callback.CallbackServiceException"
_OAUTH_ERRORS = {
    401: "invalid_client",
    403: "access_denied",
    429: "temporarily_unavailable",
    500: "server_error",
    503: "temporarily_unavailable",
}
_OAUTH_CODES = frozenset({"invalid_grant", "unsupported_grant_type"})

Body = GwsError | GmsError | AuviousError | OauthError | OpsError


def schema_of(family: Family) -> type[Body]:
    """The type of the error bodies of a family, for the description of its operations."""
    match family:
        case Family.GWS:
            return GwsError
        case Family.GMS:
            return GmsError
        case Family.AUVIOUS:
            return AuviousError
        case Family.OAUTH:
            return OauthError
        case Family.OPS:
            return OpsError
        case _:
            assert_never(family)


def media_type_of(family: Family) -> str:
    """The Content-Type of the error bodies of a family."""
    return PROBLEM_JSON if family is Family.OPS else JSON


def _phrase(status: int) -> str:
    return "Content Too Large" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else HTTPStatus(status).phrase


def _body(error: HubError, family: Family, request_id: str) -> Body:
    match family:
        case Family.GWS:
            return GwsError(error.status_code, error.detail)
        case Family.GMS:
            return GmsError(error.detail, msgspec.UNSET if isinstance(error, UnreadableJson) else _GMS_EXCEPTION)
        case Family.AUVIOUS:
            code = "Status" + _phrase(error.status).replace(" ", "")
            return AuviousError(code, error.detail, request_id)
        case Family.OAUTH:
            known = _OAUTH_ERRORS.get(error.status, "invalid_request")
            return OauthError(error.code if error.code in _OAUTH_CODES else known, error.detail)
        case Family.OPS:
            pointer = error.pointer if isinstance(error, BadInput) else ""
            return OpsError(_phrase(error.status), error.status, error.detail, error.code, request_id, pointer)
        case _:
            assert_never(family)


def _headers(error: HubError) -> Headers:
    headers: Headers = ()
    if error.retry_after is not None:
        headers += (("Retry-After", str(max(1, math.ceil(error.retry_after)))),)
    match error:
        case TokenInvalid() | TokenExpired():
            headers += (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
        case Unauthenticated():
            headers += (("WWW-Authenticate", "Bearer"),)
        case MethodNotAllowed():
            headers += (("Allow", ", ".join(error.allow)),)
        case _:
            pass
    return headers


def answer(error: HubError, family: Family, request_id: str) -> Reply:
    """The answer that tells a client of `family` about `error`.

    `error.fields` become further members of the body, except in the two families whose form is closed (GWS, OAuth).
    """
    members: dict[str, object] = msgspec.to_builtins(_body(error, family, request_id))
    if family not in {Family.GWS, Family.OAUTH}:
        members |= error.fields
    return Reply(error.status, msgspec.json.encode(members), media_type_of(family), _headers(error))
