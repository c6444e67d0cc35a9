"""The wall clock of child processes, moved by their parent."""

from __future__ import annotations

import os
import time
from pathlib import Path

from loadtest.simulate.clock.sitecustomize import JUMP, VARIABLE

_FOLDER = Path(__file__).with_name("clock")


class MovedClock:
    """A wall clock that is so many seconds ahead of the honest one, and goes as fast."""

    def __init__(self, file: Path) -> None:
        """`file` is written anew; children look there, as long as they run."""
        self._file = file
        file.write_bytes(JUMP.pack(0.0))

    def jump(self, seconds: float) -> None:
        """Put the clock ahead of the honest one by so much."""
        # In place, since children have the file mapped.
        with self._file.open("r+b") as file:
            file.write(JUMP.pack(seconds))

    def set(self, moment: float) -> None:
        """Let it be this moment, in Unix seconds."""
        self.jump(moment - time.time())

    @property
    def environment(self) -> dict[str, str]:
        """What a child needs in its environment."""
        paths = [str(_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            "PYTHONPATH": os.pathsep.join(paths),
            VARIABLE: str(self._file.resolve()),
            # A gateway sets this before it imports gRPC; with a moved clock that is imported first.
            "GRPC_ENABLE_FORK_SUPPORT": "0",
        }
