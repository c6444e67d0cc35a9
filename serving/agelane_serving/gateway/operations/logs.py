"""Log lines in JSON that name their request, and never hold a photo, a secret or a token."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

from agelane_serving.gateway.operations.log_writer import LogWriter

_request_id: ContextVar[str] = ContextVar("request_id")


def name_request(request_id: str) -> None:
    """Let the lines of the call that is being worked on carry its name; only one that is checked.

    gRPC gives each call a task, and so a context, of its own.
    """
    _request_id.set(request_id)


def configure_logs(level: str) -> None:
    """Write lines of this level and above, gRPC's and Python's own too, to stderr.

    What is given as `extra` to a logger becomes keys of its own beside `event`.
    """
    formatter = ProcessorFormatter(
        foreign_pre_chain=[
            _add_request_id,
            add_log_level,
            add_logger_name,
            ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(_to_json),
        ],
    )
    writer = LogWriter(sys.stderr.fileno())
    handler = logging.StreamHandler(writer)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("PIL").setLevel(logging.WARNING)  # it would tell what EXIF says
    structlog.configure(
        processors=[
            _add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, writer)),
        cache_logger_on_first_use=True,
    )


def _add_request_id(
    logger: Any, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    request_id = _request_id.get("")
    if request_id:
        event["request_id"] = request_id
    return event


def _to_json(event: object, **options: Any) -> str:
    return orjson.dumps(event, default=repr).decode()
