"""`/api/notifications`: administrators prove the names their applications send under, and try texts out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from secrets import token_bytes
from typing import Any, Final

from api.applications import actions as applications
from api.applications import rules as proofs
from api.applications.rules import Claim, Proof, UnknownApplication, Verdict, Way, require
from api.http.operations import Operation
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from api.notifications import actions, checks, rules
from api.notifications.checks import NoService
from api.notifications.rules import Facts, Template, sender_of, wording
from api.notifications.schemas import (
    EmailNotificationRequest,
    EmailServiceOTPVerify,
    EmailServiceRequest,
    NotificationLocale,
    NotificationLocales,
    NotificationParameterTag,
    NotificationParameterTags,
    ServiceConfirmationRequest,
    SMSNotificationRequest,
    SMSServiceOTPVerify,
    SMSServiceRequest,
)
from channels.access import Role
from hub.kernel import ids, wire
from hub.kernel.applications import Application, MailSender
from hub.kernel.errors import BadInput, HubError, NotFound, Overloaded, TooManyRequests
from hub.kernel.periods import Period, unquoted
from hub.kernel.secret import Secret
from hub.store.transaction import Tx

WARNINGS: Final = "X-Template-Warnings"
MOST_TAGS: Final = 20
_ADMINS: Final = frozenset({Role.ADMIN})
_VALID_FOR: Final = str(Period(seconds=round(proofs.LIFE_SECONDS)))
_DONE: Final = Reply(HTTPStatus.NO_CONTENT, b"")


class UnknownCode(NotFound):
    """No code was sent, or its time or its tries are over."""

    code = "code_unknown"
    default_detail = "No code is waited for, or not any more"


# Proving -------------------------------------------------------------------------------------------------------------


async def verify_email(call: Call[EmailServiceRequest]) -> EmailServiceOTPVerify:
    """Send a code from the domain."""
    asked = call.body
    application = _application(call, asked.application_id)
    domain, name, to = checks.domain(asked.domain), checks.from_name(asked.from_name), checks.email(asked.to_email)
    claim = _claim(call, asked.application_id, "EMAIL", domain, name)

    def tell(tx: Tx, facts: Facts, key: str, until: float) -> None:
        texts, sender = wording("CODE", facts.locale), sender_of(MailSender(domain=domain, from_name=name))
        template = Template(texts.subject, texts.body)
        actions.mail(tx, to, template, facts, call.now, key=key, until=until, sender=sender)

    await _prove(call, application, claim, tell)
    return EmailServiceOTPVerify(application_id=asked.application_id, valid_for=_VALID_FOR)


async def verify_sms(call: Call[SMSServiceRequest]) -> SMSServiceOTPVerify:
    """Send a code from the number."""
    asked = call.body
    application = _application(call, asked.application_id)
    number, to = checks.phone("fromNumber", asked.from_number), checks.phone("toNumber", asked.to_number)
    claim = _claim(call, asked.application_id, "SMS", number, None)

    def tell(tx: Tx, facts: Facts, key: str, until: float) -> None:
        text = wording("CODE", facts.locale).sms
        actions.sms(tx, to, text, facts, call.now, key=key, until=until, sender=number)

    await _prove(call, application, claim, tell)
    return SMSServiceOTPVerify(application_id=asked.application_id, valid_for=_VALID_FOR)


async def _prove(
    call: Call[Any], application: Application, claim: Claim, tell: Callable[[Tx, Facts, str, float], None]
) -> None:
    code, salt, key = ids.digits(proofs.DIGITS), token_bytes(32), ids.event_id()
    facts = Facts(
        start=wire.instant(call.now),
        duration=timedelta(seconds=proofs.LIFE_SECONDS),
        title=application.name or claim.application,
        code=code,
    )
    proof = Proof(
        claim=claim,
        salt=salt,
        digest=proofs.digest_of(salt, Secret(code)),
        tries_left=proofs.TRIES,
        asked_at=call.now,
        delivery=key,
    )

    def work(tx: Tx) -> None:
        before = applications.ask(tx, proof)
        if before is not None:
            actions.withdraw(tx, before)
        tell(tx, facts, key, call.now + proofs.LIFE_SECONDS)

    await call.services.db.write(work)


def _confirming(way: Way) -> Callable[[Call[ServiceConfirmationRequest]], Awaitable[Reply]]:
    async def confirm(call: Call[ServiceConfirmationRequest]) -> Reply:
        id_, organization, code = call.body.application_id, call.principal.organization, unquoted(call.body.code)
        _application(call, id_)
        if not (code.isascii() and code.isdigit()):
            raise BadInput("code: must be digits", pointer="/code")
        verdict = await call.services.db.write(
            lambda tx: applications.confirm(tx, organization, id_, way, Secret(code), call.now)
        )
        if verdict is Verdict.GONE:
            raise UnknownCode
        if verdict is Verdict.WRONG:
            raise BadInput("code: is not the one that was sent", pointer="/code")
        return _DONE

    return confirm


# Trying out ----------------------------------------------------------------------------------------------------------


async def try_email(call: Call[EmailNotificationRequest]) -> Reply:
    """Send one mail with made-up facts."""
    asked, now = call.body, call.now
    application, to = _application(call, asked.application_id), checks.email(asked.to_email)
    checks.channel(asked.channel, "EMAIL")
    type_ = checks.notice(asked.type)

    def work(tx: Tx) -> rules.Composed:
        sender = applications.usable_senders(tx, asked.application_id, application).email
        if sender is None:
            raise NoService("No domain is verified for mails of this application")
        facts = _facts(call, asked)
        own = rules.words(application.texts, type_, facts.locale).mail
        template = Template(
            unquoted(asked.subject or "") or own.subject,
            unquoted(asked.text_body or "") or own.text,
            unquoted(asked.html_body or "") or (None if asked.text_body else own.html),
        )
        return actions.mail(tx, to, template, facts, now, until=now + checks.TEST_SECONDS, sender=sender_of(sender))

    return await _tried(call, work)


async def try_sms(call: Call[SMSNotificationRequest]) -> Reply:
    """Send one SMS with made-up facts."""
    asked, now = call.body, call.now
    application, to = _application(call, asked.application_id), checks.phone("toNumber", asked.to_number)
    checks.channel(asked.channel, "SMS")
    checks.notice(asked.type)
    text = checks.text(asked.text_body)

    def work(tx: Tx) -> rules.Rendered:
        sender = applications.usable_senders(tx, asked.application_id, application).sms
        if sender is None:
            raise NoService("No number is verified for texts of this application")
        facts, until = _facts(call, asked), now + checks.TEST_SECONDS
        return actions.sms(tx, to, text, facts, now, until=until, sender=sender.from_number)

    return await _tried(call, work)


async def _tried(call: Call[Any], work: Callable[[Tx], rules.Composed | rules.Rendered]) -> Reply:
    """Sent; what is wrong with the text stands in a header, because the answer has no body."""
    call.services.quotas.notice_tests.take(call.principal.organization)
    made = await call.services.db.write(work)
    found = (("unknown", made.unknown[:MOST_TAGS]), ("no value", made.absent[:MOST_TAGS]))
    warnings = "; ".join(f"{what}: {', '.join(map(_shown, tags))}" for what, tags in found if tags)
    return Reply(HTTPStatus.NO_CONTENT, b"", headers=((WARNINGS, warnings),) if warnings else ())


def _facts(call: Call[Any], asked: EmailNotificationRequest | SMSNotificationRequest) -> Facts:
    """Reads files about zones and languages: not on the loop."""
    period = checks.period(asked.type, asked.period)
    zone, locale = checks.zone(asked.timezone), checks.locale(asked.locale)
    return rules.sample(wire.instant(call.now) + period.length, zone, locale)


def _shown(tag: str) -> str:
    """As a header can have it."""
    return ascii(tag)[1:-1]


# What there is -------------------------------------------------------------------------------------------------------


async def list_locales(call: Call[None]) -> NotificationLocales:
    """The languages of the built-in texts, and of those of the organization's applications."""
    organization = call.principal.organization
    mine = [each for each in call.services.applications.values() if each.organization == organization]
    found = await asyncio.to_thread(rules.locales, [name for application in mine for name in application.texts])
    return NotificationLocales(
        content=tuple(NotificationLocale(locale=name, description=description) for name, description in found)
    )


async def list_tags(_call: Call[None]) -> NotificationParameterTags:
    """What may stand in a text."""
    found = await asyncio.to_thread(rules.tags)
    return NotificationParameterTags(
        content=tuple(NotificationParameterTag(format=tag, example=example) for tag, example in found)
    )


def _application(call: Call[Any], id: str) -> Application:
    return require(call.services.applications, id, call.principal.organization)


def _claim(call: Call[Any], id: str, way: Way, address: str, name: str | None) -> Claim:
    return Claim(organization=call.principal.organization, application=id, way=way, address=address, name=name)


def _does(
    name: str,
    path: str,
    summary: str,
    handler: Callable[[Call[Any]], Awaitable[object]],
    body: type,
    *errors: type[HubError],
    example: dict[str, str],
    **more: Any,  # noqa: ANN401 - further members of the record
) -> Operation:
    return Operation(
        name=name,
        method="POST",
        path=f"/api/notifications/{path}",
        summary=summary,
        tag="notifications",
        family=Family.AUVIOUS,
        handler=handler,
        roles=_ADMINS,
        body=body,
        examples={"request": example},
        success=HTTPStatus.OK if "result" in more else HTTPStatus.NO_CONTENT,
        max_body=lambda _settings: checks.LARGEST_BODY,
        errors=(BadInput, UnknownApplication, *errors, Overloaded),
        **more,
    )


def _lists(
    name: str, path: str, summary: str, handler: Callable[[Call[Any]], Awaitable[object]], result: type
) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=f"/api/notifications/{path}",
        summary=summary,
        tag="notifications",
        family=Family.AUVIOUS,
        handler=handler,
        roles=_ADMINS,
        result=result,
    )


_CONFIRMATION: Final = {"applicationId": "demo-app", "code": "063780"}
_EMAIL_TEST: Final = {
    "applicationId": "demo-app",
    "channel": "EMAIL",
    "htmlBody": "<p>Dear {{firstName}}, we meet on {{dd-MM-yyyy}} at {{time24}} {{zone}}.</p>",
    "locale": "en-GB",
    "period": "P1D",
    "subject": "Video appointment reminder",
    "textBody": "Dear {{firstName}},\n\nwe meet on {{dd-MM-yyyy}} at {{time24}} {{zone}}.",
    "timezone": "Europe/Berlin",
    "toEmail": "adam@example.com",
    "type": "REMINDER",
}
_SMS_TEST: Final = {
    "applicationId": "demo-app",
    "channel": "SMS",
    "locale": "en-GB",
    "period": "P1D",
    "textBody": "Dear {{firstName}}, we meet on {{dd-MM-yyyy}} at {{time24}} {{zone}}.",
    "timezone": "Europe/Berlin",
    "toNumber": "+306931221199",
    "type": "REMINDER",
}
_EMAIL_SERVICE: Final = {
    "applicationId": "demo-app",
    "domain": "appointments.example.com",
    "fromName": "Appointments",
    "toEmail": "adam@example.com",
}
_SMS_SERVICE: Final = {"applicationId": "demo-app", "fromNumber": "+15550001111", "toNumber": "+306931221199"}
_WARNED: Final = {WARNINGS: "Tags of the text that are not known, and those that have no value; absent if all is well"}

OPERATIONS = (
    _does(
        "confirmEmailServiceVerification",
        "emails/confirm",
        "Confirm Email Service Verification",
        _confirming("EMAIL"),
        ServiceConfirmationRequest,
        UnknownCode,
        example=_CONFIRMATION,
    ),
    _does(
        "testEmailNotification",
        "emails/test",
        "Test Email Notification Functionality",
        try_email,
        EmailNotificationRequest,
        NoService,
        TooManyRequests,
        example=_EMAIL_TEST,
        headers=_WARNED,
    ),
    _does(
        "initiateEmailServiceVerification",
        "emails/verify",
        "Initiate Email Service Verification",
        verify_email,
        EmailServiceRequest,
        TooManyRequests,
        example=_EMAIL_SERVICE,
        result=EmailServiceOTPVerify,
    ),
    _lists("getNotificationLocales", "locales", "Get Notification Locales", list_locales, NotificationLocales),
    _does(
        "confirmSMSServiceVerification",
        "sms/confirm",
        "Confirm SMS Service Verification",
        _confirming("SMS"),
        ServiceConfirmationRequest,
        UnknownCode,
        example=_CONFIRMATION,
    ),
    _does(
        "testSMSNotification",
        "sms/test",
        "Test SMS Notification Functionality",
        try_sms,
        SMSNotificationRequest,
        NoService,
        TooManyRequests,
        example=_SMS_TEST,
        headers=_WARNED,
    ),
    _does(
        "initiateSMSServiceVerification",
        "sms/verify",
        "Initiate SMS Service Verification",
        verify_sms,
        SMSServiceRequest,
        TooManyRequests,
        example=_SMS_SERVICE,
        result=SMSServiceOTPVerify,
    ),
    _lists(
        "getNotificationParameterTags", "tags", "Get Notification Parameter Tags", list_tags, NotificationParameterTags
    ),
)
