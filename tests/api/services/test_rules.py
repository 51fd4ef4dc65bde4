from datetime import UTC, datetime

import pytest

from api.services import rules
from api.services.rules import Item, Room, Upload, expiration, items_of, media_type_of, require_room, word_of
from hub.kernel.errors import BadInput, TooLarge


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("image/png", "image/png"),
        ("Text/HTML; charset=UTF-8", "text/html; charset=utf-8"),
        ('text/plain;charset="iso-8859-1"', "text/plain; charset=iso-8859-1"),
        ("application/vnd.ms-excel; x=y", "application/vnd.ms-excel"),
        ("image/png\r\nSet-Cookie: a=b", "application/octet-stream"),
        ("text/html; charset=utf-8\r\nX: y", "text/html"),
        ('text/html; charset="utf-8, x"', "text/html"),
        ("", "application/octet-stream"),
        ("html", "application/octet-stream"),
        ("a/b/c", "application/octet-stream"),
        ("é/é", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file_is_that_of_its_sender_where_it_is_one(sent: str, stored: str) -> None:
    assert media_type_of(sent) == stored


def test_what_is_kept_of_a_request() -> None:
    upload = Upload(file="f", media_type="image/png", file_name="a.png", bytes=3, digest="d")
    members = {"_key": "ignored", "lastname": "mylastname", "gone": None, "n": 5, "address": {"a": 1}, "pic": upload}
    assert items_of(members, keep_json=False) == [
        Item(key="lastname", text=b"mylastname", bytes=10),
        Item(key="n", text=b"5", bytes=1),
        Item(key="address", text=b"{a=1}", bytes=5),
        Item(key="pic", file="f", media_type="image/png", file_name="a.png", bytes=3),
    ]
    assert items_of(members, keep_json=True)[2].text == b'{"a":1}'


@pytest.mark.parametrize("key", ["", "a/b", "../etc", "a\nb", "a\x00", "\x7f"])
def test_keys_that_could_not_be_asked_for_are_refused(key: str) -> None:
    with pytest.raises(BadInput):
        items_of({key: "x"}, keep_json=False)
    with pytest.raises(TooLarge):
        items_of({"k" * 256: "x"}, keep_json=False)


def test_what_is_replaced_takes_no_room() -> None:
    kept = {"a": Item(key="a", text=b"12345", bytes=5), "f": Item(key="f", file="f", bytes=20)}
    room = Room(values=8, whole=30)
    assert require_room(kept, [Item(key="a", text=b"12345678", bytes=8)], room) == 28
    assert require_room(kept, [Item(key="f", text=b"1", bytes=1)], room) == 6
    with pytest.raises(TooLarge, match="8 bytes of values"):
        require_room(kept, [Item(key="b", text=b"1234", bytes=4)], room)
    with pytest.raises(TooLarge, match="30 bytes"):
        require_room(kept, [Item(key="g", file="g", bytes=6)], room)
    with pytest.raises(TooLarge, match="1000 keys"):
        require_room({}, [Item(key=str(n), text=b"", bytes=0) for n in range(1001)], room)


def test_the_word_is_the_code_or_the_callers_number_or_nothing() -> None:
    assert word_of("7684", "+1 650") == "7684"
    assert word_of(None, "+1 (650) 466-9999") == word_of("", "16504669999") == "+16504669999"
    assert word_of(None, None) == word_of(None, "anonymous") == ""


NOW = 1_800_000_000.0


def test_a_service_ends_after_its_ttl_or_at_a_time() -> None:
    assert expiration({"ttl": 60}, NOW) == expiration({"ttl": "60", "expiration_time": "2020-01-01T00:00:00Z"}, NOW)
    assert expiration({"ttl": 60}, NOW) == NOW + 60
    later = datetime(2027, 1, 20, 8, 0, 0, 500_000, UTC)
    assert expiration({"expiration_time": "2027-01-20T08:00:00.500Z"}, NOW) == later.timestamp()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"ttl": 0},
        {"ttl": -1},
        {"ttl": "soon"},
        {"ttl": 1.5},
        {"ttl": 366 * 86_400 + 1},
        {"ttl": [60]},
        {"expiration_time": "2020-01-01T00:00:00.000Z"},
        {"expiration_time": "2030-01-01T00:00:00.000Z"},
        {"expiration_time": "2027-01-20T08:00:00"},
        {"expiration_time": "tomorrow"},
    ],
)
def test_other_ends_are_refused(members: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        expiration(members, NOW)


def test_the_fingerprint_of_a_file_is_its_content() -> None:
    def upload(file: str, digest: str) -> Upload:
        return Upload(file=file, media_type="", file_name="", bytes=1, digest=digest)

    first = rules.fingerprint({"a": "1", "f": upload("one", "same")})
    assert rules.fingerprint({"f": upload("two", "same"), "a": "1"}) == first
    assert rules.fingerprint({"a": "1", "f": upload("one", "other")}) != first
