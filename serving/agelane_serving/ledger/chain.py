"""Each event carries a keyed hash over itself and the hash before: nothing changes unnoticed.

Whoever can write to the database but has no key can't make up a hash (keyed BLAKE2b, RFC 7693). The
end can be cut off together with `head`; so the last hash is told to the log each time that it is
verified, and `verify` compares with one that was told before.

A cashier's number can be erased all the same. What is chained is a seal, a keyed hash over the
number and a random salt that lies beside it. Erasure puts ERASED in place of the number, and in
place of the salt a mark that nobody makes without the key; the seal stays, and is of no use to find
the number again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agelane_serving.ledger.schema import events

ERASED = "(erased)"
"""Stands in place of a cashier's number that was erased; no number looks like this."""
SALT_SIZE = 16
"""Bytes of a salt."""
_HASH_SIZE = 32
_POSITION = re.compile(r"([0-9]+):([0-9a-f]{64})")
_APART = frozenset({"cashier_id", "cashier_salt", "cashier_seal", "hash"})
_COLUMNS = [column.name for column in events.columns if column.name not in _APART]
# BLAKE2b's "person": hashes of one purpose are worth nothing for another.
_EVENT, _CASHIER, _ERASURE, _START = b"event", b"cashier", b"erasure", b"start"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a chain; its text is `NUMBER:HASH`."""

    number: int
    """Of the event, 1 or greater; 0: before the first one."""
    hash: bytes
    """The event's, 32 bytes."""

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position of a text; raises ValueError."""
        found = _POSITION.fullmatch(text)
        if found is None:
            raise ValueError("a position is NUMBER:HASH, as `verify` prints it")
        return cls(int(found[1]), bytes.fromhex(found[2]))


BEGINNING = Position(0, bytes(_HASH_SIZE))
"""What stands before the first event."""


class ChainBroken(Exception):
    """An event is not what was recorded; the message says which. Verify the whole chain."""


class Walk:
    """Goes along a chain, event by event, and keeps what is wrong with it."""

    def __init__(self, key: bytes, start: Position) -> None:
        """`key`: of the chain; `start`: the event before the first step."""
        self._key = key
        self.last = start
        self.faults: list[str] = []

    def step(self, row: Mapping[Any, Any]) -> None:
        """Go on to the event that the next row holds."""
        expected, number = self.last.number + 1, row["number"]
        if number > expected:
            self.faults.append(f"events {expected} to {number - 1} are missing")
        stored = bytes(row["hash"])
        if link(self._key, self.last.hash, row) != stored:
            self.faults.append(f"event {number} or the one before is not what was recorded")
        if not is_sealed(self._key, row):
            self.faults.append(f"the cashier of event {number} is not who was recorded")
        # Go on from what stands there, so that each change is told once.
        self.last = Position(number, stored)


def link(key: bytes, before: bytes, row: Mapping[Any, Any]) -> bytes:
    """Return the hash of an event that follows the one with the hash `before`.

    Args:
        key: 16 to 64 bytes that only gateways and verifiers have.
        before: 32 bytes; those of BEGINNING for the first event.
        row: the values by the columns' names; of the cashier only the seal is looked at.
    """
    values = [bytes(row["cashier_seal"]), *(row[name] for name in _COLUMNS)]
    return _keyed(key, _EVENT, [before, *values])


def seal(key: bytes, salt: bytes, store_id: str, cashier_id: str) -> bytes:
    """Return what stands for a cashier in the chain, or for nobody: 32 bytes."""
    return _keyed(key, _CASHIER, [salt, store_id, cashier_id])


def erasure_mark(key: bytes, number: int, cashier_seal: bytes) -> bytes:
    """Return what takes the place of the salt where a number was erased, as long as one."""
    return _keyed(key, _ERASURE, [number, cashier_seal])[:SALT_SIZE]


def is_sealed(key: bytes, row: Mapping[Any, Any]) -> bool:
    """Tell whether an event's cashier is who was recorded, or was erased with the key."""
    salt, sealed = bytes(row["cashier_salt"]), bytes(row["cashier_seal"])
    if row["cashier_id"] == ERASED:
        return salt == erasure_mark(key, row["number"], sealed)
    return sealed == seal(key, salt, row["store_id"], row["cashier_id"])


def start_seal(key: bytes, start: Position) -> bytes:
    """Return what proves that a chain begins after this event: 32 bytes."""
    return _keyed(key, _START, [start.number, start.hash])


def read_key(path: Path) -> bytes:
    """Return the chain's key from its file; ValueError, which does not quote it, if it is none."""
    key = path.read_bytes().strip()
    if not 16 <= len(key) <= 64:
        raise ValueError(f"{path}: a key has 16 to 64 bytes, as `openssl rand -base64 32` makes")
    return key


def _keyed(key: bytes, purpose: bytes, values: Sequence[Any]) -> bytes:
    # As Python writes a list: other values, of whatever type, are another text, which JSON does not
    # promise (NaN and None). Strings are escaped, so that the text is the same in each version.
    content = ascii(values).encode()
    return hashlib.blake2b(content, key=key, person=purpose, digest_size=_HASH_SIZE).digest()
