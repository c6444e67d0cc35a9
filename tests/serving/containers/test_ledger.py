"""Whoever logs in to the ledger's database may do what they have to, and nothing else.

A real PostgreSQL is set up by what the containers get: passwords, roles, service files, grants.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from agelane_serving.ledger import alerts, learnt, reading
from agelane_serving.ledger.alerts import Answer, Observation
from agelane_serving.ledger.chain import read_key
from agelane_serving.ledger.erasure import erase
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.receipt import LedgerError
from agelane_serving.ledger.retention import retain
from agelane_serving.ledger.store import Store, engine_for, transaction
from agelane_serving.ledger.verify import verify
from agelane_serving.ledger.views import Scope
from tests.serving.containers.project import GATEWAY, ROOT, SERVICES, mounts
from tests.serving.containers.test_secrets import make_secrets
from tests.serving.gateway.security.certificates import needs_openssl
from tests.serving.ledger.conftest import BINARIES, postgresql
from tests.serving.ledger.sales import attempt, refusal, sale

pytestmark = needs_openssl
URL = GATEWAY["environment"]["AGELANE_GATEWAY_LEDGER"]
LATER = 500 * 86_400
As = Callable[[str], Engine]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Secrets of a shop whose PostgreSQL runs, with its roles and without tables."""
    folder = tmp_path_factory.mktemp("shop") / "secrets"
    make_secrets(folder)
    ledger = SERVICES["ledger"]
    with postgresql("postgres", *ledger["environment"]["POSTGRES_INITDB_ARGS"].split()) as url:
        where = make_url(url).query
        _set_up(folder, str(where["host"]), str(where["port"]))
        for file in folder.rglob("pg_service.conf"):
            here = f"host=127.0.0.1\nport={where['port']}"
            file.write_text(file.read_text().replace("host=ledger\nport=5432", here))
        yield folder


def _set_up(folder: Path, host: str, port: str) -> None:
    """Do what the image does with the files of its folder, on an empty volume."""
    script = mounts(SERVICES["ledger"])["/docker-entrypoint-initdb.d"] / "roles.sql"
    command = [str(BINARIES[-1] / "psql"), f"--host={host}", f"--port={port}"]
    command += ["--username=postgres", "--set=ON_ERROR_STOP=1", f"--file={script}"]
    environment = os.environ | {"PASSWORDS": str(folder / "ledger")}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)


@pytest.fixture
def as_(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    """Connects with the service file of a container's folder; the tables are there."""
    engines: list[Engine] = []

    def connected(name: str) -> Engine:
        monkeypatch.setenv("PGSERVICEFILE", str(secrets / name / "pg_service.conf"))
        engines.append(engine_for(URL))
        engines[-1].connect().close()
        return engines[-1]

    connected("nightly")
    migrate(URL, grant=True)
    yield connected
    for engine in engines:
        engine.dispose()


def test_the_migration_is_the_owners_and_may_be_repeated(secrets: Path) -> None:
    """By the very command of its container; gateways find nothing to do then."""
    service = SERVICES["migration"]
    assert mounts(service)["/secrets"] == ROOT / "secrets/nightly"
    for _ in range(2):
        _run(service["command"], secrets / "nightly/pg_service.conf")
    _run(["agelane_serving.ledger", "migrate"], secrets / "gateway/pg_service.conf")


def _run(command: list[str], service_file: Path) -> None:
    environment = os.environ | {"PGSERVICEFILE": str(service_file), "AGELANE_GATEWAY_LEDGER": URL}
    module = [sys.executable, "-m", *command]
    done = subprocess.run(module, env=environment, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_gateways_that_start_at_once_on_an_empty_database_all_come_up() -> None:
    """One makes the tables, and the others wait for it."""
    with postgresql() as url, ThreadPoolExecutor(4) as starting:
        list(starting.map(migrate, [url] * 4))


def test_a_gateway_records_and_reads(as_: As, secrets: Path) -> None:
    """Sales, refused tokens, what it tells the reports and what they tell it."""
    engine = as_("gateway")
    store = Store(URL, read_key(secrets / "gateway/ledger.key"))
    store.record([sale(), refusal(), attempt()])
    store.close()
    learnt.keep_confusions(engine, {1: "{}"})
    learnt.keep_confusions(engine, {1: "{}"})
    assert learnt.read_lifts(engine) is None
    assert alerts.alerts(engine) == []


def test_the_console_reads_events_and_answers_alerts(as_: As) -> None:
    """And closes them."""
    alerts.tell(as_("nightly"), [_observation()], time.time())
    engine = as_("console")
    answer = Answer("a1", time.time(), "maria", "manager", "A new colleague.", closes=True)
    assert alerts.answer(engine, answer).state == "CLOSED"
    reading.refusals(engine, Scope(0, time.time(), None), limit=10)
    reading.lanes(engine, Scope(0, time.time(), None))


def test_the_night_removes_and_erases(as_: As, secrets: Path) -> None:
    """As the owner of the tables."""
    engine, key = as_("nightly"), read_key(secrets / "gateway/ledger.key")
    erase(engine, key, "hamburg-1", "c7")
    assert not verify(engine, key).faults
    retain(engine, key, time.time() + LATER, 400, 400)
    assert not verify(engine, key).faults


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("gateway", "DELETE FROM events"),
        ("gateway", "UPDATE events SET cashier_id = 'x'"),
        ("gateway", "DELETE FROM sales"),
        ("gateway", "UPDATE chain_start SET number = 1"),
        ("gateway", "UPDATE alerts SET state = 'CLOSED'"),
        ("gateway", "INSERT INTO lifts VALUES (1, 1, '')"),
        ("gateway", "CREATE TABLE mine (id int)"),
        ("gateway", "DROP TABLE events"),
        ("console", "SELECT * FROM baskets"),
        ("console", "SELECT * FROM sales"),
        ("console", "INSERT INTO confusions VALUES (1, '')"),
        ("console", "UPDATE alerts SET severity = 0"),
        ("console", "UPDATE alert_answers SET text = ''"),
        ("console", "DELETE FROM alert_answers"),
        ("console", "UPDATE events SET outcome = 'SOLD'"),
        ("console", "TRUNCATE events"),
    ],
)
def test_nobody_may_more(as_: As, name: str, statement: str) -> None:
    """The database itself refuses it."""
    engine = as_(name)
    with (
        pytest.raises(LedgerError, match=r"Insufficient|must be owner"),
        transaction(engine) as all_,
    ):
        all_.execute(text(statement))


def test_without_the_password_nobody_gets_in(
    as_: As, secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor with another one's."""
    engine = as_("gateway")
    engine.dispose()
    file = tmp_path / "pg_service.conf"
    shutil.copy(secrets / "gateway/pg_service.conf", file)
    password = (secrets / "ledger/agelane_gateway").read_text()
    others = (secrets / "ledger/agelane_console").read_text()
    file.write_text(file.read_text().replace(password, others))
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    with pytest.raises(DBAPIError, match="password authentication failed"):
        engine_for(URL).connect()


def _observation() -> Observation:
    return Observation("a1", "hamburg-1", "c7", "LOW_CHECK_RATE", 0.1, 9, 3.0, 0.01, 1.0, 2.0)
