"""The head of a response and the beginning of its body, written at once."""

import asyncio


class Joined:
    """Stands where uvicorn's record of a request keeps its transport. What is written first waits for what is written
    next, or for the end: one call of the system and one packet, where there would be two.

    Not for responses that may be a head alone.
    """

    __slots__ = ("_began", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._began = False

    def write(self, data: bytes) -> None:
        """See asyncio, but for the first call."""
        if not self._began:
            self._began, self._head = True, data
        elif self._head:
            head, self._head = self._head, b""
            if data:
                self._transport.writelines((head, data))
            else:
                self._transport.write(head)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """See asyncio."""
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._transport.is_closing()
