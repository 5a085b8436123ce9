"""Structured log lines: one JSON object a line on standard error, times in UTC."""

import logging
import sys
from typing import Literal

import structlog


def configure(log_format: Literal["json", "console"], level: str) -> None:
    """Sets up structlog for this process; libraries' own loggers speak from WARNING on, without their arguments."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Quiet()], level=logging.WARNING, force=True)
    sys.unraisablehook = _tell_unraisable


def _tell_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """An error in a destructor or a callback of C code: nobody can catch it, and Python would print all of it."""
    if isinstance(unraisable.object, bytes):
        return  # a host name that a TLS client asked for, and that is not ASCII: its handshake has failed
    error = unraisable.exc_type.__name__
    structlog.get_logger("library").error("library.message", logger="python", place="unraisable", error=error)


class _Quiet(logging.Handler):
    """Passes on that a library complained, and where; never its text, which can hold addresses and bodies."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger("library").log(
            record.levelno, "library.message", logger=record.name, place=f"{record.module}:{record.lineno}", error=error
        )
