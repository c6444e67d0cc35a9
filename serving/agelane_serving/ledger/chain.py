"""Each event carries a keyed hash over itself and the hash before: nothing changes unnoticed.

Whoever can write to the database but has no key can't make up a hash (keyed BLAKE2b, RFC 7693). The
end can be cut off together with `head`; so the last hash is told to the log each time that it is
verified, and `verify` compares with one that was told before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from agelane_serving.ledger.schema import events

FIRST = bytes(32)
"""What stands before the first event."""
_COLUMNS = [column.name for column in events.columns if column.name != "hash"]


def link(key: bytes, before: bytes, row: Mapping[Any, Any]) -> bytes:
    """Return the hash of an event that follows the one with the hash `before`.

    Args:
        key: 16 to 64 bytes that only gateways and verifiers have.
        before: 32 bytes; FIRST for the first event.
        row: the values by the columns' names; `hash` is not looked at.
    """
    values: Sequence[Any] = [row[name] for name in _COLUMNS]
    return hashlib.blake2b(before + orjson.dumps(values), key=key, digest_size=32).digest()


def read_key(path: Path) -> bytes:
    """Return the chain's key from its file; ValueError, which does not quote it, if it is none."""
    key = path.read_bytes().strip()
    if not 16 <= len(key) <= 64:
        raise ValueError(f"{path}: a key has 16 to 64 bytes, as `openssl rand -base64 32` makes")
    return key
