"""What glibc does with memory that TensorFlow has freed; other C libraries do as they do.

The names and numbers are those of mallopt(3) and malloc_trim(3).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_HEAP_BYTES = 64 << 20
"""glibc gives a thread memory in heaps of this size; a block has room in one up to the half."""


def keep_freed_memory() -> None:
    """From now on, keep what is freed: the next batch needs what the last one gave back.

    Otherwise glibc returns some of it to the system when it happens to lie at the end of a heap,
    and gets it anew, page by page: batches take longer, and memory goes up and down for hours,
    which nobody can tell from a leak.
    """
    with suppress(AttributeError, OSError):
        mallopt: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _HEAP_BYTES // 2)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        # An empty heap goes back only if the one before it has less room than this.
        mallopt(_M_TOP_PAD, _HEAP_BYTES)


def give_freed_memory_back() -> None:
    """Return to the system what is free just now, as after loading: a third of all there is."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
