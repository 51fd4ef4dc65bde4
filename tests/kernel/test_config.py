from pathlib import Path

import pytest

from hub.kernel import config
from hub.kernel.config import Configuration
from hub.kernel.faults import SettingsError
from hub.kernel.hours import weekly
from hub.kernel.secret import Secret
from tests.kernel.configuring import faults

GOOD = """
[organizations.demo]
name = "Demo"

[[custom_channels]]
pattern = "/demo/**"
subscribe = ["ROLE_AGENT", "ROLE_SUPERVISOR"]
publish = ["ROLE_AGENT"]

[[custom_channels]]
pattern = "/wallboard"
subscribe = ["ROLE_SUPERVISOR"]
durable = true

[clients.crm]
organization = "demo"
secret = "hunter2"

[clients.erp]
organization = "demo"
secret_file = "erp.secret"

[services.request-interaction]
organization = "demo"
_type = "builtin"
_service = "request-interaction"
_access_numbers = ["8003449999"]
api_key_file = "erp.secret"

[office_hours."the weekdays"]
_timezone = "Europe/Berlin"
_bh_regular1 = "Mon-Fri 09:00-17:00"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "erp.secret").write_text("correct horse\n")
    return tmp_path / "hub.toml"


def test_no_file_is_an_empty_configuration() -> None:
    assert config.load(None) == Configuration()
    assert len(config.load(None).catalog().channels) == 4


def test_a_good_file_is_read(written: Path) -> None:
    written.write_text(GOOD)
    loaded = config.load(written)
    assert loaded.organizations["demo"].name == "Demo"
    assert not loaded.organizations["demo"].public_codes
    assert loaded.clients["crm"].organization == "demo"
    assert loaded.clients["crm"].secret == Secret("hunter2")
    assert loaded.clients["erp"].secret == Secret("correct horse")
    room = loaded.catalog().find("/demo/room")
    assert room is not None
    assert room.subscribe == frozenset({"ROLE_AGENT", "ROLE_SUPERVISOR"})
    assert room.publish == frozenset({"ROLE_AGENT"})
    assert (room.durable, room.personal) == (False, False)
    wallboard = loaded.catalog().find("/wallboard")
    assert wallboard is not None
    assert wallboard.durable
    assert loaded.services["request-interaction"].access_numbers == ("8003449999",)
    assert loaded.services["request-interaction"].api_key == Secret("correct horse")
    assert loaded.office_hours["the weekdays"].regular == (weekly("Mon-Fri 09:00-17:00"),)
    assert "hunter2" not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("[organisations.demo]", "organisations", "unknown; did you mean organizations?"),
        ("[organizations.demo]\nwrap_up_seconds = -1", "organizations.demo.wrap_up_seconds", "Expected `float` >= 0.0"),
        (
            "[organizations.demo.agent_states.Lunch]\nwork_mode = 'Nap'",
            "organizations.demo.agent_states.Lunch.work_mode",
            "Invalid enum value 'Nap'",
        ),
        (
            "[organizations.demo.agent_states.Ready]",
            "organizations.demo.agent_states.Ready",
            "must be letters and digits, and like no operation that there is",
        ),
        ("[organizations.demo]\nnmae = 'x'", "organizations.demo.nmae", "unknown; did you mean name?"),
        ("[organizations.demo]\nname = 5", "organizations.demo.name", "Expected `str | null`, got `int`"),
        ("[organizations.'a b']", "organizations.a b", "the name must match [A-Za-z0-9._-]{1,64}"),
        ("organizations = 5", "organizations", "must be tables [organizations.ID]"),
        ("organizations.demo = 5", "organizations.demo", "must be a table"),
        ("custom_channels = 5", "custom_channels", "must be tables [[custom_channels]]"),
        ("[[custom_channels]]", "custom_channels[0].pattern", "is missing"),
        (
            "[[custom_channels]]\npattern='/a'\npublish=['ROLE_AGENT','ROLE_AGNT']",
            "custom_channels[0].publish[1]",
            "Invalid enum value 'ROLE_AGNT'",
        ),
        ("[[custom_channels]]\npattern='/a'\ndurable=1", "custom_channels[0].durable", "Expected `bool`, got `int`"),
        ("[services.x]\n_service = 'storage'", "services.x.organization", "is missing"),
        ("[services.callback]\norganization = 'o'", "services.callback", "is a reserved word"),
        (
            "[services.'a/b']\norganization = 'o'",
            "services.a/b",
            "the name must match [A-Za-z0-9][A-Za-z0-9._ -]{0,63}",
        ),
        (
            "[services.x]\norganization = 'o'\n_service = 'request-interaction'",
            "services.x.access_numbers",
            "is missing, request-interaction needs it",
        ),
        ("[services.x]\norganization = 'o'\n_ttl = 0", "services.x.ttl", "Expected `int` >= 1"),
        ("[services.x]\norganization = 'o'\n_tll = 1", "services.x.tll", "unknown; did you mean ttl?"),
        (
            "[services.x]\norganization = 'o'\naccess-numbers = ['12', '12']",
            "services.x.access_numbers",
            "has a number twice",
        ),
        ("office_hours = 5", "office_hours", "must be tables [office_hours.ID]"),
        (
            "[office_hours.x]\n_timezone = 'CET'",
            "office_hours.x._timezone",
            "must be a time zone such as Europe/Berlin or UTC",
        ),
        ("[office_hours.storage]\n_timezone = 'UTC'", "office_hours.storage", "is a reserved word"),
        ("[clients.crm]\nsecret='x'", "clients.crm.organization", "is missing"),
        ("[clients.crm]\norganization='o'", "clients.crm.secret", "set exactly one of secret and secret_file"),
        (
            "[clients.crm]\norganization='o'\nsecret='x'\nsecret_file='erp.secret'",
            "clients.crm.secret",
            "set exactly one of secret and secret_file",
        ),
        ("[clients.crm]\norganization='o'\nsecret=''", "clients.crm.secret", "is empty"),
        ("[clients.crm]\norganization='o'\nsecret_file='no'", "clients.crm.secret_file", "cannot be read: no"),
        (
            '[clients.crm]\norganization="o"\nsecret_file="a\\u0000b"',
            "clients.crm.secret_file",
            "cannot be read: a\x00b",
        ),
    ],
)
def test_a_fault_is_reported_with_its_path(written: Path, text: str, path: str, message: str) -> None:
    assert faults(written, text) == {path: message}


@pytest.mark.parametrize("pattern", ["/v2/me", "/v2/**", "/**", "/meta/x", "/service/**", "nothing", "/a//b"])
def test_a_custom_channel_keeps_to_its_own_names(written: Path, pattern: str) -> None:
    assert faults(written, f"[[custom_channels]]\npattern='{pattern}'").keys() == {"custom_channels[0].pattern"}


def test_custom_channels_do_not_overlap(written: Path) -> None:
    found = faults(written, "[[custom_channels]]\npattern='/a/**'\n[[custom_channels]]\npattern='/a/b'")
    assert found == {"custom_channels[1].pattern": "/a/b overlaps /a/**; a name belongs to one channel only"}


def test_all_faults_are_reported_together(written: Path) -> None:
    found = faults(written, "extra = 1\n[organizations.o]\nx = 1\nname = 2\n[[custom_channels]]\ndurable = 3\ny = 4\n")
    assert found.keys() == {
        "extra",
        "organizations.o.x",
        "organizations.o.name",
        "custom_channels[0].y",
        "custom_channels[0].pattern",
        "custom_channels[0].durable",
    }


def test_a_secret_never_stands_in_a_fault(written: Path) -> None:
    found = faults(written, "[clients.crm]\nsecret='hunter2'\nsecret_file=5\norganization='a b'")
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("content", [b"a = ", b"\xff", b"x = " + b"[" * 100_000])
def test_what_is_not_toml_is_refused_under_the_name_of_the_file(written: Path, content: bytes) -> None:
    written.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        config.load(written)
    assert [fault.key for fault in caught.value.faults] == [str(written)]


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        config.load(tmp_path)
