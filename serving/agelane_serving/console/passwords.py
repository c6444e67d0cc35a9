"""Passwords, kept as salted scrypt hashes (RFC 7914), so that whoever reads the file has none."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re

_LOG_COST, _BLOCK, _LANES = 15, 8, 1  # 32 MB and about 0.1 s for each try
_FORM = re.compile(r"scrypt:15:8:1:([A-Za-z0-9+/]{22}==):([A-Za-z0-9+/]{43}=)")
LONGEST = 256
"""Characters of the longest password that is looked at."""


def hashed(password: str) -> str:
    """Return what the users' file keeps of a password, with a salt of its own."""
    salt = os.urandom(16)
    parts = (_text(salt), _text(_scrypt(password, salt)))
    return f"scrypt:{_LOG_COST}:{_BLOCK}:{_LANES}:{parts[0]}:{parts[1]}"


def is_hash(text: str) -> bool:
    """Tell whether a text is what `hashed` returns."""
    return _FORM.fullmatch(text) is not None


def fits(password: str, kept: str) -> bool:
    """Tell whether a password is the one that was hashed; takes about 0.1 s of a core.

    Raises:
        ValueError: `kept` is no hash.
    """
    match = _FORM.fullmatch(kept)
    if match is None:
        raise ValueError("not the hash of a password")
    salt, right = (base64.b64decode(part) for part in match.groups())
    return hmac.compare_digest(_scrypt(password[:LONGEST], salt), right)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=2**_LOG_COST,
        r=_BLOCK,
        p=_LANES,
        maxmem=2**26,
        dklen=32,
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
