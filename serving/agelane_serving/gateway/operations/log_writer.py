"""A stream that never makes its writer wait: nobody at a till waits for a log."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque

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
        self._lines: deque[str] = deque()
        self._some = threading.Event()
        self._closed = False
        self._left_out = 0
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, line: str) -> None:
        """Write a line, soon."""
        if len(self._lines) >= _MOST_LINES:
            self._left_out += 1
            return
        self._lines.append(line)
        if not self._some.is_set():
            self._some.set()

    def flush(self) -> None:
        """Do nothing: lines are written as soon as they can be."""

    def close(self) -> None:
        """Write what is left, for at most a second."""
        self._closed = True
        self._some.set()
        self._thread.join(_LAST_SECONDS)

    def _work(self) -> None:
        while not self._closed:
            self._some.wait()
            # In batches: a thread that woke up for each line would slow down the one that answers.
            if not self._closed:
                time.sleep(_BATCH_SECONDS)
            self._some.clear()
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            self._write(f'{{"event": "{left_out} lines were left out"}}\n')
        self._write("".join(lines))

    def _write(self, text: str) -> None:
        rest = text.encode("utf-8", "replace")
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:  # a reader that has gone, a full disk
            self._left_out += 1
