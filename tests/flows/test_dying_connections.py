"""What was in a connection when it died comes again to a client with replay, though the session outlived it."""

import pytest

from tests.support.bayeux_http import LongPollingDesktop
from tests.support.bayeux_ws import WebSocketDesktop
from tests.support.checker import Stream
from tests.support.desktop import Desktop, at_work
from tests.support.history import History
from tests.support.hub_process import HubProcess
from tests.support.lossy_proxy import lossy_proxy
from tests.support.publisher import Publisher
from tests.support.tokens import mint

CALLS = "/v2/me/calls"
MINE = Stream("acme", "alice", CALLS)
LOSSES = 3


@pytest.mark.parametrize("transport", [WebSocketDesktop, LongPollingDesktop], ids=["websocket", "long-polling"])
async def test_a_connection_takes_no_event_with_it(
    shared_hub: HubProcess, history: History, transport: type[Desktop]
) -> None:
    token = mint("connector", "ROLE_CLIENT_SERVICE")
    async with (
        lossy_proxy(shared_hub.bayeux_url) as network,
        Publisher(shared_hub.url, token, history, name="connector") as publisher,
    ):
        alice = transport(network.url, mint("alice"), [CALLS], user="alice")
        history.follow(alice.client)
        async with at_work(alice):
            for loss in range(LOSSES):
                (event,) = await publisher.publish((MINE, {"loss": loss, "n": 1}))
                await alice.until_received(CALLS, event.seq)
                network.deafen()
                (event,) = await publisher.publish((MINE, {"loss": loss, "n": 2}))
                await network.until_swallowed(b'"replay":%d' % event.seq)
                network.cut()
                (event,) = await publisher.publish((MINE, {"loss": loss, "n": 3}))
                await alice.until_received(CALLS, event.seq)
    history.verify()
    assert alice.handshakes == 1, "the session did not outlive its connection, so this has shown nothing"
