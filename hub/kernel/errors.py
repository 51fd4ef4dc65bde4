"""One error tree, rendered per API family and on Bayeux by the edges.

Raising one of these is the only way in which a use case refuses. `code` is stable and documented; `detail` is
written for the client and holds no secret, no token and no text of an exception from elsewhere.
"""

from collections.abc import Mapping
from typing import ClassVar


class HubError(Exception):
    """A refusal or a failure that a client may be told about.

    `status` is the HTTP status and `status_code` the number in `/api/v2` bodies; `retriable` says whether the same
    request may succeed later without being changed. `retry_after` is in seconds, `fields` holds further members for
    the body. A raiser may narrow `code` and `status_code` where the protocol has a more exact one.
    """

    code: str = "internal"
    status: ClassVar[int] = 500
    status_code: int = 4
    retriable: ClassVar[bool] = False
    default_detail: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        status_code: int | None = None,
        retry_after: float | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        self.detail: str = self.default_detail if detail is None else detail
        super().__init__(self.detail)
        if code is not None:
            self.code = code
        if status_code is not None:
            self.status_code = status_code
        self.retry_after = retry_after
        self.fields: dict[str, object] = dict(fields or {})


class BadInput(HubError):
    """The request is malformed or a value is out of range; `pointer` is the JSON Pointer of the place ("" = whole)."""

    code = "bad_input"
    status = 400
    status_code = 10
    default_detail = "Value outside valid range"

    def __init__(
        self,
        detail: str | None = None,
        *,
        pointer: str = "",
        code: str | None = None,
        status_code: int | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail, code=code, status_code=status_code, fields=fields)
        self.pointer = pointer


class MissingParameter(BadInput):
    """A required member or parameter is absent."""

    code = "missing_parameter"
    status_code = 1
    default_detail = "Required parameter missing"


class WrongState(BadInput):
    """Well-formed, and not possible as things are."""

    code = "wrong_state"
    status_code = 2
    default_detail = "Not valid for the current state"


class ReadOnly(BadInput):
    """The property cannot be changed."""

    code = "read_only"
    status_code = 11
    default_detail = "Read-only property"


class Unauthenticated(HubError):
    """Nobody is known to be asking."""

    code = "unauthenticated"
    status = 401
    status_code = 20
    default_detail = "Not authenticated"


class TokenInvalid(Unauthenticated):
    """The token is not one of ours; deliberately silent about which check refused it."""

    code = "token_invalid"
    default_detail = "Token is not valid"


class TokenExpired(Unauthenticated):
    """The token was ours and its time is over; a new one may be handed in."""

    code = "token_expired"
    default_detail = "Token has expired"


class LoginFailed(Unauthenticated):
    """No such user, no such password, disabled: which of them is nobody's business but the operator's."""

    code = "login_failed"
    default_detail = "User name or password is not right"


class Forbidden(HubError):
    """Known, and not permitted."""

    code = "forbidden"
    status = 403
    status_code = 5
    default_detail = "No permission"


class OperationForbidden(Forbidden):
    """Permitted in general, and never in this case: disabling oneself, for example."""

    code = "operation_forbidden"
    status_code = 3
    default_detail = "Operation forbidden"


class PasswordChangeDemanded(Forbidden):
    """The password was set by somebody else: its owner has to change it before anything else."""

    code = "password_change_demanded"
    status_code = 8
    default_detail = "Change the password first"


class NotFound(HubError):
    """No such resource, or none that the caller may see."""

    code = "not_found"
    status = 404
    status_code = 6
    default_detail = "Resource not found"


class Conflict(HubError):
    """Not possible in the current state."""

    code = "conflict"
    status = 409
    status_code = 2
    default_detail = "Not valid for the current state"


class AlreadyExists(Conflict):
    """Something else has this name."""

    code = "already_exists"
    status_code = 18
    default_detail = "Already exists"


class AlreadyInUse(Conflict):
    """Somebody else has it."""

    code = "already_in_use"
    status_code = 19
    default_detail = "Already in use"


class TooLarge(HubError):
    """The message or body exceeds its limit in bytes."""

    code = "too_large"
    status = 413
    default_detail = "Message too large"


class Unprocessable(HubError):
    """Well-formed, and in contradiction to something: an idempotency key used with another body, for example."""

    code = "unprocessable"
    status = 422
    status_code = 10
    default_detail = "Cannot be processed"


class TooManyRequests(HubError):
    """The caller exceeds a rate; `retry_after` says when it may try again."""

    code = "too_many_requests"
    status = 429
    retriable = True
    default_detail = "Too many requests"


class Internal(HubError):
    """Our fault. What happened is in the log under the request id, not in the body."""

    code = "internal"
    default_detail = "Internal error"


class Overloaded(HubError):
    """A bounded queue is full or the process is draining; always carries `retry_after`."""

    code = "overloaded"
    status = 503
    retriable = True
    default_detail = "Overloaded, try again later"

    def __init__(self, detail: str | None = None, *, retry_after: float = 1.0, code: str | None = None) -> None:
        super().__init__(detail, code=code, retry_after=retry_after)


class Stopping(Overloaded):
    """The process ends before the request is done."""

    code = "stopping"
    default_detail = (
        "The process ends before this is done; it may have happened. "
        "Repeat the request with the same Idempotency-Key, or look first"
    )


class KeysUnavailable(Overloaded):
    """The keys of the token issuer have never been fetched yet, so that no token can be judged."""

    code = "keys_unavailable"
    default_detail = "The keys of the token issuer are not known yet, try again later"
