from channels.catalog import Catalog, Channel
from channels.envelope import Stream
from hub.brokers.port import Topic, topic_of

CATALOG = Catalog([Channel(pattern="/walls/**", durable=True), Channel(pattern="/news")])


def test_everything_personal_of_a_user_is_one_topic() -> None:
    streams = [Stream("acme", "alice", channel) for channel in ("/v2/me", "/v2/me/calls", "/v2/me/devices")]
    assert {topic_of(stream, CATALOG) for stream in streams} == {Topic("acme", "alice", "")}


def test_the_same_user_id_in_two_organizations_is_two_topics() -> None:
    assert topic_of(Stream("acme", "alice", "/v2/me"), CATALOG) != topic_of(
        Stream("globex", "alice", "/v2/me"), CATALOG
    )


def test_shared_channels_are_one_topic_a_pattern() -> None:
    assert topic_of(Stream("acme", "", "/walls/a"), CATALOG) == Topic("acme", "", "/walls/**")
    assert topic_of(Stream("acme", "", "/walls/b/c"), CATALOG) == Topic("acme", "", "/walls/**")
    assert topic_of(Stream("acme", "", "/news"), CATALOG) == Topic("acme", "", "/news")
    assert topic_of(Stream("acme", "", "/v2/users"), CATALOG) == Topic("acme", "", "/v2/users")


def test_a_channel_that_is_no_longer_configured_has_a_topic_of_its_own() -> None:
    assert topic_of(Stream("acme", "", "/gone/x"), CATALOG) == Topic("acme", "", "/gone/x")
