from hub.auth.principal import Principal
from hub.auth.revoked import Revoked

AT = 1_700_000_000_500_000


def principal(issued_at: float, user: str = "alice", organization: str = "acme") -> Principal:
    return Principal(
        user=user, organization=organization, roles=frozenset(), issued_at=issued_at, expires_at=issued_at + 60
    )


def test_only_tokens_issued_before_the_revocation_are_refused() -> None:
    revoked = Revoked()
    revoked.add("acme", "alice", AT)
    assert revoked.contains(principal(1_700_000_000.499999))
    assert not revoked.contains(principal(1_700_000_000.5))
    assert not revoked.contains(principal(1_700_000_001))


def test_whole_seconds_of_other_makers_count_as_their_beginning() -> None:
    revoked = Revoked()
    revoked.add("acme", "alice", AT)
    assert revoked.contains(principal(1_700_000_000))


def test_others_are_not_concerned() -> None:
    revoked = Revoked()
    revoked.add("acme", "alice", AT)
    assert not revoked.contains(principal(0, user="bob"))
    assert not revoked.contains(principal(0, organization="other"))


def test_the_latest_revocation_counts_in_whatever_order_they_come() -> None:
    revoked = Revoked()
    for at in (AT, AT + 2_000_000, AT - 5_000_000, AT):
        revoked.add("acme", "alice", at)
    assert revoked.contains(principal(1_700_000_002))
    assert len(revoked) == 1


def test_old_revocations_are_forgotten() -> None:
    revoked = Revoked()
    revoked.add("acme", "alice", AT)
    revoked.add("acme", "bob", AT + 1)
    revoked.forget(before=AT + 1)
    assert not revoked.contains(principal(0))
    assert revoked.contains(principal(0, user="bob"))
