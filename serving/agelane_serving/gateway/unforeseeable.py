"""Random names and draws that nobody can foresee, without a system call for each."""

from __future__ import annotations

import io
import os

_POOL_BYTES = 4096
_pool = io.BytesIO()


def name() -> str:
    """Return 128 random bits in 32 hexadecimal digits."""
    return _take(16).hex()


def draw() -> float:
    """Return a random number, uniform in [0, 1)."""
    return (int.from_bytes(_take(7), "big") >> 3) / 2**53


def _take(size: int) -> bytes:
    """Return bytes of the system's generator that nobody else gets."""
    global _pool  # one for the process
    taken = _pool.read(size)
    if len(taken) < size:
        _pool = io.BytesIO(os.urandom(_POOL_BYTES))
        taken = _pool.read(size)
    return taken
