from urllib.parse import quote

import pytest

from hub.kernel.errors import BadInput
from hub.transports import bodies, callback_polling
from hub.transports.browser import read, set_new
from hub.transports.cross_origin import answer_headers, preflight_headers

A, B = '{"channel":"/a"}', '{"channel":"/b"}'


@pytest.mark.parametrize("body", [b"[]", b' [{"channel":"/a"}]', b'{"channel":"/a"}', b"\n[1]"])
def test_json_stays_as_it_is(body: bytes) -> None:
    assert bodies.messages_in(body) == body


@pytest.mark.parametrize(
    ("fields", "array"),
    [([A], f"[{A}]"), ([f"[{A}]"], f"[{A}]"), ([A, B], f"[{A},{B}]"), ([f"[{A},{B}]", A], f"[{A},{B},{A}]")],
    ids=["object", "array", "two objects", "both"],
)
def test_a_form_is_one_array(fields: list[str], array: str) -> None:
    body = "&".join(f"message={quote(field)}" for field in fields)
    assert bodies.messages_in(body.encode()) == array.encode()


def test_text_beyond_ascii_survives_a_form() -> None:
    assert bodies.messages_in(b"message=" + quote('{"x":"é+ü"}').encode()) == '[{"x":"é+ü"}]'.encode()


@pytest.mark.parametrize("body", [b"", b"x", b"data=1", b'"text"', b"7", b"message=%ff", b"message=1" + b"&a=1" * 65])
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        bodies.messages_in(body)


def test_a_callback_and_its_messages() -> None:
    assert callback_polling.read(f"jsonp=a.b_c-1&message={quote(A)}") == (f"[{A}]".encode(), "a.b_c-1")
    assert callback_polling.read(f"message={quote(A)}")[1] == "jsonpcallback"


@pytest.mark.parametrize("name", ["", "a(b)", "a;b", "<script>", "x" * 65, "a&jsonp=b", "a%0Ab", "é"])
def test_a_callback_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        callback_polling.read(f"message={quote(A)}&jsonp={name}")


def test_a_callback_without_messages_is_refused() -> None:
    with pytest.raises(BadInput):
        callback_polling.read("jsonp=a")


def test_a_script_is_nothing_but_a_call() -> None:
    assert callback_polling.script("f", '["\u2028\u2029"]'.encode()) == b'/**/f(["\\u2028\\u2029"]);'


def test_the_cookie_of_a_browser() -> None:
    cookie = set_new(secure=False).decode()
    assert "HttpOnly" in cookie
    assert "Secure" not in cookie
    assert "; Secure" in set_new(secure=True).decode()
    value = cookie.partition(";")[0].partition("=")[2]
    assert len(value) == 26
    assert read(f"other=1; BAYEUX_BROWSER={value}") == value


@pytest.mark.parametrize("cookies", [None, "", "a=b", "BAYEUX_BROWSER=", "BAYEUX_BROWSER=" + "x" * 65])
def test_no_cookie_worth_the_name(cookies: str | None) -> None:
    assert read(cookies) is None


ALLOWED = frozenset({"https://desk.example"})


def test_an_allowed_page_may_read_with_its_credentials() -> None:
    headers = dict(answer_headers({b"origin": "https://desk.example", b"host": "hub"}, ALLOWED))
    assert headers[b"access-control-allow-origin"] == b"https://desk.example"
    assert headers[b"access-control-allow-credentials"] == b"true"
    assert b"access-control-allow-headers" in dict(preflight_headers({b"origin": "https://desk.example"}, ALLOWED))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://desk.example.evil", "http://desk.example"])
def test_another_page_may_not(origin: str) -> None:
    for headers in (answer_headers({b"origin": origin}, ALLOWED), preflight_headers({b"origin": origin}, ALLOWED)):
        assert headers == [(b"vary", b"Origin")]


def test_programs_need_none_of_it() -> None:
    assert answer_headers({b"host": "hub"}, ALLOWED) == []
