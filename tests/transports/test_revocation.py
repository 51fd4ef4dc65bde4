"""Rights that end while their owner listens. Another process writes it down; every transport tells within a second."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.transports.served import Served, Talker, revoke

KICKED = "403::session_kicked"


@pytest.mark.parametrize("tokens", [False, True], ids=["kick", "revocation"])
async def test_held_polls_and_open_sockets_are_told(hub: Served, tmp_path: Path, tokens: bool) -> None:
    polling, bystander = await hub.poller(), await hub.poller("bob")
    held, others = await polling.held(), await bystander.held()
    async with hub.talker() as talking:
        connect = talking.message("/meta/connect", connectionType="websocket")
        await talking.send(connect)
        written = await revoke(hub, tmp_path, tokens=tokens)
        failed, goodbye = await held
        assert (failed["successful"], failed["error"], failed["advice"]["reconnect"]) == (False, KICKED, "none")
        assert goodbye == {"channel": "/meta/disconnect", "successful": True}
        reply = await talking.reply(connect["id"])
        assert (reply["successful"], reply["error"], reply["advice"]["reconnect"]) == (False, KICKED, "none")
        assert await talking.closed() == 1008
        took = time.monotonic() - written
    assert took < 1.0, took
    assert not others.done()
    others.cancel()
    await asyncio.gather(others, return_exceptions=True)


async def test_a_revoked_token_opens_nothing_and_a_newer_one_does(hub: Served, tmp_path: Path) -> None:
    old = hub.token()
    held = await (await hub.poller()).held()
    await revoke(hub, tmp_path, tokens=True)
    await held
    shake = hub.message("/meta/handshake", version="1.0")
    assert (await hub.post([shake], token=old)).json()[0]["error"] == "401::token_invalid"
    hub.clock.advance(1)
    assert (await hub.post([shake], token=hub.token())).json()[0]["successful"]


async def test_a_socket_opened_before_a_revocation_opens_no_session_after_it(hub: Served, tmp_path: Path) -> None:
    """Also where its token is only over by now."""
    held = await (await hub.poller()).held()
    async with hub.connect(hub.token()) as revoked, hub.connect(hub.token("bob", ttl=10)) as over:
        await revoke(hub, tmp_path, tokens=True)
        await held
        shaken = await Talker(hub, revoked).ask("/meta/handshake", version="1.0")
        assert (shaken["successful"], shaken["error"]) == (False, "401::token_invalid")
        hub.clock.advance(60)
        shaken = await Talker(hub, over).ask("/meta/handshake", version="1.0")
        assert (shaken["successful"], shaken["error"]) == (False, "401::token_expired")
    assert hub.hub.node.sessions() == []
