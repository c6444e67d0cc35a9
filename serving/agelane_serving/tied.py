"""`python -m agelane_serving.tied MODULE …`: run a module, and stop it with its parent.

The parent holds the other end of stdin and never writes. When the parent ends, in whatever way,
the system closes that end; then this process stops as if it had been asked to. So no server is
left behind by a stack that was killed.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

_GRACE_SECONDS = 20.0


def main() -> None:
    """Run the module that the arguments name, as `python -m` does."""
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _follow_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
