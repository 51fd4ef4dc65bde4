import pytest

from api.security.rules import Account, Policy, require_name, weakness
from hub.kernel.errors import BadInput

LONG = Policy(length=12, kinds=1)
MIXED = Policy(length=8, kinds=3)


@pytest.mark.parametrize(
    ("password", "policy", "complaint"),
    [
        ("correct horse battery", LONG, None),
        ("только длинный пароль", LONG, None),
        ("elevenchars", LONG, "at least 12"),
        ("", LONG, "at least 12"),
        ("x" * 300, LONG, "at most 256"),
        ("aaaaaaaaaaaab", LONG, "5 different"),
        ("123412341234", LONG, "5 different"),
        ("my name is Alice!", LONG, "user name"),
        ("allsmallletters", MIXED, "mix 3"),
        ("Small and capital", MIXED, None),
        ("SmallCapital", MIXED, "mix 3"),
        ("SmallCapital1", MIXED, None),
    ],
)
def test_the_policy(password: str, policy: Policy, complaint: str | None) -> None:
    found = weakness(password, "alice", policy)
    assert (found is None) if complaint is None else (complaint in (found or "")), found
    assert found is None or not password or password not in found


def test_who_has_no_name_has_none_to_avoid() -> None:
    assert weakness("a long sentence", None, LONG) is None


@pytest.mark.parametrize("name", ["alice", "Alice Smith", "a+b@example.org", "Ζωή", "x" * 255])
def test_names_to_log_in_with(name: str) -> None:
    assert require_name(name) == name


@pytest.mark.parametrize("name", ["", " alice", "alice ", "a:b", "a\nb", "a\0b", "x" * 256])
def test_names_that_basic_cannot_carry(name: str) -> None:
    with pytest.raises(BadInput):
        require_name(name)


def test_an_account_does_not_show_its_hash() -> None:
    account = Account(organization="acme", id="alice", user_name="alice", roles=frozenset(), password="$argon2id$x")
    assert "argon2" not in f"{account!r} {account}"
