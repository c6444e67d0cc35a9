"""Let the wall clock of a Python process jump: by as many seconds as a file says at the moment.

Python imports this module at its start if its folder is on PYTHONPATH. The monotonic clock, which
never jumps on a real machine either, is left alone.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from types import ModuleType

VARIABLE = "AGELANE_TEST_CLOCK"
"""Names the file."""
JUMP = struct.Struct("d")
_honest = time.time

if VARIABLE in os.environ:
    with open(os.environ[VARIABLE], "rb") as _file:
        _jump = mmap.mmap(_file.fileno(), JUMP.size, access=mmap.ACCESS_READ)
    # gRPC reckons deadlines in Python by this clock, and keeps them in C by the machine's, which
    # stands firm: so it gets an honest one of its own.
    sys.modules["time"] = ModuleType("time")
    vars(sys.modules["time"]).update(vars(time))
    import grpc.aio  # noqa: F401

    sys.modules["time"] = time
    time.time = lambda: _honest() + JUMP.unpack_from(_jump)[0]
