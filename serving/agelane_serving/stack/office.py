"""What a gateway needs to keep books on a developer's machine: keys, a ledger, offers."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import agelane_serving.policy
from agelane_serving.stack.errors import StackError

_OFFERS = Path(agelane_serving.policy.__file__).with_name("offers.toml")
_KEY_SIZE = 32


def office_flags(folder: Path) -> list[str]:
    """Return the gateway's flags for the books in a folder; make what is not there.

    Whatever is made is for its owner alone to read. The ledger's tables are the gateway's to make.

    Raises:
        StackError: the folder or a file in it can't be made.
    """
    token_keys, ledger_key = folder / "token-keys.toml", folder / "ledger.key"
    key, ring = _fresh_key(), f'schema = 1\nsigning = "dev"\n[keys]\ndev = "{_fresh_key()}"\n'
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in ((token_keys, ring), (ledger_key, key)):
            if not path.exists():
                _write(path, content)
    except OSError as error:
        raise StackError(f"--office {folder}: {error.strerror}") from error
    return [
        f"--token-keys={token_keys}",
        f"--ledger=sqlite:///{folder.resolve() / 'ledger.db'}",
        f"--ledger-key={ledger_key}",
        f"--offers={_OFFERS}",
    ]


def _fresh_key() -> str:
    return base64.b64encode(secrets.token_bytes(_KEY_SIZE)).decode()


def _write(path: Path, content: str) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    aside.rename(path)
