from pathlib import Path

import pytest

from hub.kernel import settings
from hub.kernel.secret import Secret
from hub.kernel.settings import Settings, SettingsError

SECRET = "0123456789abcdef0123456789abcdef"


def faults(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(environ)
    return dict(caught.value.faults)


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_set_is_a_working_hub() -> None:
    loaded = settings.load({"PATH": "/bin", "HOME": "/"})
    assert loaded == Settings()
    assert loaded.database.reveal() == "sqlite:///var/hub.db"
    assert (loaded.bayeux_timeout_ms, loaded.bayeux_max_interval_ms, loaded.bayeux_interval_ms) == (25_000, 60_000, 0)
    assert (loaded.history_seconds, loaded.history_events, loaded.history_events_shared) == (86_400, 1_000, 100_000)
    assert (loaded.session_queue_events, loaded.session_queue_bytes) == (256, 262_144)
    assert (loaded.max_message_bytes, loaded.max_ingest_bytes, loaded.max_depth) == (65_536, 4_194_304, 32)
    assert (loaded.jwt_issuer, loaded.jwt_audience, loaded.public_url) == ("hub", "hub", "http://127.0.0.1:8080")
    assert (loaded.ws_ping_seconds, loaded.drain_seconds, loaded.scheduler) == (20, 10, "internal")
    assert not loaded.callback_polling


def test_the_database_lies_in_the_data_directory() -> None:
    assert settings.load({"HUB_DATA_DIR": "/srv/hub"}).database.reveal() == "sqlite:////srv/hub/hub.db"
    given = {"HUB_DATA_DIR": "/srv/hub", "HUB_DATABASE_URL": "sqlite:////other/file.db"}
    assert settings.load(given).database.reveal() == "sqlite:////other/file.db"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("HUB_CALLBACK_POLLING", "on", True),
        ("HUB_CALLBACK_POLLING", "0", False),
        ("HUB_STRICT_EVENTS", "1", True),
        ("HUB_LOG_LEVEL", "DEBUG", "debug"),
        ("HUB_WS_PING_SECONDS", "0.5", 0.5),
        ("HUB_HISTORY_EVENTS", " 12 ", 12),
        ("HUB_HISTORY_EVENTS", "", 1_000),
        ("HUB_PUBLIC_URL", "https://hub.example/base/", "https://hub.example/base"),
        (
            "HUB_ALLOWED_ORIGINS",
            "https://a.example, http://b.example:81,",
            ("https://a.example", "http://b.example:81"),
        ),
        ("HUB_JWT_SECRET", SECRET, Secret(SECRET)),
    ],
)
def test_text_becomes_a_value(name: str, text: str, value: object) -> None:
    assert getattr(settings.load({name: text}), name.removeprefix("HUB_").lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("HUB_HISTORY_EVENTS", "many", "must be a whole number from 1 to 2147483647, not 'many'"),
        ("HUB_HISTORY_EVENTS", "0", "must be a whole number from 1 to 2147483647, not '0'"),
        ("HUB_WS_PING_SECONDS", "nan", "must be a number above 0 to 3600, not 'nan'"),
        ("HUB_WS_PING_SECONDS", "inf", "must be a number above 0 to 3600, not 'inf'"),
        ("HUB_CALLBACK_POLLING", "maybe", "must be on or off, not 'maybe'"),
        ("HUB_SCHEDULER", "both", "must be internal or external, not 'both'"),
        ("HUB_REDIS_PREFIX", "a b", r"must be text matching `\A[A-Za-z0-9._:-]{1,64}\Z`, not 'a b'"),
        ("HUB_JWT_SECRET", "short", "must be at least 32 bytes long"),
        ("HUB_CONFIG", "no/such.toml", "no such file: no/such.toml"),
        ("HUB_PUBLIC_URL", "hub.example", "must be http(s)://host[:port][/path]"),
        ("HUB_PUBLIC_URL", "http://hub.example:99999", "must be http(s)://host[:port][/path]"),
        ("HUB_PUBLIC_URL", "http://user:pw@hub.example", "must be http(s)://host[:port][/path]"),
        ("HUB_ALLOWED_ORIGINS", "*", "'*' must be http(s)://host[:port]"),
        ("HUB_ALLOWED_ORIGINS", "https://a.example/app", "'https://a.example/app' must be http(s)://host[:port]"),
        (
            "HUB_DATABASE_URL",
            "mysql://u:pw@h/d",
            "must be postgresql://user:password@host:port/database or sqlite:///path of a file",
        ),
        (
            "HUB_DATABASE_URL",
            "sqlite://",
            "must be postgresql://user:password@host:port/database or sqlite:///path of a file",
        ),
        (
            "HUB_DATABASE_URL",
            "sqlite:///:memory:",
            "must be postgresql://user:password@host:port/database or sqlite:///path of a file",
        ),
        ("HUB_MAX_INGEST_BYTES", "2048", "must not be smaller than HUB_MAX_MESSAGE_BYTES"),
        ("WEB_CONCURRENCY", "4", "one process serves one port; start further processes on other ports"),
    ],
)
def test_a_fault_names_its_setting_and_what_would_do(name: str, text: str, message: str) -> None:
    assert faults({name: text}) == {name: message}


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example/.well-known/jwks.json",
        "https://issuer.example:8443/keys?policy=a",
        "https://[2001:db8::1]/keys",
        "http://127.0.0.1:9/keys",
        "http://127.8.8.8/keys",
        "http://[::1]:9/keys",
        "http://localhost:9/keys",
        "HTTP://LOCALHOST/keys",
    ],
)
def test_key_sets_come_over_https_or_from_this_machine(url: str) -> None:
    assert settings.load({"HUB_JWKS_URL": url}).jwks_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/keys",
        "http://127.0.0.1.example/keys",
        "http://localhost.example/keys",
        "http://10.0.0.1/keys",
        "http://127.0.0.1@issuer.example/keys",
        "https://user:hunter2@issuer.example/keys",
        "https://issuer.example/keys#one",
        "https://issuer.example\\@127.0.0.1/keys",
        "https://issuer.example/a b",
        "https://issuer.example/a\nb",
        "https://issuer.example:99999/keys",
        "https://issuer.example:0/keys",
        "https:///keys",
        "https://[::1/keys",
        "https://{kid}.ex\u00e4mple/keys",
        "file:///etc/keys.json",
        "ftp://127.0.0.1/keys",
        "issuer.example/keys",
    ],
)
def test_key_sets_come_from_nowhere_else(url: str) -> None:
    message = "must be https://host[:port]/path; http only for a loopback host"
    assert faults({"HUB_JWKS_URL": url}) == {"HUB_JWKS_URL": message}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@h/d",
        "postgresql+psycopg://u:hunter2@h:5433/d",
        "postgres://h,h2:5433/d?target_session_attrs=any",
        "postgresql:///?host=/run/postgresql&dbname=d",
    ],
)
def test_postgresql_is_a_database(url: str) -> None:
    assert settings.load({"HUB_DATABASE_URL": url}).database.reveal() == url


@pytest.mark.parametrize("url", ["postgresql://", "postgresql://u:hunter2@h", "postgres://u:hunter2@h:5432/"])
def test_a_postgresql_server_alone_is_none(url: str) -> None:
    message = faults({"HUB_DATABASE_URL": url})["HUB_DATABASE_URL"]
    assert message == "must name the database: postgresql://user:password@host:port/database"


def test_a_redis_url_is_checked_and_not_shown() -> None:
    assert faults({"HUB_REDIS_URL": "redis://u:hunter2@host:x"}) == {
        "HUB_REDIS_URL": "has no valid port after the host host"
    }


SMTP = "must be smtp[s]://[user:password@]host[:port]"
SMS = "must be https://user:password@host[:port]/path; http only for a loopback host"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("smtp://mail.example", None),
        ("smtps://u:hunter2@mail.example:465/", None),
        ("smtp://u@mail.example", SMTP),
        ("smtp://mail.example/inbox", SMTP),
        ("smtp://mail.example:99999", SMTP),
        ("smtp://", SMTP),
        ("http://u:hunter2@mail.example", SMTP),
    ],
)
def test_the_url_of_a_mail_server(url: str, message: str | None) -> None:
    given = {"HUB_SMTP_URL": url, "HUB_SMTP_FROM": "Hub <hub@hub.example>"}
    if message is None:
        assert settings.load(given).smtp_url == Secret(url)
    else:
        assert faults(given) == {"HUB_SMTP_URL": message}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://AC1:hunter2@sms.example/Accounts/AC1/Messages.json", None),
        ("http://u:hunter2@127.0.0.1:8000/", None),
        ("http://u:hunter2@sms.example/", SMS),
        ("smtp://sms.example", SMS),
        ("https://sms.example/#x", SMS),
    ],
)
def test_the_url_of_an_sms_gateway(url: str, message: str | None) -> None:
    given = {"HUB_SMS_URL": url, "HUB_SMS_FROM": "Hub"}
    if message is None:
        assert settings.load(given).sms_url == Secret(url)
    else:
        assert faults(given) == {"HUB_SMS_URL": message}


def test_what_is_sent_has_a_sender() -> None:
    assert faults({"HUB_SMTP_URL": "smtp://mail.example", "HUB_SMS_URL": "https://sms.example"}) == {
        "HUB_SMTP_FROM": "must be an address if HUB_SMTP_URL is set: hub@example.com, or Hub <hub@example.com>",
        "HUB_SMS_FROM": "is missing: with HUB_SMS_URL somebody has to be the sender",
    }


@pytest.mark.parametrize(("typo", "meant"), [("HUB_JWT_SECRT", "HUB_JWT_SECRET"), ("HUB_LOGLEVEL", "HUB_LOG_LEVEL")])
def test_an_unknown_name_is_an_error_with_a_suggestion(typo: str, meant: str) -> None:
    assert faults({typo: "x"}) == {typo: f"unknown; did you mean {meant}?"}


def test_an_unknown_name_is_an_error_even_when_empty() -> None:
    assert faults({"HUB_ZZZZZZ": ""}) == {"HUB_ZZZZZZ": "unknown"}


def test_all_faults_are_reported_together() -> None:
    found = faults(
        {
            "HUB_HISTORY_EVENT": "5",
            "HUB_HISTORY_EVENTS": "x",
            "HUB_JWT_SECRET": SECRET,
            "HUB_JWKS_URL": "https://keys.example",
            "WEB_CONCURRENCY": "2",
        }
    )
    assert found.keys() == {
        "HUB_HISTORY_EVENT",
        "HUB_HISTORY_EVENTS",
        "HUB_JWT_SECRET",
        "WEB_CONCURRENCY",
    }
    assert found["HUB_JWT_SECRET"].startswith("excludes HUB_JWKS_URL")


def test_the_error_text_has_one_line_a_fault() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load({"HUB_SCHEDULER": "x", "HUB_LOG_FORMAT": "xml"})
    assert sorted(str(caught.value).splitlines()) == [
        "HUB_LOG_FORMAT: must be text or json, not 'xml'",
        "HUB_SCHEDULER: must be internal or external, not 'x'",
    ]


def test_secrets_do_not_show() -> None:
    loaded = settings.load({"HUB_JWT_SECRET": SECRET, "HUB_DATABASE_URL": "sqlite:////secret-place/hub.db"})
    for text in (repr(loaded), str(loaded), f"{loaded.jwt_secret}", f"{loaded.database!r}"):
        assert SECRET not in text
        assert "secret-place" not in text


def test_one_worker_may_be_said() -> None:
    assert settings.load({"WEB_CONCURRENCY": "1"}) == Settings()


def test_the_configuration_file_is_found_where_the_process_starts(in_an_empty_directory: Path) -> None:
    (in_an_empty_directory / "hub.toml").touch()
    assert settings.load({}).config == Path("hub.toml")
    (in_an_empty_directory / "other.toml").touch()
    assert settings.load({"HUB_CONFIG": "other.toml"}).config == Path("other.toml")


def test_origins_are_written_as_browsers_write_them() -> None:
    loaded = settings.load(
        {
            "HUB_PUBLIC_URL": "https://Hub.Example:443/base",
            "HUB_ALLOWED_ORIGINS": "http://A.example:80/,http://[::1]:81",
        }
    )
    assert loaded.origins == {"https://hub.example", "http://a.example", "http://[::1]:81"}


def test_the_table_tells_every_setting() -> None:
    rows = settings.table().splitlines()
    for field in Settings.__struct_fields__:
        (row,) = [row for row in rows if row.startswith(f"| `HUB_{field.upper()}` |")]
        meaning = row.split("|")[4].strip()
        assert len(meaning) > 5
    assert "| `HUB_BAYEUX_TIMEOUT_MS` | `25000` |" in settings.table()
    assert "| `HUB_CALLBACK_POLLING` | off | on or off |" in settings.table()
