import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from hub.kernel import ids


def test_ids_are_base_36_of_their_length() -> None:
    node = ids.node_id()
    assert re.fullmatch(r"[0-9a-z]{8}", node)
    assert re.fullmatch(r"[0-9a-z]{34}", ids.client_id(node))
    assert re.fullmatch(r"[0-9a-z]{20}", ids.event_id())
    assert re.fullmatch(r"[0-9a-z]{16}", ids.request_id())
    assert re.fullmatch(r"[0-9a-z]{8}", ids.epoch())


def test_a_client_id_names_its_node() -> None:
    assert ids.client_id("node0001").startswith("node0001")


def test_ids_do_not_repeat() -> None:
    assert len({ids.event_id() for _ in range(2_000)}) == 2_000


def test_every_character_is_as_likely_as_the_others() -> None:
    counts = Counter("".join(ids.random_base36(72) for _ in range(1_000)))
    assert set(counts) == set(ids.ALPHABET)
    # 2,000 expected of each, standard deviation 44: eight of them away means a broken generator.
    assert all(1_650 < count < 2_350 for count in counts.values())


def test_threads_do_not_give_out_the_same() -> None:
    with ThreadPoolExecutor(4) as threads:
        drawn = [
            each for ids_ in threads.map(lambda _: [ids.event_id() for _ in range(500)], range(8)) for each in ids_
        ]
    assert len(set(drawn)) == 4_000
