import json

import pytest

from api.http.problems import Family, MethodNotAllowed, answer, family_of
from hub.kernel.errors import (
    BadInput,
    Conflict,
    HubError,
    Internal,
    NotFound,
    Overloaded,
    TokenExpired,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/api/v2", Family.GWS),
        ("/api/v2/events", Family.GWS),
        ("/api/v20/events", Family.OPS),
        ("/genesys/1/service/callback/x", Family.GMS),
        ("/api/appointments/", Family.AUVIOUS),
        ("/api/cal/events/ical/1/event", Family.AUVIOUS),
        ("/api/notifications/tags", Family.AUVIOUS),
        ("/security/genesys/room", Family.AUVIOUS),
        ("/security/oauth/token", Family.OAUTH),
        ("/readyz", Family.OPS),
        ("/", Family.OPS),
    ],
)
def test_the_prefix_decides_the_family(path: str, family: Family) -> None:
    assert family_of(path) is family


@pytest.mark.parametrize(
    ("family", "body"),
    [
        (Family.GWS, {"statusCode": 6, "statusMessage": "No call 7"}),
        (
            Family.GMS,
            {
                "message": "No call 7",
                "exception": "com.genesyslab.gsg.services.callback.CallbackServiceException",
                "hint": 1,
            },
        ),
        (Family.AUVIOUS, {"code": "StatusNotFound", "message": "No call 7", "requestId": "r1", "hint": 1}),
        (Family.OAUTH, {"error": "invalid_request", "error_description": "No call 7"}),
        (
            Family.OPS,
            {
                "title": "Not Found",
                "status": 404,
                "detail": "No call 7",
                "code": "not_found",
                "requestId": "r1",
                "hint": 1,
            },
        ),
    ],
)
def test_each_family_has_its_own_form(family: Family, body: dict[str, object]) -> None:
    reply = answer(NotFound("No call 7", fields={"hint": 1}), family, "r1")
    assert reply.status == 404
    assert json.loads(reply.body) == body
    assert reply.media_type == ("application/problem+json" if family is Family.OPS else "application/json")


@pytest.mark.parametrize(
    ("error", "status", "number"),
    [
        (BadInput(), 400, 10),
        (Unauthenticated(), 401, 20),
        (Conflict(status_code=18), 409, 18),
        (TooLarge(), 413, 4),
        (TooManyRequests(), 429, 4),
        (Internal(), 500, 4),
        (Overloaded(), 503, 4),
        (MethodNotAllowed(("GET",)), 405, 3),
    ],
)
def test_status_and_number_are_those_of_the_tree(error: HubError, status: int, number: int) -> None:
    reply = answer(error, Family.GWS, "r1")
    assert reply.status == status
    assert json.loads(reply.body)["statusCode"] == number


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unauthenticated(), "invalid_client"),
        (BadInput(), "invalid_request"),
        (Internal(), "server_error"),
        (Overloaded(), "temporarily_unavailable"),
    ],
)
def test_oauth_uses_the_words_of_its_rfc(error: HubError, code: str) -> None:
    assert json.loads(answer(error, Family.OAUTH, "r1").body)["error"] == code


def test_problem_details_carry_the_place() -> None:
    reply = answer(BadInput("Expected `str`", pointer="/3/data"), Family.OPS, "r1")
    assert json.loads(reply.body)["pointer"] == "/3/data"


@pytest.mark.parametrize(("seconds", "header"), [(0.1, "1"), (1.0, "1"), (1.2, "2"), (30.0, "30")])
def test_retry_after_is_whole_seconds_rounded_up(seconds: float, header: str) -> None:
    assert dict(answer(Overloaded(retry_after=seconds), Family.GWS, "r1").headers)["Retry-After"] == header


def test_401_says_how_to_authenticate_and_405_what_is_allowed() -> None:
    assert answer(Unauthenticated(), Family.GWS, "r1").headers == (("WWW-Authenticate", "Bearer"),)
    assert answer(TokenExpired(), Family.GWS, "r1").headers == (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    assert answer(MethodNotAllowed(("GET", "HEAD")), Family.GWS, "r1").headers == (("Allow", "GET, HEAD"),)
    assert answer(NotFound(), Family.GWS, "r1").headers == ()
