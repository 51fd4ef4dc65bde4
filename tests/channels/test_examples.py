from channels.catalog import BUILT_IN
from channels.examples import EXAMPLES


def test_every_message_of_the_catalogue_has_an_example() -> None:
    assert set(EXAMPLES) == {kind for channel in BUILT_IN for kind in channel.messages}
