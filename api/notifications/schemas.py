"""The wire forms of notifications. Names and shapes are those of the appointments API."""

from typing import Annotated

import msgspec
from msgspec import Meta

ApplicationId = Annotated[str, Meta(min_length=1, max_length=64, description="Unique application identifier")]
ValidFor = Annotated[str, Meta(description="How long the code is good, ISO 8601", examples=["PT1M"])]
Email = Annotated[str, Meta(min_length=3, max_length=254, extra_json_schema={"format": "email"})]
Phone = Annotated[str, Meta(max_length=40, description="E.164", examples=["+306931221199"])]
Channel = Annotated[str, Meta(max_length=20, extra_json_schema={"enum": ["SMS", "EMAIL", "WEBHOOKS"]})]
NoticeName = Annotated[
    str,
    Meta(
        max_length=20,
        extra_json_schema={
            "enum": ["CREATE", "UPDATE", "REMINDER", "ROOM", "RESCHEDULE", "CANCELLED", "FOLLOW_UP"],
        },
    ),
]
Locale = Annotated[str, Meta(max_length=35, description="Language and format; en-US if absent", examples=["en-GB"])]
Zone = Annotated[str, Meta(max_length=66, description="IANA; UTC if absent", examples=["Europe/Berlin"])]
Period = Annotated[str, Meta(max_length=80, description="ISO 8601; required for REMINDER and ROOM", examples=["P1D"])]


class EmailServiceRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A domain that mails are to be from, and where to send the code."""

    application_id: ApplicationId
    domain: Annotated[str, Meta(max_length=255, description="Fully qualified")]
    from_name: Annotated[str, Meta(max_length=102, description="Who the mail names as its sender")] | None = None
    to_email: Email


class EmailServiceOTPVerify(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The code is on its way."""

    application_id: str
    valid_for: ValidFor


class SMSServiceRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A number that texts are to be from, and where to send the code."""

    application_id: ApplicationId
    from_number: Phone
    to_number: Phone


class SMSServiceOTPVerify(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The code is on its way."""

    application_id: str
    valid_for: ValidFor


class ServiceConfirmationRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The code that arrived."""

    application_id: ApplicationId
    code: Annotated[str, Meta(min_length=1, max_length=16)]


class EmailNotificationRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A mail as customers would get it. Texts that are absent are those of the application."""

    application_id: ApplicationId
    channel: Channel
    html_body: Annotated[str, Meta(max_length=100_000)] | None = None
    locale: Locale | None = None
    period: Period | None = None
    subject: Annotated[str, Meta(max_length=300)] | None = None
    text_body: Annotated[str, Meta(max_length=20_000)] | None = None
    timezone: Zone | None = None
    to_email: Email
    type: NoticeName


class SMSNotificationRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A text as customers would get it."""

    application_id: ApplicationId
    channel: Channel
    locale: Locale | None = None
    period: Period | None = None
    text_body: Annotated[str, Meta(min_length=1, max_length=1_600)]
    timezone: Zone | None = None
    to_number: Phone
    type: NoticeName


class NotificationLocale(msgspec.Struct, frozen=True, kw_only=True):
    """A language that notices are written in."""

    description: Annotated[str, Meta(examples=["English (United States)"])]
    locale: Annotated[str, Meta(examples=["en_US"])]


class NotificationLocales(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    content: tuple[NotificationLocale, ...]


class NotificationParameterTag(msgspec.Struct, frozen=True, kw_only=True):
    """What may stand in double braces in a text, and what becomes of it."""

    example: Annotated[str, Meta(examples=["3:04 pm"])]
    format: Annotated[str, Meta(examples=["time12hr"])]


class NotificationParameterTags(msgspec.Struct, frozen=True, kw_only=True):
    """All named ones, and some date patterns."""

    content: tuple[NotificationParameterTag, ...]
