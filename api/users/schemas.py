"""The wire forms of users."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.users.rules import Change, Profile, User, path_of, uri_of
from channels.devices import Device, MediaChannel, UserState

MOST_USERS: Final = 10_000
SUBRESOURCES: Final = ("queues", "skills", "languages", "devices", "channels")

Subresources = Annotated[str, Meta(description=f"Of {', '.join(SUBRESOURCES)}, comma-separated; * for all")]
Name = Annotated[str, Meta(max_length=255)]
# Mail is checked by sending one; this only keeps out what is none.
EmailAddress = Annotated[str, Meta(max_length=254, pattern=r"\A(?:[^@\s]+@[^@\s]+)?\Z")]
Label = Annotated[str, Meta(min_length=1, max_length=128)]
Labels = Annotated[tuple[Label, ...], Meta(max_length=100)]
Level = Annotated[int, Meta(ge=0, le=100)]
Skills = Annotated[dict[Label, Level], Meta(max_length=100)]
NewPassword = Annotated[str, Meta(min_length=1, description="Measured against the policy of the installation")]


class UserView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as clients see it. Which members there are is for `fields` and `subresources` to say."""

    id: str | UnsetType = UNSET
    user_name: Annotated[
        str | UnsetType, Meta(description="What the user logs in with; the id where there is none")
    ] = UNSET
    password: Annotated[str | UnsetType, Meta(description="Always empty")] = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    email_address: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    change_password_on_first_login: bool | UnsetType = UNSET
    contact_center_id: Annotated[str | UnsetType, Meta(description="The organization")] = UNSET
    connected: Annotated[
        bool | UnsetType, Meta(description="Whether the user has a desktop open, or had one a minute ago")
    ] = UNSET
    user_state: Annotated[UserState | UnsetType, Meta(description="The state as an agent")] = UNSET
    uri: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    queues: list[str] | UnsetType = UNSET
    skills: dict[str, int] | UnsetType = UNSET
    languages: list[str] | UnsetType = UNSET
    devices: tuple[Device, ...] | UnsetType = UNSET
    channels: tuple[MediaChannel, ...] | UnsetType = UNSET


_ATTRIBUTES: Final = {field.encode_name: field.name for field in msgspec.structs.fields(UserView)}


class OneUser(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One user."""

    status_code: int = 0
    user: UserView


class Users(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Users in the order of their ids: where each of them is, or with `fields` what was asked for."""

    status_code: int = 0
    uris: list[str] | UnsetType = UNSET
    users: list[UserView] | UnsetType = UNSET
    total_count: Annotated[int, Meta(description="How many there are in all")]


class OneQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to tell of a user."""

    fields: Annotated[str, Meta(description="Members wanted, comma-separated; * for all")] = "*"
    subresources: Subresources = ""


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which users to list, in the order of their ids, and what to tell of each."""

    fields: Annotated[
        str, Meta(description="Members wanted, comma-separated; * for all. Without it only the uris are listed")
    ] = ""
    subresources: Subresources = ""
    offset: Annotated[int, Meta(ge=0, le=2**31 - 1, description="So many are left out")] = 0
    limit: Annotated[int, Meta(ge=1, le=MOST_USERS, description="At most so many are listed")] = MOST_USERS


class NewUser(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user to be created. Without a password nobody can log in as this user."""

    user_name: Annotated[str, Meta(description="Unique in the hub; 1 to 64 of A-Z a-z 0-9 . _ @ -")]
    id: Annotated[str | None, Meta(description="Unique in the organization; the userName if absent")] = None
    password: NewPassword | None = None
    first_name: Name = ""
    last_name: Name = ""
    email_address: EmailAddress = ""
    roles: Annotated[tuple[str, ...], Meta(max_length=8, examples=[["ROLE_AGENT"]])] = ()
    enabled: bool = True
    change_password_on_first_login: bool = False
    queues: Labels = ()
    skills: Skills = {}
    languages: Labels = ()

    def profile(self) -> Profile:
        """What of it is not the account's."""
        return Profile(**{name: getattr(self, name) for name in Profile.__struct_fields__})


class UserChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is absent stays. Roles, queues, skills and languages are replaced as a whole."""

    user_name: str | UnsetType = UNSET
    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    email_address: EmailAddress | UnsetType = UNSET
    roles: Annotated[tuple[str, ...], Meta(max_length=8)] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    change_password_on_first_login: bool | UnsetType = UNSET
    queues: Labels | UnsetType = UNSET
    skills: Skills | UnsetType = UNSET
    languages: Labels | UnsetType = UNSET
    id: Annotated[str | UnsetType, Meta(description="Cannot be changed")] = UNSET
    password: Annotated[str | UnsetType, Meta(description="Cannot be changed here, only by ChangePassword")] = UNSET

    def change(self) -> Change:
        """The same for the use case."""
        given = {name: getattr(self, name) for name in Profile.__struct_fields__}
        return Change(
            profile={name: value for name, value in given.items() if value is not UNSET},
            user_name=self.user_name or None,
            roles=None if self.roles is UNSET else frozenset(self.roles),
            enabled=None if self.enabled is UNSET else self.enabled,
            must_change=None if self.change_password_on_first_login is UNSET else self.change_password_on_first_login,
        )


class Roles(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole set of a user's roles."""

    roles: Annotated[tuple[str, ...], Meta(max_length=8)]


class ChangeOwnPassword(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One's own password. How it went is told on `/v2/me` and `/v2/users`."""

    # No tag, which a lone struct may lack: whatever else a client wants from POST /me, it is not this.
    operation_name: Literal["ChangePassword"]
    old_password: str
    new_password: NewPassword


class ChangePassword(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="operationName", tag="ChangePassword"
):
    """Somebody else's password. How it went is told on `/v2/me` and `/v2/users`."""

    new_password: NewPassword
    change_password_on_first_login: bool = False


class Enable(msgspec.Struct, frozen=True, kw_only=True, tag_field="operationName", tag="Enable"):
    """The user may log in again."""


class Disable(msgspec.Struct, frozen=True, kw_only=True, tag_field="operationName", tag="Disable"):
    """The user may not log in; sessions and tokens end."""


UserOperation: TypeAlias = ChangePassword | Enable | Disable


def view(user: User, base: str, fields: str = "*", subresources: str = "") -> UserView:
    """What a client asked to see of a user. Names of members that there are not are passed over."""
    account, profile, desk = user.account, user.profile, user.desk
    whole = UserView(
        id=account.id,
        user_name=account.user_name or account.id,
        password="",
        first_name=profile.first_name,
        last_name=profile.last_name,
        email_address=profile.email_address,
        roles=sorted(account.roles),
        enabled=account.enabled,
        change_password_on_first_login=account.must_change,
        contact_center_id=account.organization,
        connected=user.connected,
        user_state=UNSET if desk is None else desk.state,
        uri=uri_of(base, account.id),
        path=path_of(account.id),
        queues=list(profile.queues),
        skills=dict(profile.skills),
        languages=list(profile.languages),
        devices=UNSET if desk is None else desk.devices,
        channels=UNSET if desk is None else desk.channels,
    )
    wanted = _wanted(fields, _ATTRIBUTES.keys() - set(SUBRESOURCES)) | _wanted(subresources, SUBRESOURCES)
    return UserView(**{_ATTRIBUTES[name]: getattr(whole, _ATTRIBUTES[name]) for name in wanted})


def _wanted(text: str, known: Iterable[str]) -> set[str]:
    names = {name.strip() for name in text.split(",")}
    return set(known) if "*" in names else names & _ATTRIBUTES.keys()
