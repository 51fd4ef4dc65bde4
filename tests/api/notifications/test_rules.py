"""Texts: tags, languages, zones on the nights when clocks change, what is unknown, what is hostile."""

from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.notifications import rules
from api.notifications.rules import Facts, Rendered, Template, compose, render, render_html, wording
from api.notifications.texts import ENGLISH, LANGUAGES, NoticeType

START = datetime(2027, 1, 15, 8, 4, tzinfo=UTC)
FACTS = Facts(start=START, zone="Europe/Berlin", first_name="Maria", last_name="Jones", title="Loan & more")


def text(template: str, **changes: Any) -> str:
    return render(template, msgspec.structs.replace(FACTS, **changes)).text


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{firstName}} {{ lastName }}, {{fullName}}", "Maria Jones, Maria Jones"),
        ("{{dd-MM-yyyy}} {{time24}} {{zone}}", "15-01-2027 09:04 CET"),
        ("{{EEEE dd-MMM-yy}} {{time12hr}}", "Friday 15-Jan-27 9:04 am"),
        ("{{time12}} {{time24hr}} {{H:mm}} {{h a}}", "9:04 am 09:04 9:04 9 AM"),
        ("no tags { {firstName} }", "no tags { {firstName} }"),
        ("{{firstName}}{{lastName}}", "MariaJones"),
    ],
)
def test_tags_are_replaced(template: str, shown: str) -> None:
    assert render(template, FACTS) == Rendered(shown, (), ())


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en_US", "Friday 15 January"),
        ("en-GB", "Friday 15 January"),
        ("el_GR", "Παρασκευή 15 Ιανουαρίου"),
        ("el", "Παρασκευή 15 Ιανουαρίου"),
        ("de-XX", "Freitag 15 Januar"),
        ("xx", "Friday 15 January"),
        ("", "Friday 15 January"),
        ("../etc/passwd", "Friday 15 January"),
    ],
)
def test_dates_speak_the_language_of_the_reader(locale: str, shown: str) -> None:
    assert text("{{EEEE d MMMM}}", locale=locale) == shown


CLOCKS = [
    # the night on which Berlin has 02:30 twice
    ("Europe/Berlin", "2026-10-25T00:30Z", "02:30 CEST"),
    ("Europe/Berlin", "2026-10-25T01:30Z", "02:30 CET"),
    # the night on which it has none
    ("Europe/Berlin", "2026-03-29T00:59Z", "01:59 CET"),
    ("Europe/Berlin", "2026-03-29T01:00Z", "03:00 CEST"),
    ("America/New_York", "2026-11-01T05:30Z", "01:30 EDT"),
    ("America/New_York", "2026-11-01T06:30Z", "01:30 EST"),
    # half an hour
    ("Australia/Lord_Howe", "2026-04-04T14:59Z", "01:59 UTC+11:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z", "01:30 UTC+10:30"),
    ("Asia/Kathmandu", "2026-01-01T00:00Z", "05:45 UTC+05:45"),
    ("Pacific/Apia", "2026-01-01T11:00Z", "00:00 UTC+13:00"),
    ("UTC", "2026-01-01T11:00Z", "11:00 UTC"),
]


@pytest.mark.parametrize(("zone", "at", "shown"), CLOCKS)
def test_times_are_those_of_the_appointments_zone(zone: str, at: str, shown: str) -> None:
    assert text("{{time24}} {{zone}}", zone=zone, start=datetime.fromisoformat(at)) == shown


@pytest.mark.parametrize(
    ("minutes", "english", "greek"),
    [
        (30, "30 minutes", "30 λεπτά"),
        (60, "1 hour", "1 ώρα"),
        (90, "1 hour 30 minutes", "1 ώρα 30 λεπτά"),
        (1, "1 minute", "1 λεπτό"),
    ],
)
def test_durations_are_exact(minutes: int, english: str, greek: str) -> None:
    duration = timedelta(minutes=minutes)
    assert text("{{duration}}", duration=duration) == english
    assert text("{{duration}}", duration=duration, locale="el") == greek


@pytest.mark.parametrize("template", ["{{" + " " * 60_000, "{{a" + " " * 60_000, "{{" * 30_000, "{{ a b " * 9_000])
def test_a_template_costs_no_more_than_its_length(template: str) -> None:
    began = process_time()
    assert render(template, FACTS).text == template.strip("\n")
    assert process_time() - began < 2.0  # with a pattern that goes back and forth: ten minutes


def test_an_unknown_tag_stays_visible_and_is_reported() -> None:
    rendered = render("Dear {{frstName}}, {{frstName}} {{ddddddd}} {{}} {{time99}}", FACTS)
    assert rendered.text == "Dear {{frstName}}, {{frstName}} {{ddddddd}} {{}} {{time99}}"
    assert rendered.unknown == ("frstName", "ddddddd", "time99")


def test_a_line_about_something_unknown_is_left_out_and_reported() -> None:
    rendered = render("Dear {{firstName}},\n\nJoin: {{roomUrl}}\nOr cancel: {{cancelUrl}} ({{firstName}})\nBye", FACTS)
    assert rendered == Rendered("Dear Maria,\n\nBye", (), ("roomUrl", "cancelUrl"))


def test_in_html_of_somebodys_making_what_is_not_known_is_empty_and_reported() -> None:
    rendered = render_html("<p>{{title}} <a href='{{roomUrl}}'>x</a></p>", FACTS)
    assert rendered == Rendered("<p>Loan &amp; more <a href=''>x</a></p>", (), ("roomUrl",))


HOSTILE = "<script>alert('x')</script> & \"{{cancelUrl}}\" {{firstName}}"


def test_facts_cannot_bring_markup_or_tags() -> None:
    facts = msgspec.structs.replace(FACTS, first_name=HOSTILE, room_url="https://x.test/?a=1&b='2'\"><b>")
    for template in (
        Template("Hi", "{{firstName}}\n{{roomUrl}}"),
        Template("Hi", "x", "<p title=\"{{firstName}}\">{{firstName}}</p><a href='{{roomUrl}}'>"),
    ):
        html = compose(template, facts).html
        assert "<script" not in html
        assert "<b>" not in html
        assert "{{cancelUrl}}" in html
        assert "&lt;script&gt;" in html
        assert "Maria" not in html


def test_html_made_of_plain_text_has_paragraphs_and_links() -> None:
    made = compose(
        Template("s", "Hello\nthere\n\n\nGo: {{roomUrl}} now"),
        msgspec.structs.replace(FACTS, room_url="https://x.test/q?a=1&b=2"),
    )
    link = "https://x.test/q?a=1&amp;b=2"
    assert made.html == f'<p>Hello<br>\nthere</p>\n<p>Go: <a href="{link}">{link}</a> now</p>'


def test_a_subject_is_one_line() -> None:
    facts = msgspec.structs.replace(FACTS, title="a\r\nBcc: everybody@example.com\x0b b")
    assert compose(Template("About {{title}}", "x"), facts).subject == "About a Bcc: everybody@example.com b"


def test_faults_of_all_parts_are_reported_once() -> None:
    made = compose(Template("{{a1}} {{notes}}", "{{a1}}\n{{b1}}", "{{b1}}{{notes}}"), FACTS)
    assert (made.unknown, made.absent) == (("a1", "b1"), ("notes",))


ALL = Facts(
    start=START,
    zone="Europe/Athens",
    duration=timedelta(minutes=30),
    first_name="Μαρία",
    last_name="Jones",
    title="Loan",
    notes="n",
    agent_name="Alice",
    room_url="https://x.test/room",
    google_calendar_url="https://x.test/g",
    ical_url="https://x.test/i",
    reschedule_url="https://x.test/r",
    cancel_url="https://x.test/c",
    code="063780",
)


@pytest.mark.parametrize("type", ENGLISH)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_built_in_texts_are_complete_and_right(language: str, type: NoticeType) -> None:
    facts = msgspec.structs.replace(ALL, locale=language)
    texts = wording(type, language)
    mail = compose(Template(texts.subject, texts.body), facts)
    sms = render(texts.sms, facts)
    assert (mail.unknown, mail.absent, sms.unknown, sms.absent) == ((), (), (), ())
    for part in (mail.subject, mail.text, sms.text):
        assert part
        assert "{" not in part
    has_room = type in {"CREATE", "RESCHEDULE", "REMINDER", "ROOM"}
    assert ("https://x.test/room" in mail.text) == ("https://x.test/room" in sms.text) == has_room
    if type == "CODE":
        assert "063780" in mail.subject
        assert "063780" in mail.text
        assert "063780" in sms.text
        return
    # Without any link, and without a name, what is left still says when.
    bare = Facts(start=START, zone="Europe/Athens", locale=language)
    left = render(texts.body, bare).text
    assert "Μαρία" not in left
    assert ("10:04" in left) == (type != "FOLLOW_UP")


def test_other_languages_read_english() -> None:
    assert wording("CREATE", "fr_FR") == ENGLISH["CREATE"]
    assert wording("CREATE", "en-GB") == ENGLISH["CREATE"]


def test_every_tag_has_an_example() -> None:
    examples = dict(rules.tags())
    assert all(examples.values())
    assert (examples["time12hr"], examples["zone"]) == ("3:04 pm", "MST")
    assert examples["EEEE dd-MMM-yy"] == "Monday 07-Jan-30"
    assert dict(rules.tags("el_GR"))["EEEE dd-MMM-yy"] == "Δευτέρα 07-Ιαν-30"


@pytest.mark.parametrize(
    ("number", "good"),
    [
        ("+306931221199", True),
        ("306931221199", False),
        ("+0931221199", False),
        ("+3069312211xx", False),
        ("+30 693", False),
        ("+123456", False),
        ("+" + "1" * 16, False),
        ("+306931221199\n", False),
    ],
)
def test_a_phone_number_is_e164(number: str, good: bool) -> None:
    assert rules.is_phone(number) is good


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("a.b+c@x-y.example.com", True),
        ("a@localhost", False),
        ("a b@x.test", False),
        ("A <a@x.test>", False),
        ("a@x.test,b@x.test", False),
        ("a@x.test\n", False),
        ("a\x00b@x.test", False),
        ("@x.test", False),
        ("a@", False),
    ],
)
def test_a_mail_address_is_bare(address: str, good: bool) -> None:
    assert rules.is_mail_address(address) is good


@given(st.text(alphabet="{} firstNameyMdEHhmsaz0-9.:\n<&", max_size=80), st.text(max_size=20))
def test_no_template_and_no_fact_breaks_it(template: str, name: str) -> None:
    facts = msgspec.structs.replace(FACTS, first_name=name)
    rendered = render(template, facts)
    assert all("{{" in template and tag in template for tag in (*rendered.unknown, *rendered.absent))
    compose(Template(template, template, template), facts)
