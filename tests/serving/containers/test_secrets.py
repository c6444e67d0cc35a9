"""`make secrets` makes what containers need to begin with, and touches nothing that is there."""

from __future__ import annotations

import stat
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from agelane_serving.console.passwords import fits
from agelane_serving.console.users import read_users
from agelane_serving.gateway.security.assessment_token import read_key_ring
from agelane_serving.gateway.security.caller import Role
from agelane_serving.gateway.security.credentials import read_credentials
from agelane_serving.ledger.chain import read_key
from tests.serving.containers.project import CONSOLE, GATEWAY, ROOT, flags
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
    read_key(folder / "gateway" / Path(flags(GATEWAY)["ledger-key"]).name)


@pytest.mark.parametrize(
    ("flag", "role", "store_id"),
    [
        ("gateway-token-file", Role.MANAGER, None),
        ("lane-token-file", Role.LANE, "hamburg-1"),
        ("admin-token-file", Role.OPERATOR, None),
    ],
)
def test_the_gateways_know_the_console(
    folder: Path, flag: str, role: Role, store_id: str | None
) -> None:
    """By three tokens; a chain's managers see all stores."""
    token = (folder / "console" / Path(flags(CONSOLE)[flag]).name).read_text().strip()
    credentials = read_credentials((folder / "gateway/tokens.toml").read_text())
    caller = credentials.caller_of([("authorization", f"Bearer {token}")])
    assert (caller.role, caller.store_id) == (role, store_id)


def test_a_first_manager_may_log_in_and_only_the_owner_of_the_folder_learns_how(
    folder: Path,
) -> None:
    """The password stands in a file that no container sees."""
    users = read_users((folder / "console" / Path(flags(CONSOLE)["users"]).name).read_text())
    login = folder / "console-login.txt"
    name, password = login.read_text().split()
    assert fits(password, users[name].password)
    assert users[name].stores is None
    assert stat.S_IMODE(login.stat().st_mode) == 0o600


def test_a_database_elsewhere_is_spoken_to_by_tls(tmp_path: Path) -> None:
    """And nobody can stand between; the container's own network has nobody else on it."""
    make_secrets(tmp_path / "secrets", "--ledger-host=db.example")
    service = ConfigParser()
    service.read(tmp_path / "secrets/gateway/pg_service.conf")
    assert service["agelane"]["host"] == "db.example"
    assert service["agelane"]["sslmode"] == service["agelane"]["channel_binding"] == "require"


def test_containers_may_read_them_and_no_other_user_of_the_machine(folder: Path) -> None:
    """The folder is closed; the engine enters it, and what is mounted is open."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        if path.parent == folder and path.is_file():
            continue
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


def test_a_console_that_is_new_gets_its_tokens_beside_the_others(folder: Path) -> None:
    """Tills go on with theirs."""
    tokens = folder / "gateway/tokens.toml"
    before, till = tokens.read_text(), (folder / "till/till.token").read_text()
    tokens.write_text(before[: before.index('[tokens."hamburg-1-console"]')])
    for token in (folder / "console").glob("*.token"):
        token.unlink()
    make_secrets(folder, "--store=hamburg-1")
    assert len(read_credentials(tokens.read_text())._tokens) == 4
    assert (folder / "till/till.token").read_text() == till


def test_a_store_that_the_gateway_would_refuse_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(subprocess.CalledProcessError):
        make_secrets(tmp_path / "secrets", "--store", "Store 5")
    assert not list(tmp_path.iterdir())
