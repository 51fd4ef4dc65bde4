"""Who may come in where customers do, without a login: by the key of a service, as somebody of its organization, or as
a stranger, whose requests are counted.
"""

from typing import Any, Final

from api.http.authentication import authenticate
from api.http.request import Call
from hub.auth.guesses import network
from hub.kernel.errors import Unauthenticated
from hub.kernel.secret import Secret

KEY_HEADER: Final = "X-API-Key"


class KeyNeeded(Unauthenticated):
    """The service is not for strangers, and the key is missing or wrong."""

    code = "key_needed"
    default_detail = f"{KEY_HEADER} is missing or wrong"


async def admit(call: Call[Any], organization: str, key: Secret | None) -> bool:
    """Let in whoever brings the key or a token of the organization; without a `key` anybody, as often as strangers may.
    Says whether it is somebody known.

    A token of another organization is worth nothing. Raises KeyNeeded, TooManyRequests, and what `authenticate` raises.
    """
    given = call.headers.get(KEY_HEADER.lower().encode())
    if key is not None and given is not None and Secret(given.decode("latin-1")) == key:
        return True
    if b"authorization" in call.headers:
        caller = await authenticate(
            call.services, call.headers, frozenset(), call.now, address=call.address, changes=True
        )
        if caller.principal.organization == organization:
            return True
    call.services.quotas.strangers.take(network(call.address))
    if key is not None:
        raise KeyNeeded
    return False
