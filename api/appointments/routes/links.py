"""`/q/a/{token}`: the pages behind customers' links. Looking changes nothing: programs that check mails look, too."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from html import escape
from http import HTTPStatus
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from api.appointments.actions import links as actions
from api.appointments.actions.links import Followed
from api.appointments.letters import called
from api.appointments.routes.record import operation, revoke, sites
from api.appointments.rules.booking import Slot
from api.appointments.rules.links import PATH, SpentLink, State
from api.appointments.rules.permissions import UnknownAppointment
from api.appointments.texts import LANGUAGES, WORDS, Case
from api.http import pages
from api.http.pages import HTML, paragraph
from api.http.problems import Family
from api.http.reply import Reply
from api.http.request import Call
from api.notifications.rules import Facts, locale_of, render
from hub.auth.guesses import network
from hub.kernel import logs, wire
from hub.kernel.errors import BadInput, Overloaded, TooManyRequests

_log = logs.get("api.appointments")


class Choice(Struct, frozen=True):
    """The form: when the appointment shall begin, in Unix seconds; nothing where it is to be cancelled."""

    start: Annotated[str, Meta(max_length=11)] = ""


async def show_link(call: Call[None]) -> Reply:
    """What the link is about, with a button to do it."""
    return await _limited(call, lambda: _shown(call))


async def use_link(call: Call[Choice]) -> Reply:
    """Do it. Again, there is nothing left to do."""
    return await _limited(call, lambda: _used(call))


async def _limited(call: Call[Any], work: Callable[[], Awaitable[Reply]]) -> Reply:
    try:
        call.services.quotas.strangers.take(network(call.address))
        return await work()
    except SpentLink:
        return _stranger(call, "withdrawn", HTTPStatus.GONE)
    except TooManyRequests as error:
        return _stranger(call, "limited", HTTPStatus.TOO_MANY_REQUESTS, wait=error.retry_after or 1)
    except Overloaded as error:
        return _stranger(call, "unavailable", HTTPStatus.SERVICE_UNAVAILABLE, wait=error.retry_after or 1)


async def _shown(call: Call[Any], *, trouble: str = "", status: int = HTTPStatus.OK) -> Reply:
    token, known, since = call.path_params["token"], sites(call), _date(call.query.get("from", ""))
    found, offer = await call.services.db.read(lambda tx: actions.look(tx, token, since, call.now, known))
    if found is None:
        return _stranger(call, "unknown", HTTPStatus.NOT_FOUND)
    if found.state is not State.GOOD:
        return _state(found)
    words = WORDS[_language(found)]
    if offer is None:
        return _page(found, "cancel", _form("", words.cancel), status)
    ways = f'<p><a href="?from={offer.next:%Y-%m-%d}">{escape(words.later)}</a></p>\n'
    if since is not None:
        ways += f'<p><a href="?">{escape(words.first)}</a></p>\n'
    if not offer.slots:
        return _page(found, "full", ways, status)
    alert = f'<p role="alert">{escape(trouble and getattr(words, trouble))}</p>\n' if trouble else ""
    return _page(found, "reschedule", alert + _form(_choices(found, offer.slots), words.move) + ways, status)


async def _used(call: Call[Choice]) -> Reply:
    found = await call.services.db.read(lambda tx: actions.follow(tx, call.path_params["token"], call.now, sites(call)))
    if found is None or found.state is not State.GOOD:
        return await _shown(call)
    return await (_cancelled(call) if found.purpose == "cancel" else _moved(call))


async def _cancelled(call: Call[Choice]) -> Reply:
    token, services = call.path_params["token"], call.services
    followed, withdrawn = await services.db.write(
        lambda tx: actions.cancel(tx, token, call.now, sites(call), services.clock.now)
    )
    if followed is None or followed.state is not State.GOOD:
        return await _shown(call)
    revoke(call, withdrawn)
    _log.info(
        "appointment deleted", appointment=followed.appointment.id, by="customer's link", request_id=call.request_id
    )
    return _page(followed, "cancelled")


async def _moved(call: Call[Choice]) -> Reply:
    token, text = call.path_params["token"], call.body.start
    if not (text.isascii() and text.isdecimal()):
        return await _shown(call, trouble="choose", status=HTTPStatus.BAD_REQUEST)
    try:
        followed = await call.services.db.write(lambda tx: actions.move(tx, token, float(text), call.now, sites(call)))
    except BadInput:
        return await _shown(call, trouble="taken", status=HTTPStatus.BAD_REQUEST)
    if followed is None or followed.state is not State.GOOD:
        return await _shown(call)
    _log.info(
        "appointment rescheduled", appointment=followed.appointment.id, by="customer's link", request_id=call.request_id
    )
    return _page(followed, "done")


# Pages --------------------------------------------------------------------------------------------------------------


def _state(found: Followed) -> Reply:
    match found.state:
        case State.CANCELLED:
            return _page(found, "cancelled")
        case State.MOVED:
            return _page(found, "moved")
        case _:
            return _page(found, "expired", status=HTTPStatus.GONE)


def _page(found: Followed, case: Case, more: str = "", status: int = HTTPStatus.OK) -> Reply:
    language = _language(found)
    wording = LANGUAGES[language][case]
    time = _said(found, found.appointment.start, f"{WORDS[language].date}, {{{{HH:mm}}}} ({{{{zone}}}})")
    text = wording.text.format(name=called(found.site), time=time)
    return Reply(status, pages.page(language, wording.heading, paragraph(text) + more), HTML, pages.headers("'self'"))


def _stranger(call: Call[Any], case: Case, status: int, *, wait: float | None = None) -> Reply:
    """A page for somebody of whom nothing is known; it says nothing of anybody."""
    language = pages.language(call.headers.get(b"accept-language", b""), LANGUAGES)
    wording = LANGUAGES[language][case]
    return Reply(status, pages.page(language, wording.heading, paragraph(wording.text)), HTML, pages.headers(wait=wait))


def _form(content: str, button: str) -> str:
    return f'<form method="post">\n{content}<p><button>{escape(button)}</button></p>\n</form>\n'


def _choices(found: Followed, slots: Sequence[Slot]) -> str:
    """Free times to choose from, as a group that is called like the day."""
    day = _said(found, slots[0].start, f"{WORDS[_language(found)].date} ({{{{zone}}}})")
    times = "".join(
        f'<label><input type="radio" name="start" value="{slot.start:.0f}" required>'
        f" {escape(_said(found, slot.start, '{{HH:mm}}'))}</label>\n"
        for slot in slots
    )
    return f"<fieldset>\n<legend>{escape(day)}</legend>\n{times}</fieldset>\n"


def _said(found: Followed, instant: float, pattern: str) -> str:
    """An instant as people say it, in the zone of the appointment and the language of the page."""
    appointment = found.appointment
    locale = appointment.locale if locale_of(appointment.locale).language in LANGUAGES else "en"
    return render(pattern, Facts(start=wire.instant(instant), zone=appointment.timezone, locale=locale)).text


def _language(found: Followed) -> str:
    spoken: str = locale_of(found.appointment.locale).language
    return spoken if spoken in LANGUAGES else "en"


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_SHARED: Final[dict[str, Any]] = {
    "tag": "links",
    "family": Family.OPS,
    "media_type": HTML,
    "own_errors": True,
    "description": "HTML, also where the link is not good: 404, 410, 429, 503. In the language of the appointment.",
}

OPERATIONS = (
    operation(
        "showCustomerLink",
        "GET",
        PATH + "{token}",
        "The page behind a customer's link",
        show_link,
        None,
        UnknownAppointment,
        SpentLink,
        TooManyRequests,
        **_SHARED,
    ),
    operation(
        "useCustomerLink",
        "POST",
        PATH + "{token}",
        "Cancel or move an appointment by a customer's link",
        use_link,
        None,
        UnknownAppointment,
        SpentLink,
        TooManyRequests,
        body=Choice,
        form=True,
        examples={"form": {"start": "1800007200"}},
        **_SHARED,
    ),
)
