"""How many sessions there may be: of a user, of an organization, of everybody."""

from collections import Counter
from typing import TYPE_CHECKING, Literal

from hub.auth.principal import Principal
from hub.kernel import metrics
from hub.realtime.admission import NOWHERE
from hub.realtime.pressure import Bounds

if TYPE_CHECKING:
    from hub.realtime.session import Session

Limit = Literal["sessions", "organization_sessions", "user_sessions"]


class Seats:
    """The sessions alive on this process, by their owners."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._of_user: dict[tuple[str, str], dict[str, Session]] = {}
        self._of_organization: Counter[str] = Counter()

    def full_for(self, principal: Principal) -> Limit | None:
        """Which limit leaves no room for one more session of this user, if any does.

        A client that was started anew has left a session behind, to which nobody comes back: where a user's seats are
        taken, the oldest without a client makes room.
        """
        if self._of_organization.total() >= self._bounds.sessions:
            return "sessions"
        is_customer = principal.organization == NOWHERE
        of_organization = self._bounds.customers if is_customer else self._bounds.organization_sessions
        if of_organization and self._of_organization[principal.organization] >= of_organization:
            return "organization_sessions"
        own = self._of_user.get(principal.identity, {})
        if len(own) >= self._bounds.user_sessions and not _vacated(list(own.values())):
            return "user_sessions"
        return None

    def take(self, session: "Session") -> None:
        """The session has begun."""
        organization, _ = owner = session.principal.identity
        self._of_user.setdefault(owner, {})[session.client_id] = session
        self._of_organization[organization] += 1

    def leave(self, session: "Session") -> None:
        """It has ended."""
        organization, _ = owner = session.principal.identity
        own = self._of_user[owner]
        del own[session.client_id]
        if not own:
            del self._of_user[owner]
        self._of_organization[organization] -= 1
        if not self._of_organization[organization]:
            del self._of_organization[organization]

    def of(self, organization: str, user: str) -> list["Session"]:
        """All sessions of a user, the oldest first."""
        return list(self._of_user.get((organization, user), {}).values())


def _vacated(sessions: list["Session"]) -> bool:
    for session in sessions:
        if session.is_left_alone:
            metrics.REFUSED.labels("user_sessions_left_alone").inc()
            session.fall_out()
            return True
    return False
