"""What a service is. Pure."""

from hub.kernel.errors import NotFound


class UnknownService(NotFound):
    """No service is configured under that name, or none runs under that id: never was, has expired, is another's."""

    code = "service_unknown"
    default_detail = "No such service"

    def __init__(self, name: str) -> None:
        super().__init__(f"No such service: [{name[:64]}]")
