import io
import json
import logging
from collections.abc import Iterator

import pytest

from hub.kernel import logs

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def root_logger_is_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_json_is_one_object_a_line_with_the_usual_keys_first(stream: io.StringIO) -> None:
    logs.configure("json", "info", stream)
    logs.get("hub.x").info("session ended", client_id="abc", count=3)
    line = json.loads(stream.getvalue())
    assert list(line) == ["timestamp", "level", "logger", "event", "client_id", "count"]
    assert (line["level"], line["logger"], line["event"]) == ("info", "hub.x", "session ended")
    assert (line["client_id"], line["count"]) == ("abc", 3)
    assert line["timestamp"].endswith("Z")


def test_text_is_readable(stream: io.StringIO) -> None:
    logs.configure("text", "info", stream)
    logs.get("hub.x").warning("session ended", reason="went away", n=3, none=None)
    assert stream.getvalue().endswith(' warning hub.x session ended reason="went away" n=3 none=null\n')


def test_the_level_holds_for_everybody(stream: io.StringIO) -> None:
    logs.configure("text", "warning", stream)
    logs.get("hub.x").info("hidden")
    logging.getLogger("other").info("hidden")
    logging.getLogger("uvicorn.access").info("hidden")
    assert stream.getvalue() == ""


def test_the_last_configuration_counts(stream: io.StringIO) -> None:
    logs.configure("text", "warning", io.StringIO())
    logs.configure("text", "debug", stream)
    logs.get("hub.x").debug("seen")
    assert stream.getvalue().count("seen") == 1


def test_uvicorn_goes_the_same_way_without_secrets(stream: io.StringIO) -> None:
    own = io.StringIO()
    access = logging.getLogger("uvicorn.access")
    access.addHandler(logging.StreamHandler(own))
    access.propagate = False
    logs.configure("json", "info", stream)
    access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", f"/cometd?access_token={JWT}", "1.1", 200)
    assert own.getvalue() == ""
    assert json.loads(stream.getvalue())["event"] == '127.0.0.1 - "GET /cometd?access_token=*** HTTP/1.1" 200'


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_leave_tracebacks_too(form: logs.Format, stream: io.StringIO) -> None:
    logs.configure(form, "info", stream)
    try:
        raise ValueError(f"Bearer {JWT}")
    except ValueError:
        logs.get("hub.x").exception("boom", password="hunter2", headers={"Authorization": JWT})
    written = stream.getvalue()
    assert "ValueError: Bearer ***" in written
    for secret in (JWT, "hunter2", "c2lnbmF0dXJl"):
        assert secret not in written


def test_a_value_cannot_start_a_line_or_command_a_terminal(stream: io.StringIO) -> None:
    logs.configure("text", "info", stream)
    logs.get("hub.x").info("one\ntwo", name="\n2026 info hub.y forged", colour="\x1b[31m", same="a=b")
    (line,) = stream.getvalue().splitlines()
    assert "\x1b" not in line
    assert 'name="\\n2026 info hub.y forged"' in line
    assert 'same="a=b"' in line


@pytest.mark.parametrize("form", ["text", "json"])
def test_odd_values_do_not_break_the_line(form: logs.Format, stream: io.StringIO) -> None:
    logs.configure(form, "info", stream)
    logs.get("hub.x").info("odd", bad="\udcff", raw=b"\xff", what=object, keys={1: {2}}, nan=float("nan"))
    assert len(stream.getvalue().splitlines()) == 1


def test_bound_keys_appear_in_everything_inside(stream: io.StringIO) -> None:
    logs.configure("json", "info", stream)
    with logs.bind(request_id="r1"):
        logs.get("hub.x").info("inside")
        logging.getLogger("library").info("inside")
    logs.get("hub.x").info("outside")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("request_id") for line in lines] == ["r1", "r1", None]
