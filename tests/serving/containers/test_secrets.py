"""`make secrets` makes what containers need to begin with, and touches nothing that is there."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agelane_serving.gateway.security.assessment_token import read_key_ring
from agelane_serving.gateway.security.caller import Role
from agelane_serving.gateway.security.credentials import read_credentials
from tests.serving.containers.project import GATEWAY, ROOT, flags
from tests.serving.gateway.security.certificates import needs_openssl

pytestmark = needs_openssl


def make_secrets(folder: Path, *arguments: str) -> str:
    """Run the script; return what it says."""
    command: list[str | Path]
    command = [sys.executable, ROOT / "serving/make_secrets.py", "--out", folder, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fresh secrets."""
    folder = tmp_path_factory.mktemp("project") / "secrets"
    make_secrets(folder, "--store=hamburg-1", "--host=gateway.shop", "--host=10.0.0.7")
    return folder


def test_the_gateway_reads_them_and_knows_the_till(folder: Path) -> None:
    """Under the names that the compose file gives it."""
    tokens, keys = (
        folder / "gateway" / Path(flags(GATEWAY)[flag]).name
        for flag in ("credentials", "token-keys")
    )
    token = (folder / "till/till.token").read_text().strip()
    caller = read_credentials(tokens.read_text()).caller_of([("authorization", f"Bearer {token}")])
    assert (caller.role, caller.store_id) == (Role.LANE, "hamburg-1")
    read_key_ring(keys.read_text())


def test_containers_may_read_them_and_no_other_user_of_the_machine(folder: Path) -> None:
    """The folder is closed; the engine enters it, and what is mounted is open."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)


def test_the_certificate_is_for_all_names_that_are_called(folder: Path) -> None:
    """By tills, by this machine, and by the load test's containers."""
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", folder / "envoy/tls.crt"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in ("DNS:localhost", "DNS:envoy", "DNS:gateway.shop", "IP Address:10.0.0.7"):
        assert name in shown
    assert (folder / "till/ca.pem").read_bytes() == (folder / "envoy/tls.crt").read_bytes()


def test_a_second_run_changes_nothing(folder: Path) -> None:
    """And says so; what was taken away is made again."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert make_secrets(folder) == "all secrets are there\n"
    (folder / "grafana/password").unlink()
    (folder / "till/ca.pem").unlink()
    said = make_secrets(folder)
    assert "secrets/grafana/password" in said
    assert "secrets/till/ca.pem" in said
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    changed = [path.name for path in before if after[path] != before[path]]
    assert changed == ["password"]


def test_a_store_that_the_gateway_would_refuse_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(subprocess.CalledProcessError):
        make_secrets(tmp_path / "secrets", "--store", "Store 5")
    assert not list(tmp_path.iterdir())
