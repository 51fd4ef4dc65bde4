import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.catalog import BUILT_IN, CALLS, DEVICES, ME, USERS, Catalog, Channel
from channels.envelope import Stream
from channels.names import intersect, is_valid, matches

TEAM = Channel(pattern="/team/*", durable=True)
DEMO = Channel(pattern="/demo/**")
LOBBY = Channel(pattern="/lobby")
CATALOG = Catalog([TEAM, DEMO, LOBBY])

FOUND = {
    "/v2/me": ME,
    "/v2/users": USERS,
    "/v2/me/calls": CALLS,
    "/v2/me/devices": DEVICES,
    "/lobby": LOBBY,
    "/team/sales": TEAM,
    "/demo/a": DEMO,
    "/demo/a/b/c": DEMO,
}
NOT_FOUND = {
    "parent of a pattern": "/demo",
    "below one segment": "/team/sales/x",
    "unknown below the four": "/v2/me/chats",
    "below a concrete name": "/lobby/1",
    "parent of the four": "/v2",
    "pattern itself": "/demo/**",
    "pattern within a pattern": "/demo/a/*",
    "pattern over the four": "/v2/me/*",
    "everything": "/**",
    "meta": "/meta/connect",
    "service": "/service/x",
    "empty": "",
    "double slash": "/demo//a",
    "trailing slash": "/demo/a/",
    "trailing newline": "/demo/a\n",
    "newline after one of the four": "/v2/me\n",
    "upper case": "/V2/me",
    "control character": "/demo/\0",
    "too long": "/demo/" + "a" * 256,
}


@pytest.mark.parametrize(("name", "channel"), FOUND.items(), ids=FOUND.keys())
def test_find(name: str, channel: Channel) -> None:
    assert CATALOG.find(name) is channel


@pytest.mark.parametrize("name", NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_find_nothing(name: str) -> None:
    assert CATALOG.find(name) is None


def test_the_four_come_first_and_custom_channels_in_their_order() -> None:
    assert Catalog().channels == BUILT_IN == (ME, USERS, CALLS, DEVICES)
    assert CATALOG.channels == (ME, USERS, CALLS, DEVICES, TEAM, DEMO, LOBBY)


def test_promises_of_the_four() -> None:
    assert all(channel.durable and not channel.publish for channel in BUILT_IN)
    assert [channel.pattern for channel in BUILT_IN if channel.personal] == ["/v2/me", "/v2/me/calls", "/v2/me/devices"]
    assert USERS.subscribe == frozenset({"ROLE_SUPERVISOR", "ROLE_ADMIN"})
    assert {channel.pattern: [kind.__name__ for kind in channel.messages] for channel in BUILT_IN} == {
        "/v2/me": ["PasswordChangeMessage", "AppointmentStateChangeMessage", "CallbackStateChangeMessage"],
        "/v2/users": [
            "PasswordChangeMessage",
            "AppointmentStateChangeMessage",
            "CallbackStateChangeMessage",
            "UserStateChangeMessage",
            "CallbackWatermarkMessage",
        ],
        "/v2/me/calls": ["CallStateChangeMessage"],
        "/v2/me/devices": ["DeviceStateChangeMessage"],
    }


def test_a_custom_channel_grants_nothing_unless_told() -> None:
    assert (LOBBY.subscribe, LOBBY.publish, LOBBY.personal, LOBBY.durable) == (frozenset(), frozenset(), False, False)


@pytest.mark.parametrize(
    ("name", "user", "stream"),
    [
        pytest.param("/v2/me/calls", "alice", Stream("demo", "alice", "/v2/me/calls"), id="personal"),
        pytest.param("/v2/users", "sue", Stream("demo", "", "/v2/users"), id="shared ignores the user"),
        pytest.param("/v2/users", "", Stream("demo", "", "/v2/users"), id="shared without user"),
        pytest.param("/demo/a/b", "alice", Stream("demo", "", "/demo/a/b"), id="custom by concrete name"),
    ],
)
def test_stream(name: str, user: str, stream: Stream) -> None:
    assert CATALOG.stream("demo", user, name) == stream


def test_a_personal_stream_needs_a_user() -> None:
    with pytest.raises(ValueError, match="/v2/me/calls is personal"):
        CATALOG.stream("demo", "", "/v2/me/calls")


@pytest.mark.parametrize("name", ["/demo/**", "/nowhere", "/demo/a\n"], ids=["pattern", "unknown", "malformed"])
def test_no_stream_without_channel(name: str) -> None:
    with pytest.raises(LookupError, match="no channel covers"):
        CATALOG.stream("demo", "alice", name)


UNFIT = {
    "malformed": (["/a//b"], "no valid channel name"),
    "wildcard in the middle": (["/a/*/b"], "no valid channel name"),
    "one of the four": (["/v2/me"], "overlaps /v2/me"),
    "wildcard over the four": (["/v2/**"], "overlaps /v2/me"),
    "wildcard over some of the four": (["/v2/me/*"], "overlaps /v2/me/calls"),
    "everything": (["/**"], "overlaps /meta"),
    "first level reaches the protocol": (["/*"], "overlaps /meta"),
    "meta": (["/meta/own"], "overlaps /meta"),
    "service": (["/service/**"], "overlaps /service"),
    "bare meta": (["/meta"], "overlaps /meta"),
    "twice": (["/team/**", "/team/**"], r"/team/\*\* overlaps /team/\*\*"),
    "one inside the other": (["/team/**", "/team/sales"], r"/team/sales overlaps /team/\*\*"),
    "one around the other": (["/team/sales/*", "/team/**"], r"/team/\*\* overlaps /team/sales/\*"),
}


@pytest.mark.parametrize(("patterns", "message"), UNFIT.values(), ids=UNFIT.keys())
def test_unfit_custom_channels(patterns: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Catalog([Channel(pattern=pattern) for pattern in patterns])


def test_a_custom_channel_is_never_personal() -> None:
    with pytest.raises(ValueError, match="/team: a custom channel cannot be personal"):
        Catalog([Channel(pattern="/team", personal=True)])


def test_neighbours_of_reserved_names_are_free() -> None:
    catalog = Catalog(
        [Channel(pattern=pattern) for pattern in ("/v2/me/notes", "/metadata/*", "/services", "/v2/x/**")]
    )
    assert catalog.find("/metadata/a") is catalog.channels[5]


segments = st.lists(st.sampled_from(["team", "demo", "lobby", "v2", "me", "a"]), min_size=1, max_size=4)


@given(segments)
def test_find_agrees_with_the_patterns(parts: list[str]) -> None:
    name = "/" + "/".join(parts)
    assert is_valid(name)
    covering = [channel for channel in CATALOG.channels if matches(channel.pattern, name)]
    assert ([] if (found := CATALOG.find(name)) is None else [found]) == covering


@given(st.lists(st.tuples(segments, st.sampled_from(["", "/*", "/**"])), max_size=5))
def test_no_catalogue_has_overlapping_channels(drawn: list[tuple[list[str], str]]) -> None:
    patterns = ["/" + "/".join(parts) + tail for parts, tail in drawn]
    try:
        catalog = Catalog([Channel(pattern=pattern) for pattern in patterns])
    except ValueError:
        return
    names = [channel.pattern for channel in catalog.channels]
    assert not any(intersect(a, b) for i, a in enumerate(names) for b in names[:i])
