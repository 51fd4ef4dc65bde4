import pytest

from api.events.rules import Submitted, Terms, admit
from channels.catalog import Catalog, Channel
from channels.envelope import Stream
from hub.kernel.errors import BadInput, Forbidden, MissingParameter, TooLarge

CATALOG = Catalog([Channel(pattern="/demo/**"), Channel(pattern="/walls/*", durable=True)])
TERMS = Terms(CATALOG, "acme", strict=False, max_bytes=100)


def asked(channel: str, data: bytes = b"{}", user: str | None = None, organization: str | None = None) -> Submitted:
    return Submitted(channel, data, user, organization)


def test_personal_channels_lead_to_the_stream_of_the_user() -> None:
    admitted = admit(asked("/v2/me/calls", user="alice@x.org"), TERMS)
    assert admitted.stream == Stream("acme", "alice@x.org", "/v2/me/calls")
    assert admitted.durable


@pytest.mark.parametrize(
    ("channel", "durable"), [("/v2/users", True), ("/demo/chat", False), ("/demo/a/b", False), ("/walls/a", True)]
)
def test_shared_channels_lead_to_a_stream_without_user(channel: str, durable: bool) -> None:
    admitted = admit(asked(channel, organization="acme"), TERMS)
    assert admitted.stream == Stream("acme", "", channel)
    assert admitted.durable is durable


def test_data_without_a_known_message_is_marked_unknown() -> None:
    assert admit(asked("/v2/users"), TERMS).unknown
    assert admit(asked("/v2/users", b'{"messageType":"CallStateChangeMessage"}'), TERMS).unknown
    known = b'{"messageType":"PasswordChangeMessage","notificationType":"PasswordChangeSuccessful"}'
    assert not admit(asked("/v2/users", known), TERMS).unknown


def test_strict_terms_refuse_what_is_unknown() -> None:
    with pytest.raises(BadInput) as refusal:
        admit(asked("/demo/chat"), TERMS._replace(strict=True))
    assert refusal.value.pointer == "/data/messageType"


def test_the_limit_of_one_event_is_inclusive() -> None:
    assert admit(asked("/demo/chat", b'{"a":"%s"}' % (b"x" * 92)), TERMS).data.endswith(b'x"}')
    with pytest.raises(TooLarge):
        admit(asked("/demo/chat", b'{"a":"%s"}' % (b"x" * 93)), TERMS)


def test_missing_and_surplus_users_differ() -> None:
    with pytest.raises(MissingParameter) as missing:
        admit(asked("/v2/me"), TERMS)
    assert missing.value.pointer == "/userId"
    with pytest.raises(BadInput) as surplus:
        admit(asked("/walls/a", user="alice"), TERMS)
    assert surplus.value.code == "bad_input"


def test_another_organization_is_forbidden_even_if_everything_else_is_right() -> None:
    with pytest.raises(Forbidden):
        admit(asked("/v2/me", user="alice", organization="Acme"), TERMS)
