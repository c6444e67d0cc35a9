"""Files that let a measured gateway check and sign."""

from __future__ import annotations

import base64
import hashlib
import secrets
from pathlib import Path


def write_token_file(path: Path) -> str:
    """Write a file with one lane's token, and return the token as a caller sends it."""
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    lines = ["schema = 1", "[tokens.bench]", f'sha256 = "{digest}"']
    lines += ['role = "lane"', 'store_id = "bench"', 'lane_id = "1"']
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"bench.{secret}"


def write_key_file(path: Path) -> None:
    """Write a file with one key to sign with."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    path.write_text(f'schema = 1\nsigning = "k"\n[keys]\nk = "{key}"\n', encoding="utf-8")
