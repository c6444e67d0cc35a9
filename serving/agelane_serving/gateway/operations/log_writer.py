"""A stream that never makes its writer wait: nobody at a till waits for a log."""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import threading
import time

_MOST_LINES = 10_000
_LAST_SECONDS = 1.0
_BATCH_SECONDS = 0.02


class LogWriter:
    """Writes in a thread of its own. Lines that a reader or disk is too slow for are left out."""

    def __init__(self, file: int) -> None:
        """`file` is the descriptor that lines go to, such as 2 for stderr.

        Not a Python stream: the end of the process would wait for one that is stuck.
        """
        self._file = file
        self._lines: queue.Queue[str | None] = queue.Queue(_MOST_LINES)
        self._left_out = 0
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, line: str) -> None:
        """Write a line, soon."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def flush(self) -> None:
        """Do nothing: lines are written as soon as they can be."""

    def close(self) -> None:
        """Write what is left, for at most a second."""
        try:
            self._lines.put(None, timeout=_LAST_SECONDS)
        except queue.Full:
            return
        self._thread.join(_LAST_SECONDS)

    def _work(self) -> None:
        ended = False
        while not ended:
            lines = [self._lines.get()]
            # In batches: a thread that woke up for each line would slow down the one that answers.
            time.sleep(_BATCH_SECONDS)
            with contextlib.suppress(queue.Empty):
                while lines[-1] is not None:
                    lines.append(self._lines.get_nowait())
            ended = lines[-1] is None
            if self._left_out:
                left_out, self._left_out = self._left_out, 0
                self._write(f'{{"event": "{left_out} lines were left out"}}\n')
            self._write("".join(line for line in lines if line is not None))

    def _write(self, line: str) -> None:
        rest = line.encode("utf-8", "replace")
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:  # a reader that has gone, a full disk
            self._left_out += 1
