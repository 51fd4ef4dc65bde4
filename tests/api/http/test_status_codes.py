"""The `statusCode` of `/api/v2` and the HTTP status beside it."""

from collections.abc import Iterator

import pytest

import api.routes
from hub.kernel.errors import HubError

assert api.routes.operations(), "imported for the errors of all domains"

RULED = {
    1: 400, 2: 400, 3: 403, 4: 500, 5: 403, 6: 404, 8: 403, 10: 400, 11: 400, 12: 500, 13: 500, 14: 500, 15: 500,
    16: 500, 17: 500, 18: 409, 19: 409, 20: 401,
}  # fmt: skip
# What HTTP has a status of its own for; the number says the nearest thing.
OF_HTTP = {"conflict": 409, "file_gone": 409, "foreign_issuer": 409, "idempotency_key_done": 409, "link_expired": 410,
           "method_not_allowed": 405, "ticket_early": 409, "ticket_spent": 410, "too_large": 413, "too_slow": 408,
           "too_many_requests": 429, "unprocessable": 422, "unsupported_media_type": 415}  # fmt: skip


def kinds(kind: type[HubError] = HubError) -> Iterator[type[HubError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from kinds(narrower)


OURS = {kind.__name__: kind for kind in kinds() if kind.__module__.startswith(("hub.kernel", "api."))}


@pytest.mark.parametrize("kind", OURS.values(), ids=OURS.keys())
def test_the_two_agree(kind: type[HubError]) -> None:
    if kind.status == 503:
        assert kind.status_code == 4
    else:
        assert kind.status == OF_HTTP.get(kind.code, RULED[kind.status_code])
