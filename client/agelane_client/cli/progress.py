"""How far a long command is: one line on a terminal, rewritten as it goes."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType

FEW = 10
"""So many photos need no progress."""
_PAUSE = 0.1


class Progress:
    """The line on standard error; nothing at all where that is no terminal, or for a few."""

    def __init__(self, total: int) -> None:
        """`total` is how many photos there are."""
        self._total = total
        self._is_on = total > FEW and sys.stderr.isatty()
        self._is_amid_output = self._is_on and sys.stdout.isatty()
        self._started = self._shown = time.monotonic()
        self._width = 0

    def make_way(self) -> None:
        """Clear the line for one of the output, if both go to the terminal."""
        if self._is_amid_output:
            self._rewrite("")

    def show(self, done: int, failed: int) -> None:
        """Tell that `done` photos are done, of which `failed` have no answer."""
        now = time.monotonic()
        if not self._is_on or (now - self._shown < _PAUSE and not self._is_amid_output):
            return
        self._shown = now
        self._rewrite(progress_line(done, failed, self._total, now - self._started))

    def _rewrite(self, line: str) -> None:
        columns = shutil.get_terminal_size().columns
        line = line[: columns - 1]  # a line that wraps can't be cleared
        end = "" if line else "\r"
        print(f"\r{line:<{self._width}}", end=end, file=sys.stderr, flush=True)
        self._width = len(line)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._width:
            self._rewrite("")


def progress_line(done: int, failed: int, total: int, seconds: float) -> str:
    """Return how many are done, how fast, and how long the rest will take at that pace."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {(total - done) / rate:.0f} s left" if rate else ""
    without = f", {failed} without an answer" if failed else ""
    return f"{done} of {total} photos, {rate:.1f}/s{left}{without}"
