"""Run the reports' program: in a process of its own, so that no report slows a till."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from agelane_serving.gateway.errors import CallError, Fault

LONGEST_SECONDS = 120.0
_MOST_WAITING = 8
_RETRY_SECONDS = 10.0
_NO_DATABASE = 2
_logger = logging.getLogger(__name__)


class ReportProgram:
    """Runs `python -m agelane_serving.reports`, once at a time."""

    def __init__(self, ledger: str) -> None:
        """`ledger` is the URL of its database."""
        # By the environment, since everybody sees the flags of a process.
        self._environment = {**os.environ, "AGELANE_GATEWAY_LEDGER": ledger}
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def run(self, flags: Sequence[str]) -> bytes:
        """Return what the program answers. A caller who leaves ends it.

        Raises:
            CallError: OVERLOADED, too many wait for a report already, or it takes too long;
                LEDGER_UNAVAILABLE; INTERNAL, it failed, and the log says how.
        """
        if self._waiting >= _MOST_WAITING:
            raise _overloaded("too many reports are being made")
        self._waiting += 1
        try:
            async with asyncio.timeout(LONGEST_SECONDS), self._turn:
                return await self._answer(flags)
        except TimeoutError as error:
            raise _overloaded(f"the report takes more than {LONGEST_SECONDS:.0f} s") from error
        finally:
            self._waiting -= 1

    async def _answer(self, flags: Sequence[str]) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agelane_serving.reports", *flags),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        try:
            answer, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if said:
            _logger.warning("report %s: %s", flags[0], said.decode(errors="replace").strip())
        if process.returncode == _NO_DATABASE:
            raise CallError(
                Fault.LEDGER_UNAVAILABLE, "the ledger can't be read", retry_seconds=_RETRY_SECONDS
            )
        if process.returncode != 0:
            raise CallError(Fault.INTERNAL, "the report failed; see the gateway's log")
        return answer


def _overloaded(message: str) -> CallError:
    return CallError(Fault.OVERLOADED, message, retry_seconds=_RETRY_SECONDS)
