"""Bodies of GMS requests: what goes in as JSON, form or multipart comes out as the same members, within bounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.http import members
from api.http.bodies import Disconnected
from api.http.members import Incoming, Limits, Place, TooSlow, canonical
from api.http.multipart import Part
from api.http.operations import Operation
from api.http.problems import Family, UnreadableJson, UnsupportedMediaType
from api.http.quotas import Places
from api.http.request import Call
from hub.kernel.errors import BadInput, Overloaded, TooLarge
from tests.api.world import World, opened

LIMITS = Limits(body=4_096, whole=65_536, depth=8, strict=False)
JSON = {b"content-type": b"application/json;charset=UTF-8"}
FORM = {b"content-type": b"application/x-www-form-urlencoded"}
MULTIPART = {b"content-type": b'multipart/form-data; boundary="xyz"'}


def incoming(
    body: bytes,
    headers: dict[bytes, bytes],
    *,
    step: int = 7,
    limits: Limits = LIMITS,
    place: Place = nullcontext,
) -> Incoming:
    pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    return Incoming(receive, headers, limits, place)


def multipart(*parts: tuple[str, bytes], end: bytes = b"--xyz--\r\n") -> bytes:
    lines = [
        b"--xyz\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"
        for head, data in parts
    ]
    return b"".join(lines) + end


async def keep(part: Part, content: AsyncIterator[bytes]) -> object:
    return part, b"".join([piece async for piece in content])


async def test_the_three_forms_say_the_same() -> None:
    expected = {"_phone_number": "6504669999", "language": "français", "empty": ""}
    as_json = msgspec.json.encode(expected)
    as_form = b"_phone_number=6504669999&language=fran%C3%A7ais&empty="
    as_parts = multipart(*((f'name="{name}"', value.encode()) for name, value in expected.items()))
    for body, headers in ((as_json, JSON), (as_json, {}), (as_form, FORM), (as_parts, MULTIPART)):
        found = await incoming(body, headers).members()
        assert found == expected
        assert canonical(found) == canonical(dict(reversed(expected.items())))


async def test_json_keeps_its_structure() -> None:
    body = b'{"address": {"street": "mystreet"}, "phones": ["9002@SIP_Switch"], "n": 5, "t": true, "z": null}'
    assert await incoming(body, JSON).members() == {
        "address": {"street": "mystreet"},
        "phones": ["9002@SIP_Switch"],
        "n": 5,
        "t": True,
        "z": None,
    }


@pytest.mark.parametrize("step", [1, 5, 64, 65_536])
async def test_a_file_is_handed_over_as_it_comes(step: int) -> None:
    content = b"\r\n--xyzz\r\n--xy" + bytes(range(256)) * 8
    body = multipart(
        ('name="a"', b"1"),
        ('name="pic"; filename="My Pic.png"\r\nContent-Type: image/png', content),
        ('name="b"', b"2"),
    )
    found = await incoming(body, MULTIPART, step=step).members(keep)
    assert found == {"a": "1", "pic": (Part("pic", "My Pic.png", "image/png"), content), "b": "2"}


async def test_what_is_not_wanted_of_a_file_is_passed_over() -> None:
    async def refuse(part: Part, content: AsyncIterator[bytes]) -> object:
        return (await anext(content))[:1]

    body = multipart(('name="f"; filename="f"', b"x" * 5_000), ('name="b"', b"2"))
    assert await incoming(body, MULTIPART).members(refuse) == {"f": b"x", "b": "2"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.text("abc_é ", min_size=1, max_size=8),
        st.text(st.characters(codec="utf-8"), max_size=40) | st.binary(max_size=200),
        max_size=6,
    ),
    st.integers(1, 50),
)
def test_whatever_is_put_into_parts_comes_out_of_them(values: dict[str, str | bytes], step: int) -> None:
    def part(name: str, value: str | bytes) -> tuple[str, bytes]:
        if isinstance(value, bytes):
            return f'name="{name}"; filename="f"', value.replace(b"--xyz", b"")
        return f'name="{name}"', value.replace("--xyz", "").encode()

    async def content_of(_: Part, content: AsyncIterator[bytes]) -> bytes:
        return b"".join([piece async for piece in content])

    body = multipart(*(part(name, value) for name, value in values.items()))
    found = asyncio.run(incoming(body, MULTIPART, step=step).members(content_of))
    assert found == {
        name: value.replace(b"--xyz", b"") if isinstance(value, bytes) else value.replace("--xyz", "")
        for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"a"', "Could not read JSON: Input data was truncated"),
        (b"{'a': 1}", "Could not read JSON: object keys must be strings (byte 1)"),
        (b"", "Could not read JSON: Input data was truncated"),
        (b"[1]", "Could not read JSON: Expected `object`, got `array`"),
        (b'{"a":"\xff"}', "Could not read JSON: JSON is not valid UTF-8"),
        (b'{"a":' + b"[" * 9 + b"]" * 9 + b"}", "Could not read JSON: JSON is nested deeper than 8"),
    ],
)
async def test_json_that_cannot_be_read_is_told_in_the_words_that_clients_know(body: bytes, detail: str) -> None:
    with pytest.raises(UnreadableJson) as caught:
        await incoming(body, JSON).members()
    assert (caught.value.status, caught.value.detail) == (500, detail)
    with pytest.raises(BadInput) as refused:
        await incoming(body, JSON, limits=msgspec.structs.replace(LIMITS, strict=True)).members()
    assert (refused.value.status, refused.value.detail) == (400, detail)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"a=1&a=2", FORM),
        (b"a=\xff", FORM),
        (b"&" * 1001, FORM),
        (b"x", {b"content-type": b"multipart/form-data"}),
        (b"x", {b"content-type": b"multipart/form-data; boundary=" + b"x" * 71}),
        (b"x", MULTIPART),
        (multipart(('name="a"', b"1"), end=b""), MULTIPART),
        (multipart(('name="a"', b"1"), ('name="a"', b"2")), MULTIPART),
        (multipart(('name="a"', b"\xff")), MULTIPART),
        (multipart(("", b"1")), MULTIPART),
        (multipart(('name="f"; filename="f"', b"1")), MULTIPART),
        (multipart().replace(b"xyz", b"other"), MULTIPART),
        (b"--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--xyz--\r\n", MULTIPART),
        (b"--xyz\r\nno header\r\n\r\n1\r\n--xyz--\r\n", MULTIPART),
        (multipart(('name="a"' + "\r\nx: y" * 9, b"1")), MULTIPART),
        (multipart(('name="a"\r\nx: ' + "y" * 5_000, b"1")), MULTIPART),
    ],
)
async def test_forms_that_make_no_sense_are_refused(body: bytes, headers: dict[bytes, bytes]) -> None:
    with pytest.raises(BadInput):
        await incoming(body, headers).members()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a":"' + b"x" * 4_096 + b'"}', JSON),
        (b"a=" + b"x" * 4_096, FORM),
        (multipart(('name="a"', b"x" * 4_096)), MULTIPART),
        (multipart(*((f'name="{n}"', b"x" * 400) for n in range(11))), MULTIPART),
        (multipart(('name="f"; filename="f"', b"x" * 65_536)), MULTIPART),
        (b"", MULTIPART | {b"content-length": b"70000"}),
        (b"", JSON | {b"content-length": b"5000"}),
    ],
)
async def test_more_than_fits_is_refused(body: bytes, headers: dict[bytes, bytes]) -> None:
    with pytest.raises(TooLarge):
        await incoming(body, headers, step=1_000).members(keep)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a":[' + b"[]," * 60_000 + b"[]]}", JSON),
        (b"{" + b",".join(b'"%d":1' % n for n in range(1_001)) + b"}", JSON),
        (multipart(*((f'name="{n}"', b"") for n in range(1_001))), MULTIPART),
    ],
)
async def test_small_bodies_that_would_fill_the_memory_are_refused(body: bytes, headers: dict[bytes, bytes]) -> None:
    with pytest.raises(TooLarge):
        await incoming(body, headers, step=4_096, limits=Limits(2**20, 2**21, 8, strict=False)).members()


@pytest.mark.parametrize(
    "headers",
    [
        {b"content-type": b"text/xml"},
        {b"content-type": b"multipart/mixed; boundary=x"},
        JSON | {b"content-encoding": b"gzip"},  # a bomb, perhaps
        MULTIPART | {b"content-encoding": b"deflate"},
    ],
)
async def test_other_kinds_of_bodies_are_not_read(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(UnsupportedMediaType):
        await incoming(b"{}", headers).members()


@pytest.mark.parametrize("headers", [JSON, MULTIPART])
async def test_who_does_not_send_is_not_waited_for(
    headers: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def receive() -> dict[str, Any]:
        return await asyncio.Future[dict[str, Any]]()

    monkeypatch.setattr(members, "_PIECE_SECONDS", 0.01)
    monkeypatch.setattr(members, "_SLOWEST", 2**30)
    with pytest.raises(TooSlow):
        await Incoming(receive, headers, LIMITS).members()


@pytest.mark.parametrize("headers", [JSON, FORM, MULTIPART])
async def test_large_bodies_need_a_place_until_the_request_is_over(headers: dict[bytes, bytes]) -> None:
    places = Places(1, 1)
    limits = Limits(body=100_000, whole=200_000, depth=8, strict=False)
    bodies = {JSON[b"content-type"]: b'{"a":"%s"}', FORM[b"content-type"]: b"a=%s"}
    form = bodies.get(headers[b"content-type"], multipart(('name="a"', b"%s")))

    def one(size: int) -> Incoming:
        body = form.replace(b"%s", b"x" * size)
        return incoming(body, headers, step=10_000, limits=limits, place=partial(places.one, "k"))

    large = one(70_000)
    assert await large.members() == {"a": "x" * 70_000}
    with pytest.raises(Overloaded):
        await one(70_000).members()
    declared = incoming(b"", headers | {b"content-length": b"70000"}, limits=limits, place=partial(places.one, "k"))
    with pytest.raises(Overloaded):
        await declared.members()
    assert await one(60_000).members() == {"a": "x" * 60_000}
    large.close()
    assert await one(70_000).members() == {"a": "x" * 70_000}


@pytest.mark.parametrize("headers", [JSON, FORM, MULTIPART])
async def test_who_leaves_is_not_answered(headers: dict[bytes, bytes]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(Disconnected):
        await Incoming(receive, headers, LIMITS).members()


async def echo(call: Call[Any]) -> dict[str, Any]:
    return {"body": call.body, "raw": call.raw.decode()}


ECHO = Operation(
    name="try",
    method="POST",
    path="/genesys/1/try",
    summary="Try",
    tag="test",
    family=Family.GMS,
    roles=None,
    body=dict[str, Any],
    any_form=True,
    handler=echo,
)


async def ask(world: World, body: bytes, content_type: str) -> httpx2.Response:
    headers = {"Content-Type": content_type}
    return await world.ask("POST", "/genesys/1/try", body, headers=headers, operations=[ECHO])


async def test_an_operation_gets_the_members_and_the_same_raw_body_for_every_form(world: World) -> None:
    expected = {"body": {"b": "2", "a": "1"}, "raw": '{"a":"1","b":"2"}'}
    assert (await ask(world, b'{"b":"2","a":"1"}', "application/json")).json() == expected
    assert (await ask(world, b"b=2&a=1", "application/x-www-form-urlencoded")).json() == expected


async def test_bad_json_is_answered_by_500_or_strictly_by_400(world: World, tmp_path_factory: Any) -> None:
    reply = await ask(world, b"{", "application/json")
    assert (reply.status_code, reply.json()) == (500, {"message": "Could not read JSON: Input data was truncated"})
    async with opened(tmp_path_factory.mktemp("strict"), gms_strict_http=True) as strict:
        reply = await ask(strict, b"{", "application/json")
        assert (reply.status_code, reply.json()["message"]) == (400, "Could not read JSON: Input data was truncated")
