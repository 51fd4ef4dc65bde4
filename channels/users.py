"""Messages about users themselves, on `/v2/me` and `/v2/users`."""

from typing import Literal

from msgspec import UNSET, UnsetType

from channels.devices import UserState
from channels.envelope import Notification


class UserNotification(Notification, frozen=True, kw_only=True):
    """What `/v2/me` and `/v2/users` share. The user concerned is named on `/v2/users` only, where the two fields are
    present together, or both absent while no user is concerned yet. `user_uri` is absolute.
    """

    user_uri: str | UnsetType = UNSET
    user_id: str | UnsetType = UNSET


class PasswordChangeMessage(UserNotification, frozen=True, kw_only=True):
    """A password was changed, or was not. With PasswordChangeError `error_message` says why, and `error_code`: 1 the
    new one is too weak, 2 the old one was wrong, 3 the server failed.
    """

    notification_type: Literal["PasswordChangeSuccessful", "PasswordChangeError"]
    error_message: str | UnsetType = UNSET
    error_code: Literal[1, 2, 3] | UnsetType = UNSET


class UserStateChangeMessage(Notification, frozen=True, kw_only=True):
    """On `/v2/users`: the agent's state changed, or the user came or went (settled: gone means gone for a while)."""

    notification_type: Literal["StateChange", "Connected", "Disconnected"]
    user_uri: str
    user_id: str
    user_state: UserState
    connected: bool
