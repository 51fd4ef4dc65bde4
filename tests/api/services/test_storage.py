"""What services keep, over HTTP; and as whoever should not tries it."""

from contextlib import ExitStack

import pytest

from api.http.quotas import LARGE_BODIES_OF_ADDRESS_AT_ONCE
from api.services import actions
from hub.store import files
from tests.api.services.calls import FORM, JSON, PICTURE, delete, get, post, refused, started, upload
from tests.api.services.conftest import SETTINGS
from tests.api.world import World

PIC = ("MyPic.png", PICTURE, "image/png")


async def keep(world: World, service: str, body: object, headers: dict[str, str] = JSON) -> None:
    reply = await post(world, f"{service}/storage", body, headers)
    assert (reply.status_code, reply.text) == (200, "OK")


async def chunks(world: World) -> int:
    """How many chunks of files there are."""

    def count(tx: object) -> int:
        tx.cursor.execute("SELECT COUNT(*) FROM file_chunk")  # type: ignore[attr-defined]
        found: int = tx.cursor.fetchall()[0][0]  # type: ignore[attr-defined]
        return found

    return await world.services.db.read(count)


async def test_values_are_merged_from_all_three_forms(both_gms: World) -> None:
    service = await started(both_gms, body={"Key1": "Value1"})
    await keep(both_gms, service, b"Key2=Value2&_key=ignored", FORM)
    await keep(both_gms, service, {"Key1": "Value6", "_key": "ignored"})
    reply = await upload(both_gms, f"{service}/storage", {"FileKey": PIC}, {"Key3": "Vàlue\x008", "_key": "ignored"})
    assert (reply.status_code, reply.text) == (200, "OK")
    # Files are not among the values.
    reply = await get(both_gms, f"{service}/storage")
    assert reply.json() == {"Key1": "Value6", "Key2": "Value2", "Key3": "Vàlue\x008"}


async def test_values_with_structure_look_as_in_java_or_stay_json(gms: World) -> None:
    body = {
        "lastname": "mylastname",
        "address": {"street": "mystreet", "city": "mycity"},
        "phones": ["9002@SIP_Switch", "5555666", "7775666"],
        "_key": "ignored",
    }
    service = await started(gms)
    await keep(gms, service, body)
    assert (await get(gms, f"{service}/storage")).json() == {
        "lastname": "mylastname",
        "address": "{street=mystreet, city=mycity}",
        "phones": "[9002@SIP_Switch, 5555666, 7775666]",
    }
    service = await started(gms, "as json", body)
    assert (await get(gms, f"{service}/storage/address")).json() == {"address": '{"street":"mystreet","city":"mycity"}'}


async def test_one_value_comes_with_its_key_or_bare(gms: World) -> None:
    service = await started(gms, body={"Key1": "Vàlue1"})
    reply = await get(gms, f"{service}/storage/Key1")
    assert reply.json() == {"Key1": "Vàlue1"}
    bare = await get(gms, f"{service}/storage/Key1", headers={"Accept": "text/plain"})
    assert (bare.text, bare.headers["content-type"]) == ("Vàlue1", "text/plain; charset=utf-8")
    assert bare.headers["X-Content-Type-Options"] == "nosniff"
    either = await get(gms, f"{service}/storage/Key1", headers={"Accept": "application/json, text/plain, */*"})
    assert either.json() == {"Key1": "Vàlue1"}
    assert refused(await get(gms, f"{service}/storage/Key2")) == (404, "No such key: [Key2]")


async def test_a_file_comes_back_as_it_was_sent(both_gms: World) -> None:
    service = await started(both_gms)
    await upload(both_gms, f"{service}/storage", {"pic": PIC, "empty": ("e", b"", "text/plain; charset=UTF-8")})
    reply = await get(both_gms, f"{service}/storage/binary/pic")
    assert (reply.status_code, reply.content) == (200, PICTURE)
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["content-length"] == str(len(PICTURE))
    head = await both_gms.ask("HEAD", f"/genesys/1/service/{service}/storage/binary/pic")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(PICTURE)))
    empty = await get(both_gms, f"{service}/storage/binary/empty")
    assert (empty.content, empty.headers["content-type"]) == (b"", "text/plain; charset=utf-8")
    for path in ("storage/pic", "storage/binary/none"):
        assert refused(await get(both_gms, f"{service}/{path}"))[0] == 404


async def test_a_file_that_anybody_may_have_sent_does_nothing_in_a_browser(gms: World) -> None:
    service = await started(gms)
    page = ('evil\r\nSet-Cookie: a=b;".html', b"<script>alert(1)</script>", "text/html")
    await upload(gms, f"{service}/storage", {"page": page})
    reply = await get(gms, f"{service}/storage/binary/page")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert reply.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''evil")
    assert "Set-Cookie" not in reply.headers
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "sent", ["text/html\r\nX-Injected: yes", 'text/html; charset="x\r\nX-Injected: yes"', "é", "image", ""]
)
async def test_no_header_is_smuggled_in_by_the_type_of_a_file(gms: World, sent: str) -> None:
    service = await started(gms)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\nContent-Type: '
        + sent.encode()
        + b"\r\n\r\ncontent\r\n--x--\r\n"
    )
    await post(gms, f"{service}/storage", body, {"Content-Type": "multipart/form-data; boundary=x"})
    reply = await get(gms, f"{service}/storage/binary/f")
    assert (reply.status_code, reply.content) == (200, b"content")
    assert "X-Injected" not in reply.headers
    assert reply.headers["content-type"] in {"text/html", "application/octet-stream"}


async def test_keys_are_deleted_one_by_one_or_all_together(both_gms: World) -> None:
    service = await started(both_gms, body={"a": "1", "b": "2"})
    await upload(both_gms, f"{service}/storage", {"pic": PIC})
    for key in ("a", "pic", "never there"):
        reply = await delete(both_gms, f"{service}/storage/{key}")
        assert (reply.status_code, reply.text) == (200, "OK")
    assert (await get(both_gms, f"{service}/storage")).json() == {"b": "2"}
    assert (await get(both_gms, f"{service}/storage/binary/pic")).status_code == 404
    await upload(both_gms, f"{service}/storage", {"pic": PIC})
    assert (await delete(both_gms, f"{service}/storage")).text == "OK"
    assert (await get(both_gms, f"{service}/storage")).json() == {}
    assert (await get(both_gms, f"{service}/storage/binary/pic")).status_code == 404
    await keep(both_gms, service, {"c": "3"})
    for reply in (await delete(both_gms, "unknown/storage"), await delete(both_gms, "unknown/storage/a")):
        assert refused(reply) == (404, "No such service: [unknown]")


async def test_what_is_no_longer_kept_is_swept(both_gms: World) -> None:
    db = both_gms.services.db
    service = await started(both_gms)
    await upload(both_gms, f"{service}/storage", {"pic": PIC, "pic2": PIC})
    each = -(-len(PICTURE) // files.CHUNK_BYTES)
    assert await chunks(both_gms) == 2 * each
    await upload(both_gms, f"{service}/storage", {"pic": PIC})  # replaced
    await post(both_gms, f"{service}/storage", {"pic2": "text"})  # no file any more
    await db.write(lambda tx: files.sweep(tx, both_gms.clock.at, 100))
    assert await chunks(both_gms) == 3 * each  # somebody may still be reading
    await db.write(lambda tx: files.sweep(tx, both_gms.clock.at + files.GRACE_SECONDS, 100))
    assert await chunks(both_gms) == each
    await delete(both_gms, service)
    await db.write(lambda tx: files.sweep(tx, both_gms.clock.at + files.GRACE_SECONDS, 100))
    assert await chunks(both_gms) == 0


async def test_ids_of_others_and_strange_paths_open_nothing(gms: World) -> None:
    service = await started(gms, body={"a": "1"})
    for path in (
        f"{service}x/storage",
        f"{service[:-1]}/storage",
        f"..%2F{service}/storage",
        f"{service}%00/storage",
        f"{service}/storage/..%2Fa",
        f"{service}/storage/binary/..%2F..%2Fa",
        f"{service}/storage/binary/%2Fetc%2Fpasswd",
        f"{service}/storage/a%00",
        f"{service}/storage/{'k' * 5_000}",
    ):
        assert (await get(gms, path)).status_code == 404, path
    assert (await get(gms, f"{service.upper()}/storage")).status_code == 404


@pytest.mark.parametrize("key", ["a/b", "../../etc/passwd", "a\x00", "a\r\nb", ""])
async def test_keys_that_could_not_be_asked_for_are_refused(gms: World, key: str) -> None:
    service = await started(gms)
    assert refused(await post(gms, f"{service}/storage", {key: "x", "fine": "x"}))[0] == 400
    assert refused(await post(gms, "notes", {key: "x"}))[0] == 400
    assert (await get(gms, f"{service}/storage")).json() == {}


async def test_too_much_is_refused_and_leaves_nothing_behind(both_gms: World) -> None:
    service = await started(both_gms, body={"a": "1"})
    most = SETTINGS["service_file_bytes"]
    for reply in (
        await post(both_gms, f"{service}/storage", {"a": "x" * 20_001}),
        await post(both_gms, f"{service}/storage", {"k" * 256: "x"}),
        await upload(both_gms, f"{service}/storage", {"f": ("f", b"x" * (most + 1), "a/b")}),
        await upload(both_gms, f"{service}/storage", dict.fromkeys("fgh", ("f", b"x" * most, "a/b"))),
        await upload(both_gms, f"{service}/storage", {"f": PIC}, {"a": "x" * 20_001}),
        await upload(both_gms, "notes", {"f": ("f", b"x" * (most + 1), "a/b")}),
    ):
        assert refused(reply)[0] == 413
    assert (await get(both_gms, f"{service}/storage")).json() == {"a": "1"}
    assert (await get(both_gms, f"{service}/storage/binary/f")).status_code == 404
    await both_gms.services.db.write(lambda tx: files.sweep(tx, both_gms.clock.at, 1_000))
    assert await chunks(both_gms) == 0


async def test_storage_is_no_place_to_dump_files_without_end(gms: World) -> None:
    service = await started(gms)
    file = ("f", b"x" * 600_000, "a/b")
    assert (await upload(gms, f"{service}/storage", {"f": file, "g": file})).status_code == 200
    assert refused(await upload(gms, f"{service}/storage", {"h": file}))[0] == 413
    assert (await upload(gms, f"{service}/storage", {"g": file})).status_code == 200
    assert refused(await post(gms, f"{service}/storage", {f"k{n}": "" for n in range(999)}))[0] == 413
    few = await started(gms, "few")
    assert refused(await upload(gms, f"{few}/storage", {"f": ("f", b"x" * 1_001, "a/b")}))[0] == 503


async def test_one_address_does_not_take_all_the_places_for_large_bodies(gms: World) -> None:
    service = await started(gms)
    with ExitStack() as uploading:
        for _ in range(LARGE_BODIES_OF_ADDRESS_AT_ONCE):
            uploading.enter_context(gms.services.quotas.large_bodies.one("127.0.0.1"))
        assert refused(await upload(gms, f"{service}/storage", {"f": PIC}))[0] == 503
        await keep(gms, service, {"a": "what is small takes no place"})
    for _ in range(2 * LARGE_BODIES_OF_ADDRESS_AT_ONCE):
        assert (await upload(gms, f"{service}/storage", {"f": ("f", b"x", "a/b")})).status_code == 200


async def test_another_domain_may_have_values_read_under_an_id_of_its_own(both_gms: World) -> None:
    db, now = both_gms.services.db, both_gms.clock.at

    async def have(values: dict[str, str], seconds: float) -> None:
        await db.write(lambda tx: actions.keep(tx, "361-58ce", "acme", "notes", values, now + seconds, now))

    await have({"topic": "invoice", "_usr_reason": "x", "not/a/key": "y"}, 60)
    assert (await get(both_gms, "361-58ce/storage")).json() == {"_usr_reason": "x", "topic": "invoice"}
    await have({"topic": "delivery"}, 120)
    both_gms.clock.at += 119
    assert (await get(both_gms, "361-58ce/storage")).json() == {"topic": "delivery"}
    await db.write(lambda tx: actions.drop(tx, "361-58ce", now))
    await db.write(lambda tx: actions.drop(tx, "361-58ce", now))
    assert (await get(both_gms, "361-58ce/storage")).status_code == 404
