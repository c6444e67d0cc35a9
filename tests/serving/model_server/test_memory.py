"""What is freed stays with the process, until it is given back; seen in a process of its own."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have no mallopt"
)
MB = 1_000_000
PROGRAM = f"""
import ctypes, json, sys, threading
from agelane_serving.model_server.memory import give_freed_memory_back, keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / {MB}


def batch():
    # As for a batch of photos: more than a heap of glibc's holds, in blocks of a megabyte.
    blocks = [libc.malloc({MB}) for _ in range(200)]
    for block in blocks:
        libc.memset(block, 1, {MB})
    for block in blocks:
        libc.free(block)


if sys.argv[1] == "keep":
    keep_freed_memory()
before = resident()
thread = threading.Thread(target=batch)
thread.start()
thread.join()
after = resident()
give_freed_memory_back()
print(json.dumps([after - before, resident() - before]))
"""


def grown(what: str) -> tuple[float, float]:
    """Return the MB that a process has more after a batch, and after giving back."""
    command = [sys.executable, "-c", PROGRAM, what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after, given_back = json.loads(done.stdout)
    return after, given_back


def test_what_a_batch_has_freed_stays_for_the_next_one() -> None:
    """Without it, the system would have most of it back."""
    assert grown("leave")[0] < 70
    assert grown("keep")[0] > 190


def test_it_is_given_back_on_demand() -> None:
    """As after the loading of a version; glibc keeps a thread's last heap, of 64 MB, even then."""
    assert grown("keep")[1] < 70
