"""The wire forms of applications: their settings without what is secret."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.applications.rules import Senders
from hub.kernel.applications import Application, Texts, TextType, WebhookSubscription, WorkingHours

Period = Annotated[str, Meta(description="ISO 8601", examples=["PT5M"])]


class MailSenderView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who mails are from."""

    domain: str
    from_name: str | None
    verified: bool


class SmsSenderView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The number that texts come from."""

    from_number: str
    verified: bool


class WebhookView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where machines are told; addresses are shown without their query, in which secrets are found."""

    url: str
    signed: bool
    authentication: Annotated[str, Meta(pattern="^(none|basic|oauth)$")]
    headers: Mapping[str, str]
    secret_headers: Annotated[tuple[str, ...], Meta(description="Names only")]
    allow_private: bool


class RoutingView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an interaction is routed with where a request does not say."""

    deployment_id: str | None
    pc_environment: str | None
    touchpoint_id: str | None
    chat_mode: str | None


class ApplicationView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The settings of an application. `email` and `sms`: what was proved by a code, else what is configured."""

    id: str
    organization_id: str
    name: str | None
    kind: str
    scheduling: str
    auto_activate: bool
    otp_required: bool
    customer_links: bool
    durations: tuple[Period, ...]
    working_hours: WorkingHours | None
    max_parallel: int
    minimum_lead_time: Period
    maximum_horizon: Period
    ticket_seconds: int
    url_base: str
    allowed_url_bases: tuple[str, ...]
    notifications_active: bool
    channels: tuple[str, ...]
    reminders: tuple[Period, ...]
    room_invites: tuple[Period, ...]
    follow_ups: tuple[Period, ...]
    email: MailSenderView | UnsetType = UNSET
    sms: SmsSenderView | UnsetType = UNSET
    webhooks: tuple[WebhookView, ...]
    texts: Mapping[str, Mapping[TextType, Texts]]
    routing: RoutingView
    theme: Mapping[str, str]


class Applications(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All applications of an organization."""

    content: tuple[ApplicationView, ...]


def view(id: str, application: Application, senders: Senders, base: str) -> ApplicationView:
    """What its administrators see of it; `base` is where the hub is found."""
    routing = application.routing
    email, sms = senders
    return ApplicationView(
        id=id,
        organization_id=application.organization,
        name=application.name,
        kind=application.kind,
        scheduling=application.scheduling,
        auto_activate=application.auto_activate,
        otp_required=application.otp_required,
        customer_links=application.customer_links,
        durations=tuple(map(str, application.durations)),
        working_hours=application.working_hours,
        max_parallel=application.max_parallel,
        minimum_lead_time=str(application.minimum_lead_time),
        maximum_horizon=str(application.maximum_horizon),
        ticket_seconds=application.ticket_seconds,
        url_base=application.url_base or base,
        allowed_url_bases=application.allowed_url_bases,
        notifications_active=application.notifications_active,
        channels=tuple(sorted(application.channels)),
        reminders=tuple(map(str, application.reminders)),
        room_invites=tuple(map(str, application.room_invites)),
        follow_ups=tuple(map(str, application.follow_ups)),
        email=MailSenderView(**msgspec.structs.asdict(email)) if email else UNSET,
        sms=SmsSenderView(**msgspec.structs.asdict(sms)) if sms else UNSET,
        webhooks=tuple(map(_webhook, application.webhooks)),
        texts=application.texts,
        routing=RoutingView(**msgspec.structs.asdict(routing)),
        theme=application.theme,
    )


def _webhook(subscription: WebhookSubscription) -> WebhookView:
    authentication = "basic" if subscription.basic else "oauth" if subscription.oauth else "none"
    return WebhookView(
        url=urlsplit(subscription.url)._replace(query="").geturl(),
        signed=subscription.secret is not None,
        authentication=authentication,
        headers=subscription.headers,
        secret_headers=tuple(subscription.secret_headers),
        allow_private=subscription.allow_private,
    )
