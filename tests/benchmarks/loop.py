"""The loop of the load generator: one thread that waits for sockets, as little of it as there can be."""

import select
import socket
import time
from collections.abc import Callable

CHUNK = 65_536
EVENTS = 1024
TURN_SECONDS = 0.05


class Loop:
    """Tells wires that they can be read, and written on where they wait for that."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._wires: dict[int, Wire] = {}

    def add(self, wire: "Wire") -> None:
        self._wires[wire.socket.fileno()] = wire
        self._epoll.register(wire.socket.fileno(), select.EPOLLIN)

    def watch(self, wire: "Wire", *, writing: bool, reading: bool = True) -> None:
        wanted = (select.EPOLLIN if reading else 0) | (select.EPOLLOUT if writing else 0)
        self._epoll.modify(wire.socket.fileno(), wanted)

    def remove(self, wire: "Wire") -> None:
        self._epoll.unregister(wire.socket.fileno())
        del self._wires[wire.socket.fileno()]

    def turn(self, seconds: float = TURN_SECONDS) -> None:
        """Serve whoever is ready, after so many seconds at the latest."""
        wires = self._wires
        for descriptor, events in self._epoll.poll(max(seconds, 0.0), EVENTS):
            wire = wires.get(descriptor)
            if wire is not None:
                if events & select.EPOLLOUT:
                    wire.writable()
                if events & ~select.EPOLLOUT:
                    wire.readable()

    def until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Turn until it is done; AssertionError after so many seconds."""
        end = time.perf_counter() + seconds
        while not done():
            assert time.perf_counter() < end, f"{what}: not within {seconds} s"
            self.turn()

    def close(self) -> None:
        """Drop all connections at once."""
        for wire in list(self._wires.values()):
            wire.close()
        self._epoll.close()


class Wire:
    """One TCP connection. Subclasses say what is `received`."""

    def __init__(self, loop: Loop, port: int) -> None:
        self.loop = loop
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.port = port
        self._unsent = b""
        loop.add(self)

    def received(self, data: bytes, now: float) -> None:
        raise NotImplementedError

    def readable(self) -> None:
        try:
            data = self.socket.recv(CHUNK)
        except BlockingIOError:
            return
        assert data, f"the server hung up on {self!r}"
        self.received(data, time.perf_counter())

    def writable(self) -> None:
        unsent, self._unsent = self._unsent, b""
        self.loop.watch(self, writing=False)
        self.send(unsent)

    def send(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._unsent = data[sent:]
            self.loop.watch(self, writing=True)

    def deafen(self) -> None:
        """Read no more, and let the kernel take little for us."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.loop.watch(self, writing=False, reading=False)

    def listen(self) -> None:
        """Read again."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * CHUNK)
        self.loop.watch(self, writing=False)

    def close(self) -> None:
        self.loop.remove(self)
        self.socket.close()
