"""Who may do what to whom: the table, said once more and independently, and the requests that it decides about."""

from itertools import combinations

import pytest

from api.security.rules import Account
from api.users import rules
from api.users.rules import GRANTABLE, PERMISSIONS, Deed
from channels.access import Role
from hub.auth.principal import Principal
from hub.kernel.errors import BadInput, Forbidden
from tests.api.world import World

ADMIN, SUPERVISOR, AGENT = "ROLE_ADMIN", "ROLE_SUPERVISOR", "ROLE_AGENT"
CLIENT, CUSTOMER = "ROLE_CLIENT_SERVICE", "ROLE_CUSTOMER"
TARGETS = {"oneself": "me", "an agent": "alice", "a supervisor": "sue", "an administrator": "adam", "nobody": "nemo"}

# To whom each role may do it: (o)neself, (a)gents, (s)upervisors, ad(m)inistrators of the own organization.
EXPECTED = {
    Deed.READ: {ADMIN: "oasm", SUPERVISOR: "oasm", AGENT: "o", CLIENT: "o", CUSTOMER: "o"},
    Deed.UPDATE: {ADMIN: "oasm"},
    Deed.SET_ROLES: {ADMIN: "asm"},
    Deed.ENABLE: {ADMIN: "asm"},
    Deed.DELETE: {ADMIN: "asm"},
    Deed.SET_PASSWORD: {ADMIN: "asm", SUPERVISOR: "a"},
}
LETTERS = {"oneself": "o", "an agent": "a", "a supervisor": "s", "an administrator": "m"}
REQUESTS = {
    Deed.READ: ("GET", "/api/v2/users/{}", None),
    Deed.UPDATE: ("PUT", "/api/v2/users/{}", {"firstName": "Changed"}),
    Deed.SET_ROLES: ("PUT", "/api/v2/users/{}/roles", {"roles": [AGENT, SUPERVISOR]}),
    Deed.ENABLE: ("POST", "/api/v2/users/{}", {"operationName": "Disable"}),
    Deed.DELETE: ("DELETE", "/api/v2/users/{}", None),
    Deed.SET_PASSWORD: (
        "POST",
        "/api/v2/users/{}",
        {"operationName": "ChangePassword", "newPassword": "a new one, long"},
    ),
}
ROLES = [role.value for role in Role]
OF_ONE_ROLE = [(role,) for role in ROLES]
OF_SEVERAL = [*combinations(ROLES, 2), (), tuple(ROLES), ("ROLE_UNKNOWN",), ("role_admin",)]


def permitted(deed: Deed, roles: tuple[str, ...]) -> set[str]:
    return set("".join(EXPECTED[deed].get(role, "") for role in roles))


async def populated(world: World) -> None:
    for organization in ("acme", "globex"):
        for user, role in (("alice", AGENT), ("sue", SUPERVISOR), ("adam", ADMIN)):
            await world.user(f"{user}{'' if organization == 'acme' else '.globex'}", role, organization=organization)


@pytest.mark.parametrize("roles", [*OF_ONE_ROLE, *OF_SEVERAL], ids="+".join)
@pytest.mark.parametrize("deed", EXPECTED, ids=lambda deed: deed.name)
async def test_a_request_reaches_exactly_whom_its_roles_reach(world: World, deed: Deed, roles: tuple[str, ...]) -> None:
    await populated(world)
    token = (
        world.token("me", *roles)
        if roles
        else world.tokens.mint(user="me", organization="acme", roles=(), ttl=60, now=world.clock.now())
    )
    await world.user("me", *sorted(set(roles) & set(ROLES)))
    method, path, body = REQUESTS[deed]
    may = permitted(deed, roles)
    for name, target in TARGETS.items():
        before = await world.account(target)
        reply = await world.ask(method, path.format(target), body, token=token)
        if name == "nobody":
            assert reply.status_code == (404 if may - {"o"} else 403), reply.text
        elif LETTERS[name] in may:
            assert (reply.status_code, reply.json()["statusCode"]) == (200, 0), (name, reply.text)
        else:
            assert (reply.status_code, reply.json()["statusCode"]) in {(403, 5), (403, 3)}, (name, reply.text)
            assert reply.json().keys() == {"statusCode", "statusMessage"}
            assert await world.account(target) == before
    for target in ("alice.globex", "sue.globex", "adam.globex"):
        before = await world.account(target, "globex")
        reply = await world.ask(method, path.format(target), body, token=token)
        assert reply.status_code == (404 if may - {"o"} else 403)
        assert await world.account(target, "globex") == before


@pytest.mark.parametrize("role", ROLES)
async def test_lists_and_new_users_are_for_their_roles(world: World, role: str) -> None:
    listed = await world.ask("GET", "/api/v2/users", token=world.token("me", role))
    assert listed.status_code == (200 if role in {ADMIN, SUPERVISOR} else 403)
    made = await world.ask("POST", "/api/v2/users", {"userName": "new"}, token=world.token("me", role))
    assert made.status_code == (200 if role == ADMIN else 403)
    assert (await world.account("new") is not None) == (role == ADMIN)


def test_the_table_knows_every_deed_and_nothing_is_tested_that_it_does_not_know() -> None:
    assert set(PERMISSIONS) == set(Deed)
    assert set(EXPECTED) == set(REQUESTS) == set(Deed) - {Deed.LIST, Deed.CREATE}


def someone(id: str, *roles: str) -> Account:
    return Account(organization="acme", id=id, user_name=id, roles=frozenset(roles))


@pytest.mark.parametrize("higher", [ADMIN, SUPERVISOR, CLIENT, CUSTOMER])
def test_a_supervisor_sets_no_password_of_an_agent_who_is_more_than_that(higher: str) -> None:
    caller = Principal(user="sue", organization="acme", roles=frozenset({SUPERVISOR}), issued_at=0, expires_at=9)
    rules.require_for(Deed.SET_PASSWORD, caller, someone("alice", AGENT))
    with pytest.raises(Forbidden):
        rules.require_for(Deed.SET_PASSWORD, caller, someone("alice", AGENT, higher))


def test_the_roles_of_programs_and_customers_are_not_given_to_people() -> None:
    assert rules.require_grantable({AGENT, ADMIN}) == {AGENT, ADMIN}
    assert {AGENT, SUPERVISOR, ADMIN} == GRANTABLE
    for role in (CLIENT, CUSTOMER, "ROLE_ROOT", ""):
        with pytest.raises(BadInput, match="cannot be given"):
            rules.require_grantable({AGENT, role})
