"""Having back a one-time code: by the headers of whatever it permits, or in any other way.

For a route that a code permits: `once(call, given_of(call), act, organization=…)`, where `act` is the use case. The
code is used in the transaction of the use case, so both happen or neither does; a wrong one is counted in any case.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from api.codes import actions
from api.codes.rules import Given, Verified
from api.http.request import Call
from hub.auth.guesses import network
from hub.kernel import metrics
from hub.kernel.errors import BadInput, TooManyRequests, Unauthenticated
from hub.kernel.secret import Secret
from hub.store.transaction import Tx

ID_HEADER: Final = "X-OtpVerificationId"
CODE_HEADER: Final = "X-OtpCode"

T = TypeVar("T")


class WrongCode(Unauthenticated):
    """Wrong, expired, used, tried too often, or never sent: which of them is not said."""

    code = "code_wrong"
    default_detail = "The code is not right, or not any more"


def given_of(call: Call[Any]) -> Given | None:
    """The code in the headers; None without one. Raises BadInput for half of it."""
    id_ = call.headers.get(ID_HEADER.lower().encode(), b"").decode("latin-1").strip()
    code = call.headers.get(CODE_HEADER.lower().encode(), b"").decode("latin-1").strip()
    if not id_ and not code:
        return None
    if not id_ or not code:
        raise BadInput(f"{ID_HEADER} and {CODE_HEADER} belong together")
    return Given(id_, Secret(code))


async def once(
    call: Call[Any],
    given: Given,
    act: Callable[[Tx, Verified], T],
    *,
    organization: str | None = None,
    recipient: str | None = None,
) -> T:
    """What `act` returns for a right code, which is used with that; when it raises, the code is as good as before.
    A code of another organization or recipient than those, where they are given, is a wrong one.

    Raises WrongCode, TooManyRequests, Overloaded, and what `act` raises.
    """
    quota, address = call.services.quotas.wrong_codes, network(call.address)
    try:
        quota.take(address)
    except TooManyRequests:
        metrics.CODES.labels("limited").inc()
        raise

    def work(tx: Tx) -> tuple[T] | None:
        verified = actions.redeem(tx, given, call.now, organization=organization, recipient=recipient)
        return None if verified is None else (act(tx, verified),)

    try:
        done = await call.services.db.write(work)
    except Exception:  # whatever went wrong, it was not the code
        quota.give_back(address)
        raise
    if done is None:
        metrics.CODES.labels("wrong").inc()
        raise WrongCode
    quota.give_back(address)
    metrics.CODES.labels("right").inc()
    return done[0]
