"""Customers' applications at a real hub: large files pass through it without filling it, what it has acknowledged
outlives a kill, and a callback of a facade is told to desktops as any other.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.desktop import Desktop, at_work
from tests.support.figures import Figures, figures
from tests.support.hub_process import HubProcess
from tests.support.tokens import SECRET, mint

__all__ = ["figures"]

USERS = "/v2/users"
MIB = 2**20
LARGE = 50
MOST_GROWTH = 20 * MIB
CONFIGURATION = """
[services.notes]
organization = "acme"

[applications.shop]
organization = "acme"

[callback_services.sales]
organization = "acme"
queue = "sales"
"""
HEAD = b'--xyz\r\nContent-Disposition: form-data; name="film"; filename="film.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
TAIL = b"\r\n--xyz--\r\n"
TYPE = {"Content-Type": "multipart/form-data; boundary=xyz"}


@pytest.fixture(scope="module")
def gms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    home = tmp_path_factory.mktemp("gms")
    file = home / "hub.toml"
    file.write_text(CONFIGURATION)
    with HubProcess(home / "hub", secret=SECRET, settings={"HUB_CONFIG": str(file)}) as process:
        yield process


def block(number: int) -> bytes:
    """A megabyte that is like no other, and does not compress."""
    return hashlib.shake_128(b"%d" % number).digest(MIB)


def body(blocks: int) -> Iterator[bytes]:
    yield HEAD
    for number in range(blocks):
        yield block(number)
    yield TAIL


def memory(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) * 1024


def peak_from_here(pid: int) -> int:
    """Begin to measure the peak anew; what is in use now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory(pid, "VmRSS:")


def start(client: httpx2.Client) -> str:
    service: str = client.post("/genesys/1/service/notes", json={"a": "1"}).json()["_id"]
    return f"/genesys/1/service/{service}/storage"


def send(client: httpx2.Client, storage: str, blocks: int) -> httpx2.Response:
    length = {"Content-Length": str(len(HEAD) + blocks * MIB + len(TAIL))}
    return client.post(storage, content=body(blocks), headers=TYPE | length)


def fetch(client: httpx2.Client, storage: str) -> str:
    digest = hashlib.sha256()
    with client.stream("GET", f"{storage}/binary/film") as reply:
        assert (reply.status_code, reply.headers["content-type"]) == (200, "video/mp4")
        for piece in reply.iter_bytes():
            digest.update(piece)
    return digest.hexdigest()


def digest_of(blocks: int) -> str:
    digest = hashlib.sha256()
    for number in range(blocks):
        digest.update(block(number))
    return digest.hexdigest()


def test_a_large_file_passes_through_without_filling_the_process(gms: HubProcess, figures: Figures) -> None:
    with httpx2.Client(base_url=gms.url, trust_env=False, timeout=60) as client:
        storage = start(client)
        assert send(client, storage, 1).text == "OK"
        assert fetch(client, storage) == digest_of(1)
        before = peak_from_here(gms.pid)
        assert send(client, storage, LARGE).text == "OK"
        up = memory(gms.pid, "VmHWM:") - before
        before = peak_from_here(gms.pid)
        assert fetch(client, storage) == digest_of(LARGE)
        down = memory(gms.pid, "VmHWM:") - before
    figures(megabytes_up=up / MIB, megabytes_down=down / MIB)
    assert up < MOST_GROWTH
    assert down < MOST_GROWTH


async def test_a_callback_of_a_facade_is_told_as_any_other(gms: HubProcess) -> None:
    sue = WebSocketDesktop(
        gms.bayeux_url, mint("sue", "ROLE_SUPERVISOR"), [USERS], user="sue", roles=["ROLE_SUPERVISOR"]
    )
    body = {"callbackUserName": "Maria", "callbackNumbers": ["+12125550123"], "queueName": "sales"}
    headers = {
        "Authorization": f"Bearer {mint('crm', 'ROLE_CLIENT_SERVICE')}",
        "X-ApplicationId": "shop",
        "X-UrlBase": gms.url,
    }
    async with at_work(sue), httpx2.AsyncClient(base_url=gms.url, trust_env=False, timeout=60) as client:
        reply = await client.post("/security/genesys/callback", json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        await sue.until(lambda each: len(callbacks(each)) == 1, 20)
        page = await client.get(reply.json()["ticketUrl"])
        assert (page.status_code, "Your invitation" in page.text) == (200, True)
    [event] = callbacks(sue)
    made = reply.json()
    assert event["callback"]["id"] == made["genesys"]["conversation"]["id"]
    assert event["callback"]["userData"]["agentUrl"] == made["agentUrl"]
    assert made["ticketId"] not in gms.tail(100_000)


def callbacks(desktop: Desktop) -> list[dict[str, Any]]:
    heard = [event.data for event in desktop.events(USERS)]
    return [data for data in heard if data["messageType"] == "CallbackStateChangeMessage"]


def test_what_was_acknowledged_outlives_a_kill_and_what_was_not_is_not_there(gms: HubProcess) -> None:
    with httpx2.Client(base_url=gms.url, trust_env=False, timeout=60) as client:
        storage = start(client)
        assert send(client, storage, 2).text == "OK"

        def interrupted() -> Iterator[bytes]:
            for number, piece in enumerate(body(4)):
                if number == 3:
                    gms.kill9()
                yield piece

        with pytest.raises(httpx2.HTTPError):
            client.post(storage, content=interrupted(), headers=TYPE)
        gms.start()
        assert client.get(storage).json() == {"a": "1"}
        assert fetch(client, storage) == digest_of(2)
