"""Logging: structured events through the standard library to standard error, as text or one JSON object a line.

    log = logs.get(__name__)
    log.info("session ended", client_id=session.id, reason="expired")

The event is a fixed sentence, what varies is a key. Secrets are taken out of every value, tracebacks included; a line
break in a value never starts a new line.
"""

import json
import logging
import sys
from typing import Any, Final, Literal, TextIO, TypeAlias

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from hub.kernel.scrub import scrub_named

__all__ = ["Format", "Level", "bind", "configure", "get"]

Format: TypeAlias = Literal["text", "json"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]

_UVICORN: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
_FIRST: Final = ("timestamp", "level", "logger", "event")

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

bind = structlog.contextvars.bound_contextvars
"""Context manager: the given keys appear in everything that is logged inside, in this task and those it starts."""


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger called `name`; usable at import time, before `configure`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure(
    format: Format = "text",
    level: Level = "info",
    stream: TextIO | None = None,
) -> None:
    """Sends everything that is logged in this process, by whatever library, to `stream` (standard error).

    May be called again; the last call counts. uvicorn's loggers keep no handlers of their own: give it
    `log_config=None`.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_secrets,
                _as_json if format == "json" else _as_text,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)


def _without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: scrub_named(key, value) for key, value in event.items()}


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {key: event.pop(key) for key in _FIRST if key in event} | dict(event)
    return json.dumps(ordered, separators=(",", ":"))


def _as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    traceback = event.pop("exception", None)
    head = " ".join(_one_line(event.pop(key)) for key in _FIRST if key in event)
    line = head + "".join(f" {key}={_quoted(value)}" for key, value in event.items())
    return line if traceback is None else f"{line}\n{traceback}"


def _one_line(value: Any) -> str:  # noqa: ANN401
    """Control characters escaped: a value must neither start a line nor command a terminal."""
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _quoted(value: object) -> str:
    if isinstance(value, str) and value and value.isprintable() and not set(value) & set(" =\"'"):
        return value
    return json.dumps(value, ensure_ascii=False) if str(value).isprintable() else json.dumps(value)
