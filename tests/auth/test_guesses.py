import pytest

from hub.auth.guesses import OF_ADDRESS, OF_PAIR, OF_USER, Guesses, network
from hub.kernel.errors import TooManyRequests


def tries(guesses: Guesses, user: str, address: str, now: float = 0.0, limit: int = 1_000) -> int:
    """How many wrong ones are let through at once."""
    for count in range(limit):
        try:
            guesses.begin(user, address, now)
        except TooManyRequests:
            return count
    return limit


def test_wrong_passwords_from_one_address_are_few_and_the_wait_is_told() -> None:
    guesses = Guesses()
    assert tries(guesses, "alice", "10.0.0.1") == OF_PAIR[0]
    with pytest.raises(TooManyRequests) as refused:
        guesses.begin("alice", "10.0.0.1", 0.0)
    assert refused.value.retry_after == pytest.approx(1 / OF_PAIR[1])
    assert tries(guesses, "alice", "10.0.0.1", 31.0) == 1


def test_trying_on_while_refused_makes_it_no_worse() -> None:
    guesses = Guesses()
    tries(guesses, "alice", "10.0.0.1")
    for second in range(30):
        assert tries(guesses, "alice", "10.0.0.1", float(second)) == 0
    assert tries(guesses, "alice", "10.0.0.1", 31.0) == 1


def test_one_address_cannot_go_through_many_users() -> None:
    guesses = Guesses()
    through = sum(tries(guesses, f"user{n}", "10.0.0.1", limit=1) for n in range(200))
    assert through == OF_ADDRESS[0]
    assert tries(guesses, "alice", "10.0.0.2") == OF_PAIR[0]


def test_many_addresses_cannot_go_through_one_user() -> None:
    guesses = Guesses()
    through = sum(tries(guesses, "alice", f"10.0.{n}.1", limit=1) for n in range(200))
    assert through == OF_USER[0]


def test_who_has_got_in_before_is_not_locked_out_by_others() -> None:
    guesses = Guesses()
    guesses.begin("alice", "10.9.9.9", 0.0)
    guesses.right("alice", "10.9.9.9")
    for n in range(200):
        tries(guesses, "alice", f"10.0.{n}.1", limit=1)
    assert tries(guesses, "alice", "10.8.8.8") == 0
    assert tries(guesses, "alice", "10.9.9.9", limit=3) == 3


def test_what_is_right_does_not_count() -> None:
    guesses = Guesses()
    for n in range(500):
        guesses.begin(f"agent{n % 50}", "10.0.0.1", 0.0)
        guesses.right(f"agent{n % 50}", "10.0.0.1")
    assert tries(guesses, "agent1", "10.0.0.1") == OF_PAIR[0]


def test_what_is_refused_takes_nothing_from_the_other_rates() -> None:
    guesses = Guesses()
    tries(guesses, "alice", "10.0.0.1")
    for _ in range(500):
        tries(guesses, "alice", "10.0.0.1", limit=1)
    assert tries(guesses, "bob", "10.0.0.1") == OF_PAIR[0]
    assert tries(guesses, "alice", "10.0.0.2") == OF_PAIR[0]


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_a_customers_whole_network_is_one_address(address: str, counted_as: str) -> None:
    assert network(address) == counted_as
