import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.access import Role, SubscribeDenied, Target, may_publish, publish_allowed_roles, resolve
from channels.catalog import CALLS, DEVICES, ME, USERS, Catalog, Channel
from channels.names import is_pattern, matches

TEAM = Channel(
    pattern="/team/**", subscribe=frozenset({"ROLE_AGENT", "ROLE_SUPERVISOR"}), publish=frozenset({"ROLE_AGENT"})
)
WALL = Channel(pattern="/wall", durable=True, subscribe=frozenset({"ROLE_SUPERVISOR"}))
CATALOG = Catalog([TEAM, WALL])

AGENT, SUPERVISOR, ADMIN = (frozenset({role}) for role in (Role.AGENT, Role.SUPERVISOR, Role.ADMIN))
SERVICE, CUSTOMER, NOBODY = frozenset({Role.CLIENT_SERVICE}), frozenset({Role.CUSTOMER}), frozenset[str]()

ACCEPTED: dict[str, tuple[frozenset[str], str, list[tuple[str, Channel]]]] = {
    "own calls": (AGENT, "/v2/me/calls", [("/v2/me/calls", CALLS)]),
    "own user": (AGENT, "/v2/me", [("/v2/me", ME)]),
    "devices": (AGENT, "/v2/me/devices", [("/v2/me/devices", DEVICES)]),
    "users as supervisor": (SUPERVISOR, "/v2/users", [("/v2/users", USERS)]),
    "users as admin": (ADMIN, "/v2/users", [("/v2/users", USERS)]),
    "users by the second role": (AGENT | ADMIN, "/v2/users", [("/v2/users", USERS)]),
    "personal as customer": (CUSTOMER, "/v2/me/calls", [("/v2/me/calls", CALLS)]),
    "personal as client service": (SERVICE, "/v2/me", [("/v2/me", ME)]),
    "one level below me": (AGENT, "/v2/me/*", [("/v2/me/calls", CALLS), ("/v2/me/devices", DEVICES)]),
    "all below me": (SUPERVISOR, "/v2/me/**", [("/v2/me/calls", CALLS), ("/v2/me/devices", DEVICES)]),
    "one level of v2 as agent": (AGENT, "/v2/*", [("/v2/me", ME)]),
    "one level of v2 as supervisor": (SUPERVISOR, "/v2/*", [("/v2/me", ME), ("/v2/users", USERS)]),
    "v2 as agent": (
        AGENT,
        "/v2/**",
        [("/v2/me", ME), ("/v2/me/calls", CALLS), ("/v2/me/devices", DEVICES)],
    ),
    "v2 as supervisor": (
        SUPERVISOR,
        "/v2/**",
        [("/v2/me", ME), ("/v2/users", USERS), ("/v2/me/calls", CALLS), ("/v2/me/devices", DEVICES)],
    ),
    "everything as agent": (
        AGENT,
        "/**",
        [("/v2/me", ME), ("/v2/me/calls", CALLS), ("/v2/me/devices", DEVICES), ("/team/**", TEAM)],
    ),
    "everything as supervisor": (
        SUPERVISOR,
        "/**",
        [
            ("/v2/me", ME),
            ("/v2/users", USERS),
            ("/v2/me/calls", CALLS),
            ("/v2/me/devices", DEVICES),
            ("/team/**", TEAM),
            ("/wall", WALL),
        ],
    ),
    "first level finds the concrete custom channel": (SUPERVISOR, "/*", [("/wall", WALL)]),
    "concrete name in a custom pattern": (AGENT, "/team/sales/a", [("/team/sales/a", TEAM)]),
    "one level of a custom pattern": (AGENT, "/team/*", [("/team/*", TEAM)]),
    "below a custom pattern": (AGENT, "/team/sales/**", [("/team/sales/**", TEAM)]),
    "custom pattern itself": (AGENT, "/team/**", [("/team/**", TEAM)]),
    "a role that only the personal rule knows": (frozenset({"ROLE_X"}), "/v2/me", [("/v2/me", ME)]),
}


@pytest.mark.parametrize(("roles", "name", "targets"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(roles: frozenset[str], name: str, targets: list[tuple[str, Channel]]) -> None:
    assert resolve(CATALOG, roles, name) == tuple(Target(name, channel) for name, channel in targets)


DENIED = "denied_by_security_policy"
UNKNOWN = "channel_unknown"
REFUSED = {
    "users as agent": (AGENT, "/v2/users", DENIED),
    "users as customer": (CUSTOMER, "/v2/users", DENIED),
    "users as client service": (SERVICE, "/v2/users", DENIED),
    "custom as customer": (CUSTOMER, "/team/sales", DENIED),
    "custom below as customer": (CUSTOMER, "/team/sales/*", DENIED),
    "concrete custom as agent": (AGENT, "/wall", DENIED),
    "pattern that covers only the inaudible": (AGENT, "/*", DENIED),
    "pattern below users": (SUPERVISOR, "/v2/users/*", DENIED),
    "pattern over nothing": (SUPERVISOR, "/nowhere/**", DENIED),
    "meta pattern": (SUPERVISOR, "/meta/**", DENIED),
    "service pattern": (SUPERVISOR, "/service/*", DENIED),
    "nobody on a personal channel": (NOBODY, "/v2/me", DENIED),
    "nobody everywhere": (NOBODY, "/**", DENIED),
    "unknown": (AGENT, "/v2/me/state", UNKNOWN),
    "parent of a custom pattern": (AGENT, "/team", UNKNOWN),
    "meta": (ADMIN, "/meta/connect", UNKNOWN),
    "long meta": (ADMIN, "/meta/subscribe/x", UNKNOWN),
    "service": (ADMIN, "/service/x", UNKNOWN),
    "upper case": (SUPERVISOR, "/v2/USERS", UNKNOWN),
    "trailing slash": (SUPERVISOR, "/v2/users/", UNKNOWN),
    "newline": (SUPERVISOR, "/v2/users\n", UNKNOWN),
    "double slash inside a custom pattern": (AGENT, "/team//x", UNKNOWN),
    "wildcard in the middle": (AGENT, "/team/*/x", UNKNOWN),
    "wildcard in the middle and at the end": (AGENT, "/team/*/**", UNKNOWN),
    "empty": (AGENT, "", UNKNOWN),
    "another user's name": (AGENT, "/v2/bob/calls", UNKNOWN),
}


@pytest.mark.parametrize(("roles", "name", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(roles: frozenset[str], name: str, reason: str) -> None:
    with pytest.raises(SubscribeDenied) as refusal:
        resolve(CATALOG, roles, name)
    assert refusal.value.reason == str(refusal.value) == reason


@pytest.mark.parametrize(
    ("roles", "name", "allowed"),
    [
        pytest.param(AGENT, "/team/sales", True, id="permitted publisher"),
        pytest.param(SUPERVISOR, "/team/sales", False, id="listener only"),
        pytest.param(AGENT, "/wall", False, id="nobody may"),
        pytest.param(AGENT, "/team", False, id="parent"),
        pytest.param(AGENT, "/team/**", False, id="pattern"),
        pytest.param(AGENT, "/team/*", False, id="narrower pattern"),
        pytest.param(AGENT, "/team//x", False, id="malformed"),
        pytest.param(AGENT, "/nowhere", False, id="unknown"),
        pytest.param(AGENT, "/meta/handshake", False, id="meta"),
        pytest.param(NOBODY, "/team/sales", False, id="nobody"),
    ],
)
def test_may_publish(roles: frozenset[str], name: str, allowed: bool) -> None:
    assert may_publish(CATALOG, roles, name) is allowed


@pytest.mark.parametrize("channel", [ME, USERS, CALLS, DEVICES], ids=lambda channel: channel.pattern)
def test_no_role_publishes_on_the_four(channel: Channel) -> None:
    assert not may_publish(CATALOG, frozenset(Role), channel.pattern)
    assert publish_allowed_roles(CATALOG, channel.pattern) == frozenset()


def test_publish_allowed_roles() -> None:
    assert publish_allowed_roles(CATALOG, "/team/sales") == {"ROLE_AGENT"}
    assert publish_allowed_roles(CATALOG, "/team/**") == frozenset()


def test_roles_are_their_names() -> None:
    assert set(Role) == {"ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_ADMIN", "ROLE_CLIENT_SERVICE", "ROLE_CUSTOMER"}


parts = st.lists(st.sampled_from(["v2", "me", "users", "calls", "team", "wall", "x"]), max_size=4)
subscriptions = st.tuples(parts, st.sampled_from(["", "/*", "/**"])).map(
    lambda drawn: "".join(f"/{part}" for part in drawn[0]) + drawn[1] or "/x"
)
concrete = parts.filter(bool).map(lambda drawn: "/" + "/".join(drawn))
roles_held = st.frozensets(st.sampled_from(list(Role)))


def heard(roles: frozenset[str], subscription: str, name: str) -> list[Target]:
    try:
        targets = resolve(CATALOG, roles, subscription)
    except SubscribeDenied:
        return []
    return [target for target in targets if matches(target.name, name)]


@given(roles_held, subscriptions, concrete)
def test_a_subscription_hears_exactly_what_it_covers_and_the_roles_may_hear(
    roles: frozenset[str], subscription: str, name: str
) -> None:
    channel = CATALOG.find(name)
    permitted = channel is not None and bool(roles if channel.subscribe is None else channel.subscribe & roles)
    targets = heard(roles, subscription, name)
    assert [target.channel for target in targets] == ([channel] if permitted and matches(subscription, name) else [])


@given(subscriptions.filter(is_pattern))
def test_a_refused_pattern_does_not_tell_what_exists(subscription: str) -> None:
    with pytest.raises(SubscribeDenied, match=DENIED):
        resolve(CATALOG, NOBODY, subscription)


@given(roles_held, subscriptions)
def test_a_personal_target_is_never_a_pattern(roles: frozenset[str], subscription: str) -> None:
    try:
        targets = resolve(CATALOG, roles, subscription)
    except SubscribeDenied:
        return
    assert targets
    assert not any(is_pattern(target.name) for target in targets if target.channel.personal)
