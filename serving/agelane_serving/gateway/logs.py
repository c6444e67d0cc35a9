"""Log lines that name their request."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""Name of the call that the current task works for; only ever one that was checked."""


def configure_logs(level: str) -> None:
    """Write log lines of this level and above to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_add_request_id)
    handler.setFormatter(
        logging.Formatter("%(asctime)s gateway %(levelname)s [%(request_id)s] %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler])


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = request_id.get()
    return True
