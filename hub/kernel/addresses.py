"""Where a request comes from, seen past the proxies in front of us."""


def client_address(peer: str, forwarded_for: str | None, proxies: frozenset[str]) -> str:
    """The address that `peer`, a trusted proxy, says it speaks for; `peer` itself if it is none.

    `X-Forwarded-For` is read from its end, where our own proxies write, up to the first address that is not theirs:
    what stands before came from the client, who may write anything.
    """
    if peer not in proxies or not forwarded_for:
        return peer
    for hop in reversed(forwarded_for.split(",")):
        if (address := hop.strip()) not in proxies:
            return address[:64] or peer
    return peer
