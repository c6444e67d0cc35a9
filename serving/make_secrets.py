"""`make secrets`: make the secrets in secrets/ that the containers need and that are not there.

What is made is enough to begin with: tokens of one till and of the console, a signing key, the
ledger's key and passwords, one manager's login, a certificate that vouches for itself.
docs/security.md tells how tokens and keys are added and exchanged. It needs nothing but Python's
standard library and the command openssl.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

# They lie beside this script and need no more than Python either.
from agelane_serving.console.passwords import hashed
from agelane_serving.gateway.security.new_token import new_token

ROOT = Path(__file__).resolve().parents[1]
_FOLDERS = ("gateway", "envoy", "till", "grafana", "ledger", "nightly", "console")
_SERVICES = {"nightly": "agelane", "gateway": "agelane_gateway", "console": "agelane_console"}
"""As whom each folder's container logs in to the ledger's database."""
_OWN_HOST = "ledger"
_DAYS = 825


def main() -> int:
    """Make what is not there, and say what was made; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--store", default="store-1", help="store of the till (%(default)s)")
    parser.add_argument(
        "--host", action="append", default=[], help="name or address that tills call, repeatable"
    )
    parser.add_argument(
        "--ledger-host",
        default=_OWN_HOST,
        help="where the ledger's PostgreSQL runs (%(default)s, the container); another speaks TLS",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "secrets", help="folder (secrets)")
    options = parser.parse_args()
    if shutil.which("openssl") is None:
        print("openssl is missing: your distribution has it", file=sys.stderr)
        return 1
    folder: Path = options.out
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,56}", options.store):
        parser.error("a store is 1 to 56 of A-Z a-z 0-9 . _ -")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    # Closed by the folder above: the containers' users, who must read them, are others.
    for name in _FOLDERS:
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o755)
    made = [
        *_tokens(folder, options.store),
        *_signing_key(folder / "gateway/keys.toml"),
        *_certificate(folder / "envoy", folder / "till/ca.pem", options.host),
        *_password(folder / "grafana/password"),
        *_ledger(folder, options.ledger_host),
        *_login(folder / "console/users.toml", folder / "console-login.txt"),
    ]
    names = [str(path.relative_to(folder.parent)) for path in made]
    print("\n  ".join(["made:", *names]) if names else "all secrets are there")
    return 0


def _tokens(folder: Path, store: str) -> list[Path]:
    """Make tokens of one till and of the console, and let the gateways know them."""
    known = folder / "gateway/tokens.toml"
    before = text = known.read_text() if known.exists() else "schema = 1\n"
    made = []
    for place, name, lines in (
        ("till/till.token", f"{store}-till", f'role = "lane"\nstore_id = "{store}"\n'),
        (
            "console/lane.token",
            f"{store}-console",
            f'role = "lane"\nstore_id = "{store}"\nlane_id = "console"\n',
        ),
        ("console/manager.token", "console-manager", 'role = "manager"\n'),
        ("console/operator.token", "console-operator", 'role = "operator"\n'),
    ):
        if (folder / place).exists() or f'[tokens."{name}"]' in text:
            continue
        token, digest = new_token(name)
        text += f'\n[tokens."{name}"]\nsha256 = "{digest}"\n{lines}'
        _write(folder / place, f"{token}\n")
        made.append(folder / place)
    if text == before:
        return made
    # Gateways that run must not read half of it.
    aside = known.with_suffix(".new")
    _write(aside, text)
    aside.replace(known)
    return [known, *made]


def _ledger(folder: Path, host: str) -> list[Path]:
    """Make the chain's key and, for each who logs in to the database, a password."""
    made = _password(folder / "gateway/ledger.key") + _password(folder / "ledger/postgres")
    lines = [f"host={host}", "port=5432", "dbname=agelane"]
    if host != _OWN_HOST:
        # The second lets nobody stand between, whoever has vouched for their certificate.
        lines += ["sslmode=require", "channel_binding=require"]
    for name, role in _SERVICES.items():
        password = folder / "ledger" / role
        made += _password(password)
        service = folder / name / "pg_service.conf"
        if not service.exists():
            login = [f"user={role}", f"password={password.read_text()}"]
            _write(service, "\n".join(["[agelane]", *lines, *login, ""]))
            made.append(service)
    return made


def _login(users: Path, login: Path) -> list[Path]:
    """Make a manager of all stores who may log in to the console."""
    if users.exists():
        return []
    password = secrets.token_urlsafe(12)
    _write(
        users,
        f'schema = 1\n\n[users.manager]\npassword = "{hashed(password)}"\nrole = "manager"\n',
    )
    login.touch(mode=0o600)
    login.write_text(f"manager {password}\n")
    return [users, login]


def _signing_key(keys: Path) -> list[Path]:
    if keys.exists():
        return []
    key_id = f"{datetime.now(UTC):%Y-%m}"
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    _write(keys, f'schema = 1\nsigning = "{key_id}"\n\n[keys]\n"{key_id}" = "{key}"\n')
    return [keys]


def _certificate(envoy: Path, ca: Path, hosts: list[str]) -> list[Path]:
    """Make a certificate for this machine, the names given, and the container's own."""
    certificate, key = envoy / "tls.crt", envoy / "tls.key"
    if certificate.exists() and key.exists():
        if ca.exists():
            return []
        _write(ca, certificate.read_text())
        return [ca]
    names = dict.fromkeys(["localhost", "envoy", socket.gethostname(), "127.0.0.1", *hosts])
    kinds = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    command = ["openssl", "req", "-x509", "-nodes", "-days", str(_DAYS)]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-subj", "/CN=agelane", "-addext", f"subjectAltName={kinds}"]
    subprocess.run(
        [*command, "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL
    )
    _write(ca, certificate.read_text())
    for path in (certificate, key):
        path.chmod(0o644)
    return [certificate, key, ca]


def _password(path: Path) -> list[Path]:
    if path.exists():
        return []
    _write(path, secrets.token_urlsafe(18))
    return [path]


def _write(path: Path, text: str) -> None:
    """Write a file that the containers' users may read, in a folder that only its owner enters."""
    path.write_text(text)
    path.chmod(0o644)


def _is_address(name: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except OSError:
            continue
        return True
    return False


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
