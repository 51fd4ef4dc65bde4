"""baiocas, used as an application would."""

from collections.abc import Generator
from typing import Any

from baiocas.client import Client
from baiocas.errors import CommunicationError
from baiocas.extensions.ack import AckExtension
from baiocas.transports.long_polling import LongPollingHttpTransport
from tornado import gen
from tornado.ioloop import IOLoop
from tornado.locks import Condition

from tests.interop.drivers.lines import Json, address, commands, reply, say, settings

META = ("handshake", "connect", "subscribe", "unsubscribe", "disconnect")


class Transport(LongPollingHttpTransport):  # type: ignore[misc]  # the package has no types
    """With the Tornado of today a request that fails raises, and baiocas would never hear of it.

    This says so to the client, which then does what it is made for: it tries again with growing pauses.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sending = 0
        self.sent = Condition()

    @gen.coroutine  # the client does not wait for it, so it has to begin by itself
    def send(self, messages: Any, sync: bool = False) -> Generator[Any, Any, None]:
        self.sending += 1
        try:
            yield super().send(messages, sync)
        except Exception as error:  # noqa: BLE001 - whatever it is, the messages have failed
            self._client.fail_messages(messages, CommunicationError(error))
        finally:
            self.sending -= 1
            self.sent.notify_all()


class Application:
    """Listens to everything, and subscribes again after every handshake: a new session knows nothing."""

    def __init__(self, given: Json) -> None:
        self.client = Client(address(given))
        self.transport = Transport()
        self.client.register_transport(self.transport)
        if given["by"] == "header":
            self.transport.set_header("Authorization", f"Bearer {given['token']}")
        if given["extension"] == "ack":
            self.client.register_extension(AckExtension())
        self._properties = {"ext": {"authentication": {"token": given["token"]}}} if given["by"] == "ext" else None
        self._wanted: list[str] = []
        self._waiting: list[tuple[str, str | None, Json]] = []
        for name in META:
            self.client.get_channel(f"/meta/{name}").add_listener(self._answered, name)
        self.client.get_channel("/meta/publish").add_listener(self._published)

    def carry_out(self, command: Json) -> None:
        name: str = command["do"]
        channel: Any = command.get("channel")
        self._waiting.append((name, channel, command))
        match name:
            case "handshake":
                self.client.handshake(self._properties)
            case "subscribe":
                self._wanted.append(channel)
                self.client.get_channel(channel).subscribe(self._heard)
            case "unsubscribe":
                self._wanted.remove(channel)
                self.client.get_channel(channel).unsubscribe(function=self._heard)
            case "publish":
                self.client.get_channel(channel).publish(command["data"])
            case "batch":
                with self.client.batch():
                    for each in command["commands"]:
                        self.carry_out(each)
            case "disconnect":
                self.client.disconnect(sync=False)  # the other way needs a loop of its own
            case unknown:
                raise AssertionError(unknown)

    def _heard(self, channel: Any, message: Any) -> None:
        say("event", channel=str(message.channel), data=message.data)

    def _answered(self, channel: Any, message: Any, name: str) -> None:
        say("meta", channel=f"/meta/{name}", successful=message.successful is True, clientId=message.client_id)
        if name == "handshake" and message.successful:
            for wanted in self._wanted:
                self.client.get_channel(wanted).subscribe(self._heard)
        self._reply(name, message.subscription, message)

    def _published(self, channel: Any, message: Any) -> None:
        self._reply("publish", message.channel, message)

    def _reply(self, name: str, about: Any, message: Any) -> None:
        for each in self._waiting:
            if each[:2] == (name, about):
                self._waiting.remove(each)
                reply(
                    each[2],
                    successful=message.successful is True,
                    error=message.error,
                    transport=self.client.transport.name,
                )
                return


async def main(application: Application) -> None:
    async for command in commands():
        application.carry_out(command)
    while application.transport.sending or not application.client.is_disconnected:
        await application.transport.sent.wait()


started = Application(settings())  # before the loop runs: its blocking HTTP client needs one of its own
IOLoop.current().run_sync(lambda: main(started))
