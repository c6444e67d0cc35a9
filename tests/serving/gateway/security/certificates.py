"""Certificates for tests, made by the `openssl` command."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
_GOOD_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path

    def copy_to(self, other: Pair) -> None:
        """Write both over another pair's files, the certificate first."""
        shutil.copyfile(self.certificate, other.certificate)
        shutil.copyfile(self.key, other.key)


class Authority:
    """Somebody who vouches for others by certificates of a day."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make its own certificate in a folder."""
        self._folder = folder
        self.own = self._pair(name)
        _openssl(*_request(self.own, name))

    def issue(self, name: str, key: Sequence[str] = _GOOD_KEY) -> Pair:
        """Return a fresh certificate for 127.0.0.1; `key` tells `openssl req` what key to make."""
        pair = self._pair(name)
        issuer = ("-CA", str(self.own.certificate), "-CAkey", str(self.own.key))
        for_this_machine = ("-addext", "subjectAltName=IP:127.0.0.1")
        no_authority = ("-addext", "basicConstraints=critical,CA:false")
        _openssl(*_request(pair, name, key), *issuer, *for_this_machine, *no_authority)
        return pair

    def _pair(self, name: str) -> Pair:
        return Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")


def with_password(key: Path, folder: Path) -> Path:
    """Return a copy of a key that a password protects."""
    locked = folder / "locked.key"
    _openssl("pkey", "-in", str(key), "-aes128", "-passout", "pass:word", "-out", str(locked))
    return locked


def _request(pair: Pair, name: str, key: Sequence[str] = _GOOD_KEY) -> list[str]:
    files = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
    return ["req", "-x509", "-days", "1", "-subj", f"/CN={name}", "-nodes", *key, *files]


def _openssl(*arguments: str) -> None:
    done = subprocess.run(
        ["openssl", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
