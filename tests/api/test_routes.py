import pytest

from api.routes import document, operations
from tests.api.world import EVENTS, World


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/api/v2/nothing", {"statusCode", "statusMessage"}),
        ("/api/v2/events/", {"statusCode", "statusMessage"}),
        ("/genesys/1/nothing", {"message", "exception"}),
        ("/api/appointments/x/y/z", {"code", "message", "requestId"}),
        ("/security/oauth/nothing", {"error", "error_description"}),
        ("/nothing", {"title", "status", "detail", "code", "requestId"}),
        ("/healthz/", {"title", "status", "detail", "code", "requestId"}),
    ],
)
async def test_unknown_paths_are_404_in_the_form_of_their_family(world: World, path: str, members: set[str]) -> None:
    for method in ("GET", "POST"):
        reply = await world.ask(method, path)
        assert reply.status_code == 404
        assert reply.json().keys() == members


async def test_a_wrong_method_is_405_before_anything_else_is_looked_at(world: World) -> None:
    reply = await world.ask("GET", EVENTS)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")
    assert reply.json()["statusCode"] == 3


def test_names_and_places_are_unique() -> None:
    all_of_them = operations()
    assert len({operation.name for operation in all_of_them}) == len(all_of_them)
    assert len({(operation.method, operation.path) for operation in all_of_them}) == len(all_of_them)


def test_the_document_is_stable_and_says_who_may_call() -> None:
    described = document(url="http://hub.test", version="1")
    assert described == document(url="http://hub.test", version="1")
    publish = described["paths"][EVENTS]["post"]
    assert publish["x-required-roles"] == ["ROLE_CLIENT_SERVICE"]
    assert publish["security"] == [{"token": []}, {"basic": []}, {"login": []}]
    assert {"200", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"} == publish["responses"].keys()
    assert publish["responses"]["400"]["content"].keys() == {"application/json"}
    assert "security" not in described["paths"]["/healthz"]["get"]
