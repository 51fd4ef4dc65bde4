"""How a text becomes a message: tags, dates in the reader's language and zone, the built-in wording. Pure.

A tag stands in double braces. It is the name of a fact (`{{firstName}}`) or a date pattern of CLDR (`{{dd-MM-yyyy}}`),
which shows the beginning of the appointment in its own zone. A tag that nobody knows stays visible, as it is. A line of
plain text that needs a fact which is not known is left out. Both are reported.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import formataddr
from html import escape
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.units import format_unit
from msgspec import Struct

from api.notifications.texts import BUILT_IN_LOCALES, LANGUAGES, NoticeType, Wording
from hub.kernel.applications import MailSender, Texts, TextType

DEFAULT_LOCALE: Final = "en_US"
_TAG: Final = re.compile(r"\{\{\s{0,9}([^{}\s](?:[^{}\n]{0,58}[^{}\s])?)\s{0,9}\}\}")
"""No part of it repeats without a bound: each pair of braces is looked at once, whatever follows."""
_PATTERN: Final = re.compile(r"(?=.*[A-Za-z])[yMdEHhmsaz .,:/()-]+")
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_MAIL: Final = re.compile(r"[^\s@<>,;:\"()\\\x00-\x1f\x7f]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


class Facts(Struct, frozen=True, kw_only=True):
    """What a text may speak of. `start` is an instant, shown in `zone`, which exists; None and "" are not known."""

    start: datetime
    zone: str = "UTC"
    locale: str = DEFAULT_LOCALE
    duration: timedelta | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    notes: str | None = None
    agent_name: str | None = None
    room_url: str | None = None
    google_calendar_url: str | None = None
    ical_url: str | None = None
    reschedule_url: str | None = None
    cancel_url: str | None = None
    code: str | None = None


class Rendered(NamedTuple):
    """A text with its tags replaced; the tags that stand in it as they were, and those whose facts are not known."""

    text: str
    unknown: tuple[str, ...]
    absent: tuple[str, ...]


class Template(Struct, frozen=True):
    """A mail to be. Without `html`, the mail's HTML is made of its plain text."""

    subject: str
    text: str
    html: str | None = None


class Words(NamedTuple):
    """A mail to be, and the same as a text for a telephone."""

    mail: Template
    sms: str


class Composed(NamedTuple):
    """A mail as it will be, and what is wrong with its templates."""

    subject: str
    text: str
    html: str
    unknown: tuple[str, ...]
    absent: tuple[str, ...]


class _UnknownTag(Exception):
    pass


def wording(type: NoticeType, locale: str) -> Wording:
    """The built-in texts in the language of `locale`, English for a language that we do not speak."""
    return LANGUAGES.get(locale_of(locale).language, LANGUAGES["en"])[type]


def words(own: Mapping[str, Mapping[TextType, Texts]], type: TextType, locale: str) -> Words:
    """What is said about `type` to a reader of `locale`: one's own texts in the reader's language, for the rest the
    built-in ones.
    """
    built_in, texts = wording(type, locale), _own(own, type, locale)
    template = Template(texts.subject or built_in.subject, texts.text or built_in.body, texts.html)
    return Words(template, texts.sms or built_in.sms)


def _own(own: Mapping[str, Mapping[TextType, Texts]], type: TextType, locale: str) -> Texts:
    """Those of the very locale before others of its language."""
    wanted = locale_of(locale)
    of_type = {str(locale_of(name)): texts[type] for name, texts in own.items() if type in texts}
    of_language = (texts for name, texts in of_type.items() if locale_of(name).language == wanted.language)
    return of_type.get(str(wanted)) or next(of_language, Texts())


def locale_of(text: str) -> Locale:
    """The locale called `el_GR`, `el-GR` or `el`; that of the language if the country is strange, else en_US."""
    parts = text.replace("-", "_").split("_")
    for name in ("_".join(parts), parts[0]):
        try:
            return Locale.parse(name)
        except (ValueError, UnknownLocaleError):
            continue
    return Locale.parse(DEFAULT_LOCALE)


def compose(template: Template, facts: Facts) -> Composed:
    """The mail: its subject in one line, its plain text, its HTML with every fact escaped."""
    subject, text = render(template.subject, facts), render(template.text, facts)
    html = Rendered(_as_html(text.text), (), ()) if template.html is None else render_html(template.html, facts)
    parts = (subject, text, html)
    return Composed(
        " ".join(subject.text.split()),
        text.text,
        html.text,
        tuple(dict.fromkeys(tag for part in parts for tag in part.unknown)),
        tuple(dict.fromkeys(tag for part in parts for tag in part.absent)),
    )


def render(template: str, facts: Facts) -> Rendered:
    """Plain text, without the lines that speak of what is not known."""
    unknown: dict[str, None] = {}
    absent: dict[str, None] = {}
    lines: list[str] = []
    for line in template.splitlines():
        rendered = _replaced(line, facts, str)
        unknown.update(dict.fromkeys(rendered.unknown))
        absent.update(dict.fromkeys(rendered.absent))
        if not rendered.absent:
            lines.append(rendered.text)
    return Rendered("\n".join(lines).strip("\n"), tuple(unknown), tuple(absent))


def render_html(template: str, facts: Facts) -> Rendered:
    """HTML of somebody's making: facts are escaped, what is not known is empty."""
    return _replaced(template, facts, escape)


def sender_of(sender: MailSender) -> str:
    """The address that mails are from, with the name if there is one."""
    return formataddr((sender.from_name or "", mail_address(sender)))


def mail_address(sender: MailSender) -> str:
    """The bare address."""
    return f"no-reply@{sender.domain}"


def is_phone(text: str) -> bool:
    """Whether it is a number in E.164 form."""
    return _PHONE.fullmatch(text) is not None


def is_mail_address(text: str) -> bool:
    """Whether it is a bare address that a mail server may know."""
    return _MAIL.fullmatch(text) is not None


def tags(locale: str = DEFAULT_LOCALE) -> list[tuple[str, str]]:
    """Every named tag and some date patterns, each with an example."""
    facts = sample(datetime.fromisoformat("2030-01-07T15:04:00-07:00"), "America/Phoenix", locale)
    named = (*_NAMED, "dd-MM-yyyy", "EEEE dd-MMM-yy", "EEEE, d MMMM y", "HH:mm")
    return [(tag, _value(tag, facts) or "") for tag in named]


def sample(start: datetime, zone: str, locale: str) -> Facts:
    """The facts of an appointment that nobody has."""
    return Facts(
        start=start,
        zone=zone,
        locale=locale,
        duration=timedelta(minutes=30),
        first_name="Maria",
        last_name="Jones",
        title="Video consultation",
        notes="Please have your contract at hand.",
        agent_name="Alice Smith",
        room_url="https://meet.example.com/q/4fJ9",
        google_calendar_url="https://hub.example.com/api/cal/events/google/1/event",
        ical_url="https://hub.example.com/api/cal/events/ical/1/event",
        reschedule_url="https://hub.example.com/q/a/AUYq",
        cancel_url="https://hub.example.com/q/a/AEYq",
        code="063780",
    )


def locales(own: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The locales that texts are written in, built in or of one's `own`, each with its name in English."""
    names = dict.fromkeys([*BUILT_IN_LOCALES, *(str(locale_of(name)) for name in own)])
    return [(name, locale_of(name).get_display_name("en") or name) for name in sorted(names)]


def _replaced(template: str, facts: Facts, write: Callable[[str], str]) -> Rendered:
    unknown: dict[str, None] = {}
    absent: dict[str, None] = {}

    def value(match: re.Match[str]) -> str:
        try:
            found = _value(match[1], facts)
        except _UnknownTag:
            unknown[match[1]] = None
            return match[0]
        if not found:
            absent[match[1]] = None
        return write(found or "")

    return Rendered(_TAG.sub(value, template), tuple(unknown), tuple(absent))


def _value(tag: str, facts: Facts) -> str | None:
    """What a tag stands for, None if that is not known. Raises _UnknownTag."""
    if (named := _NAMED.get(tag)) is not None:
        return named(facts)
    if not _PATTERN.fullmatch(tag):
        raise _UnknownTag
    try:
        return _date(facts, tag)
    except ValueError:  # letters that are no field, or too many of one
        raise _UnknownTag from None


def _date(facts: Facts, pattern: str) -> str:
    return format_datetime(_local(facts), pattern, locale=locale_of(facts.locale))


def _local(facts: Facts) -> datetime:
    return facts.start.astimezone(ZoneInfo(facts.zone))


def _time12(facts: Facts) -> str:
    return _date(facts, "h:mm a").lower()


def _time24(facts: Facts) -> str:
    return _date(facts, "HH:mm")


def _zone(facts: Facts) -> str:
    """The zone as clocks there are called on that day; by its offset where it has no name."""
    name = _local(facts).tzname() or ""
    return f"UTC{name[:3]}:{name[3:] or '00'}" if name.startswith(("+", "-")) else name


def _full_name(facts: Facts) -> str:
    return " ".join(name for name in (facts.first_name, facts.last_name) if name)


def _duration(facts: Facts) -> str | None:
    if facts.duration is None:
        return None
    hours, minutes = divmod(round(facts.duration.total_seconds() / 60), 60)
    units = [(hours, "duration-hour"), (minutes, "duration-minute")]
    return " ".join(str(format_unit(n, unit, locale=locale_of(facts.locale))) for n, unit in units if n) or None


_NAMED: Final[Mapping[str, Callable[[Facts], str | None]]] = {
    "firstName": lambda facts: facts.first_name,
    "lastName": lambda facts: facts.last_name,
    "fullName": _full_name,
    "title": lambda facts: facts.title,
    "notes": lambda facts: facts.notes,
    "agentName": lambda facts: facts.agent_name,
    "duration": _duration,
    "time12": _time12,
    "time12hr": _time12,
    "time24": _time24,
    "time24hr": _time24,
    "zone": _zone,
    "roomUrl": lambda facts: facts.room_url,
    "googleCalendarUrl": lambda facts: facts.google_calendar_url,
    "icalUrl": lambda facts: facts.ical_url,
    "rescheduleUrl": lambda facts: facts.reschedule_url,
    "cancelUrl": lambda facts: facts.cancel_url,
    "code": lambda facts: facts.code,
}


def _as_html(text: str) -> str:
    """Plain text as HTML: paragraphs, line breaks, links."""
    paragraphs = [block.strip("\n") for block in re.split(r"\n{2,}", text) if block.strip()]
    broken = ("<br>\n".join(map(_linked, block.splitlines())) for block in paragraphs)
    return "\n".join(f"<p>{lines}</p>" for lines in broken)


def _linked(line: str) -> str:
    """The line escaped, its addresses clickable."""
    pieces: list[str] = []
    end = 0
    for link in _LINK.finditer(line):
        address = escape(link[0])
        pieces += [escape(line[end : link.start()]), f'<a href="{address}">{address}</a>']
        end = link.end()
    return "".join([*pieces, escape(line[end:])])
