"""Let the wall clock of a Python process jump: by as many seconds as a file says at the moment.

Python imports this module at its start if its folder is on PYTHONPATH. The monotonic clock, which
never jumps on a real machine either, is left alone.
"""

from __future__ import annotations

import mmap
import os
import struct
import time

JUMP = struct.Struct("d")
_honest = time.time

if "AGELANE_TEST_CLOCK" in os.environ:
    with open(os.environ["AGELANE_TEST_CLOCK"], "rb") as _file:
        _jump = mmap.mmap(_file.fileno(), JUMP.size, access=mmap.ACCESS_READ)
    time.time = lambda: _honest() + JUMP.unpack_from(_jump)[0]
