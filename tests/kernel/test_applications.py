"""`[applications.ID]` of the configuration file."""

from pathlib import Path

import pytest

from hub.kernel import config
from hub.kernel.applications import Application, MailSender, SmsSender
from hub.kernel.periods import Period
from hub.kernel.secret import Secret
from tests.kernel.configuring import faults

FULL = """
[applications.app]
organization = "acme"
name = "Clinic"
kind = "talkdesk"
auto_activate = false
otp_required = false
durations = ["PT20M"]
working_hours = { timezone = "Europe/Berlin", regular = ["Mon-Fri 09:00-17:00"], closed = ["2026-12-25"] }
max_parallel = 3
minimum_lead_time = "PT2H"
maximum_horizon = "P90D"
ticket_seconds = 600
url_base = "https://a.example.org"
allowed_url_bases = ["https://a.example.org", "https://b.example.org:8443/x"]
notifications_active = true
channels = ["EMAIL", "WEBHOOKS"]
reminders = ["P2D"]
room_invites = ["PT15M"]
follow_ups = ["PT0S"]
email = { domain = "mail.example.org", from_name = "Clinic", verified = true }
sms = { from_number = "+15550001111" }
routing = { touchpoint_id = "t" }
theme = { video = "v" }

[[applications.app.webhooks]]
url = "https://crm.example.org/hook?key=hunter3"
secret_file = "hook.secret"
headers = { x-source = "hub" }
oauth = { token_url = "https://id.example.org/t", client_id = "hub", client_secret = "hunter2", scope = "hooks" }

[[applications.app.webhooks]]
url = "http://127.0.0.1:9000/hook"
allow_private = true
basic = { user = "hub", password = "hunter2" }

[applications.app.texts.en_US.REMINDER]
subject = "Soon"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "hook.secret").write_text("key of the hook\n")
    return tmp_path / "hub.toml"


def test_an_organization_is_enough(written: Path) -> None:
    written.write_text("[applications.app]\norganization = 'acme'")
    (app,) = config.load(written).applications.values()
    assert app == Application(organization="acme")
    assert app.auto_activate
    assert app.otp_required
    assert list(map(str, app.durations)) == ["PT5M", "PT15M", "PT30M", "PT1H"]
    assert list(map(str, app.reminders)) == ["P1D", "PT1H"]
    assert (str(app.minimum_lead_time), str(app.maximum_horizon), app.ticket_seconds) == ("PT0S", "P60D", 14_400)
    assert (app.max_parallel, app.notifications_active, app.channels, app.webhooks) == (0, False, frozenset(), ())


def test_everything_is_read(written: Path) -> None:
    written.write_text(FULL)
    loaded = config.load(written)
    app = loaded.applications["app"]
    assert (app.organization, app.name, app.kind, app.auto_activate) == ("acme", "Clinic", "talkdesk", False)
    assert app.durations == (Period(seconds=1200),)
    assert app.working_hours is not None
    assert app.working_hours.regular == ("Mon-Fri 09:00-17:00",)
    assert app.email == MailSender(domain="mail.example.org", from_name="Clinic", verified=True)
    assert app.sms == SmsSender(from_number="+15550001111", verified=False)
    signed, private = app.webhooks
    assert signed.secret == Secret("key of the hook")
    assert signed.oauth is not None
    assert signed.oauth.client_secret == Secret("hunter2")
    assert private.basic is not None
    assert private.basic.password == Secret("hunter2")
    assert app.texts["en_US"]["REMINDER"].subject == "Soon"
    assert app.texts["en_US"]["REMINDER"].text is None
    assert "hunter2" not in repr(loaded)


HOOK = "organization='o'\n[[applications.a.webhooks]]\n"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("name='x'", "organization", "is missing"),
        ("organization='o'\nkind='x'", "kind", "Invalid enum value 'x'"),
        ("organization='o'\nreminder=['P1D']", "reminder", "unknown; did you mean reminders?"),
        ("organization='o'\nreminders=['P1D','soon']", "reminders[1]", "must be an ISO 8601 period like P1D or PT30M"),
        ("organization='o'\nreminders=['P1D','P1D']", "reminders", "at most 20, each once"),
        ("organization='o'\nreminders=['PT0S']", "reminders[0]", "must be longer than nothing and at most a year"),
        (
            "organization='o'\nroom_invites=['PT15M']",
            "room_invites",
            "needs auto_activate = false: rooms are open from the beginning",
        ),
        ("organization='o'\nroom_invites=['PT0S']\nauto_activate=false", "room_invites[0]", None),
        ("organization='o'\ndurations=[]", "durations", "at least one"),
        ("organization='o'\ndurations=['P2D']", "durations", "at most a day each"),
        ("organization='o'\nmaximum_horizon='PT0S'", "maximum_horizon", "must be longer than minimum_lead_time"),
        ("organization='o'\nmax_parallel=-1", "max_parallel", "Expected `int` >= 0"),
        ("organization='o'\nchannels=['MAIL']", "channels[0]", "Invalid enum value 'MAIL'"),
        ("organization='o'\nemail={domain='a b'}", "email.domain", None),
        ("organization='o'\nemail={domain='a.example', from_name=\"x\\ny\"}", "email.from_name", None),
        ("organization='o'\nsms={from_number='123'}", "sms.from_number", None),
        ("organization='o'\nurl_base='ftp://x'", "url_base", None),
        (
            "organization='o'\nurl_base='https://a.example'\nallowed_url_bases=['https://b.example']",
            "url_base",
            "must be one of allowed_url_bases",
        ),
        (
            "organization='o'\nworking_hours={timezone='Mars/Base'}",
            "working_hours.timezone",
            "must be a time zone such as Europe/Berlin or UTC",
        ),
        (
            "organization='o'\nworking_hours={timezone='UTC', regular=['always']}",
            "working_hours.regular[0]",
            "must be like Mon-Fri 09:00-17:00",
        ),
        (HOOK + "url='http://x.example/'", "webhooks[0].url", "must begin with https:// unless allow_private is true"),
        (
            HOOK + "url='https://x.example/'\nheaders={Host='x'}",
            "webhooks[0].headers.Host",
            "the header Host cannot be set",
        ),
        (
            HOOK + "url='https://x.example/'\nbasic={user='u'}",
            "webhooks[0].basic.password",
            "set exactly one of password and password_file",
        ),
        (
            HOOK + "url='https://x.example/'\nsecret='s'\nsecret_file='s'",
            "webhooks[0].secret",
            "set exactly one of secret and secret_file",
        ),
        ("organization='o'\ntexts.en_US.REMIND.text='x'", "texts.en_US.REMIND", "Invalid enum value 'REMIND'"),
        (
            "organization='o'\ntexts.en_US.REMINDER.texte='x'",
            "texts.en_US.REMINDER.texte",
            "unknown; did you mean text?",
        ),
        ("organization='o'\ntexts.english.REMINDER.text='x'", "texts.english", None),
    ],
)
def test_a_fault_is_reported_with_its_path(written: Path, text: str, path: str, message: str | None) -> None:
    found = faults(written, "[applications.a]\n" + text)
    assert found.keys() == {f"applications.a.{path}"}
    assert message is None or found[f"applications.a.{path}"] == message


def test_all_faults_are_reported_together_and_no_secret_in_them(written: Path) -> None:
    text = "[applications.a]\nemail={domain=1, x=2}\n[[applications.a.webhooks]]\nsecret='hunter2'\nheaders=5\nurl=6"
    found = faults(written, text)
    assert found.keys() == {
        f"applications.a.{key}"
        for key in ("organization", "email.domain", "email.x", "webhooks[0].headers", "webhooks[0].url")
    }
    assert "hunter2" not in str(found)
