"""`[applications.ID]`: what customers see of an organization's appointments. Names and defaults of the settings."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from hub.kernel import hours
from hub.kernel.faults import Fault
from hub.kernel.headers import header_fault
from hub.kernel.periods import Period
from hub.kernel.secret import Secret

NoticeChannel: TypeAlias = Literal["EMAIL", "SMS", "WEBHOOKS"]
TextType: TypeAlias = Literal["CREATE", "RESCHEDULE", "CANCELLED", "REMINDER", "ROOM", "FOLLOW_UP"]

LOCALE: Final = r"\A[A-Za-z]{2,3}([_-][A-Za-z]{4})?([_-][A-Za-z]{2})?\Z"
PHONE: Final = r"\A\+[1-9]\d{6,14}\Z"
DOMAIN: Final = r"\A(?=.{4,253}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}\Z"
LONGEST_PERIOD: Final = 366 * 86_400

OrganizationId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]
Base = Annotated[str, Meta(pattern=r"\Ahttps?://[^\s/?#@<>\"']+(/[^\s?#<>\"']*[^\s?#<>\"'/])?\Z")]
Line = Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f<>\"]{1,100}\Z")]


class WorkingHours(msgspec.Struct, frozen=True, kw_only=True):
    """When appointments may take place, in the wall time of `timezone`; written as in `[office_hours]`."""

    timezone: str
    regular: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    def faults(self) -> Iterator[Fault]:
        """See `Checked`."""
        yield from _unread("timezone", self.timezone, hours.zone)
        parsers: tuple[tuple[str, Callable[[str], object]], ...] = (
            ("regular", hours.weekly),
            ("add", hours.added),
            ("closed", hours.day),
        )
        for key, parse in parsers:
            for index, text in enumerate(getattr(self, key)):
                yield from _unread(f"{key}[{index}]", text, parse)


class MailSender(msgspec.Struct, frozen=True, kw_only=True):
    """Who mails are from: `no-reply@domain`. `verified`: the domain is ours, and used without asking further."""

    domain: Annotated[str, Meta(pattern=DOMAIN)]
    from_name: Line | None = None
    verified: bool = False


class SmsSender(msgspec.Struct, frozen=True, kw_only=True):
    """The number that texts come from, and whether it may be used without asking further."""

    from_number: Annotated[str, Meta(pattern=PHONE)]
    verified: bool = False


class Basic(msgspec.Struct, frozen=True, kw_only=True, tag="basic"):
    """A user name and a password for the receiver of a webhook."""

    user: Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f:]{1,200}\Z")]
    password: Secret


class ClientCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """OAuth 2: a token for the receiver of a webhook is fetched at `token_url`."""

    token_url: Annotated[str, Meta(pattern=r"\Ahttps?://[^\s#]+\Z")]
    client_id: Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{1,200}\Z")]
    client_secret: Secret
    scope: Annotated[str, Meta(pattern=r"\A[\x20-\x7e]{1,500}\Z")] | None = None


class WebhookSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """`[[applications.ID.webhooks]]`: an address that is told everything about the application's appointments.

    `secret` is the key of the signature. `secret_headers` are sent like `headers` and shown to nobody.
    """

    url: Annotated[str, Meta(pattern=r"\Ahttps?://[^\s#@]+\Z")]
    secret: Secret | None = None
    headers: Mapping[str, str] = {}
    secret_headers: Mapping[str, str] = {}
    basic: Basic | None = None
    oauth: ClientCredentials | None = None
    allow_private: bool = False

    def faults(self) -> Iterator[Fault]:
        """See `Checked`."""
        if not self.allow_private and not self.url.startswith("https://"):
            yield Fault("url", "must begin with https:// unless allow_private is true")
        if self.oauth and not self.allow_private and not self.oauth.token_url.startswith("https://"):
            yield Fault("oauth.token_url", "must begin with https:// unless allow_private is true")
        if self.basic and self.oauth:
            yield Fault("oauth", "set one of basic and oauth")
        for table in ("headers", "secret_headers"):
            for name, value in getattr(self, table).items():
                if fault := header_fault(name, value):
                    yield Fault(f"{table}.{name}", fault)


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """Words of one's own for one notice; what is left out is built in. Tags as in `GET /api/notifications/tags`."""

    subject: Annotated[str, Meta(min_length=1, max_length=300)] | None = None
    text: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None
    html: Annotated[str, Meta(min_length=1, max_length=100_000)] | None = None
    sms: Annotated[str, Meta(min_length=1, max_length=1_600)] | None = None


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """What an interaction is routed with where a request does not say."""

    deployment_id: str | None = None
    pc_environment: str | None = None
    touchpoint_id: str | None = None
    chat_mode: str | None = None


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """An application of `organization`. `kind` decides the default of routing; no working hours means always;
    `max_parallel` 0 means no limit. `scheduling` "callback": its customers are called back, there are no appointments.
    """

    organization: OrganizationId
    name: Line | None = None
    kind: Literal["genesys", "talkdesk"] = "genesys"
    scheduling: Literal["appointments", "callback"] = "appointments"
    auto_activate: bool = True
    otp_required: bool = True
    customer_links: bool = False
    durations: tuple[Period, ...] = tuple(Period(seconds=60 * minutes) for minutes in (5, 15, 30, 60))
    working_hours: WorkingHours | None = None
    max_parallel: Annotated[int, Meta(ge=0, le=100_000)] = 0
    minimum_lead_time: Period = Period()
    maximum_horizon: Period = Period(days=60)
    ticket_seconds: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 14_400
    url_base: Base | None = None
    allowed_url_bases: tuple[Base, ...] = ()
    notifications_active: bool = False
    channels: frozenset[NoticeChannel] = frozenset()
    reminders: tuple[Period, ...] = (Period(days=1), Period(seconds=3600))
    room_invites: tuple[Period, ...] = ()
    follow_ups: tuple[Period, ...] = ()
    email: MailSender | None = None
    sms: SmsSender | None = None
    webhooks: tuple[WebhookSubscription, ...] = ()
    texts: Mapping[Annotated[str, Meta(pattern=LOCALE)], Mapping[TextType, Texts]] = {}
    routing: Routing = Routing()
    theme: Mapping[str, str] = {}

    def faults(self) -> Iterator[Fault]:
        """See `Checked`."""
        for key in ("durations", "reminders", "room_invites", "follow_ups"):
            periods: tuple[Period, ...] = getattr(self, key)
            if len(set(periods)) < len(periods) or len(periods) > 20:
                yield Fault(key, "at most 20, each once")
            for index, period in enumerate(periods):
                if not 0 < period.length.total_seconds() <= LONGEST_PERIOD and key != "follow_ups":
                    yield Fault(f"{key}[{index}]", "must be longer than nothing and at most a year")
        if self.room_invites and self.auto_activate:
            yield Fault("room_invites", "needs auto_activate = false: rooms are open from the beginning")
        if not self.durations:
            yield Fault("durations", "at least one")
        if any(period.length.total_seconds() > 86_400 for period in self.durations):
            yield Fault("durations", "at most a day each")
        if self.maximum_horizon.length <= self.minimum_lead_time.length:
            yield Fault("maximum_horizon", "must be longer than minimum_lead_time")
        if self.url_base and self.allowed_url_bases and self.url_base not in self.allowed_url_bases:
            yield Fault("url_base", "must be one of allowed_url_bases")


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return bool(name) and re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", name) is not None


def _unread(key: str, text: str, parse: Callable[[str], object]) -> Iterator[Fault]:
    try:
        parse(text)
    except ValueError as error:
        yield Fault(key, str(error))
