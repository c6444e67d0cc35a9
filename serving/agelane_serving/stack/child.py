"""One server of the stack, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import IO

from agelane_serving.stack.errors import StackError

_STOP_SECONDS = 20.0
_LAST_LINES = 40


class Child:
    """A running server. It ends when the stack does, even if that is killed: see `tied`."""

    def __init__(
        self, name: str, module: str, flags: list[str], *, quiet: bool, niceness: int = 0
    ) -> None:
        """Start `python -m module`, with less right to the processor the higher `niceness` is.

        If `quiet`, what it says is kept for the case of an error.
        """
        self.name = name
        # Without a name, so that it vanishes with the process; closed in `stop`.
        self._said: IO[bytes] | None = tempfile.TemporaryFile() if quiet else None  # noqa: SIM115
        # A process group of its own: Ctrl-C reaches the stack alone, which then stops its servers
        # in order.
        self._process = subprocess.Popen(
            ["nice", f"-n{niceness}", sys.executable, "-m", "agelane_serving.tied", module, *flags],
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=self._said,
            process_group=0,
        )

    def check(self) -> None:
        """Raise StackError if the server has ended."""
        code = self._process.poll()
        if code is not None:
            raise StackError(f"the {self.name} ended with exit code {code}{self._last_words()}")

    def fail(self, what: str) -> StackError:
        """Return an error about this server, with what it said."""
        return StackError(f"the {self.name} {what}{self._last_words()}")

    def stop(self) -> None:
        """Ask the server to stop and wait until it has; kill one that doesn't."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._said is not None:
            self._said.close()

    def _last_words(self) -> str:
        if self._said is None:
            return ""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").splitlines()
        return "\n".join([". It said:", *lines[-_LAST_LINES:]])
