"""How Bayeux messages travel: WebSocket and long-polling, on one URL and its aliases."""
