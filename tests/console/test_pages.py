"""What browsers are given: exactly the files below `web/`, under a policy that permits nothing from elsewhere."""

import gzip
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from starlette.routing import Router

from hub.console import files, pages
from tests.architecture.tree import ROOT

WEB = ROOT / "web"
OURS = [path for path in sorted(WEB.rglob("*")) if path.is_file() and "vendor" not in path.parts]
CONTENTS = {path.relative_to(WEB).as_posix(): path.read_bytes() for path in [*OURS, *WEB.rglob("vendor/**/*.js")]}
FILES = files.load()
NAMESPACES = {"http://www.w3.org/2000/svg"}


def client() -> httpx2.AsyncClient:
    app = Router(pages.routes(FILES), redirect_slashes=False)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://hub.test")


async def get(path: str, **headers: str) -> httpx2.Response:
    async with client() as http:
        return await http.get(path, headers={"Accept-Encoding": "identity", **headers})


@pytest.mark.parametrize(("path", "file"), [("/console", "console/index.html"), ("/docs", "docs/index.html")])
async def test_a_page_may_load_only_what_is_ours(path: str, file: str) -> None:
    reply = await get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.content == CONTENTS[file]
    policy = dict(rule.split(" ", 1) for rule in reply.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    allowed = {"'self'", "'none'", "data:", "'script'", "worker"}
    hashes = {
        f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        for text in re.findall(r'<script type="importmap">(.*?)</script>', reply.text)
    }
    assert {word for rule in policy.values() for word in rule.split()} - allowed == hashes
    assert not re.search(r"<script>|<style|\son\w+=|style=", reply.text)


async def test_every_file_is_served_as_it_is() -> None:
    for name, content in CONTENTS.items():
        reply = await get(f"/web/{name}")
        assert (reply.status_code, reply.content) == (200, content), name
        assert reply.headers["x-content-type-options"] == "nosniff"


async def test_what_a_browser_has_is_not_sent_again() -> None:
    first = await get("/web/style.css")
    again = await get("/web/style.css", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (await get("/web/style.css", **{"If-None-Match": '"other"'})).status_code == 200


async def test_what_is_long_travels_compressed() -> None:
    async with client() as http, http.stream("GET", "/web/style.css", headers={"Accept-Encoding": "gzip"}) as reply:
        raw = b"".join([part async for part in reply.aiter_raw()])
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == CONTENTS["style.css"]


@pytest.mark.parametrize(
    "path", ["/web/", "/web/nothing.js", "/web/../hub.toml", "/web/%2e%2e/hub.toml", "/web//etc/passwd", "/console/"]
)
async def test_nothing_else_is_served(path: str) -> None:
    assert (await get(path)).status_code == 404


async def test_the_root_leads_to_the_console_and_nothing_is_written() -> None:
    root = await get("/")
    assert (root.status_code, root.headers["location"]) == (307, "console")
    async with client() as http:
        refused = await http.post("/console")
        head = await http.head("/console")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(WEB).as_posix())
def test_our_files_name_no_address_and_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'`<>)]+", text)) <= NAMESPACES
    assert text.count("\n") <= 400


def test_imports_lead_to_files() -> None:
    for path in OURS:
        if path.suffix == ".js":
            imported = re.findall(r'from "(\.[^"]+)"', path.read_text(encoding="utf-8"))
            assert [name for name in imported if not (path.parent / name).is_file()] == [], path


def test_the_vendored_client_is_the_released_one() -> None:
    released = ROOT / "tests" / "interop" / "node_modules" / "cometd"
    if not released.is_dir():
        pytest.skip("run make test once: it installs the clients that others wrote")
    ours = WEB / "vendor" / "cometd"
    assert {path.name: path.read_bytes() for path in ours.iterdir()} == {
        path.name: path.read_bytes() for path in released.iterdir() if path.suffix == ".js" or path.name == "LICENSE"
    }
