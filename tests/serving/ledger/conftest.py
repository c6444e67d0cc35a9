"""Ledgers in a real SQLite and, where there is one, a real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete
from sqlalchemy.exc import DBAPIError

from agelane_serving.ledger.ends import begin_chain
from agelane_serving.ledger.migrate import migrate
from agelane_serving.ledger.schema import metadata
from agelane_serving.ledger.store import Store, engine_for, transaction
from tests.ports import free_port
from tests.serving.ledger.sales import KEY

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@contextmanager
def postgresql(superuser: str = "agelane", *options: str) -> Iterator[str]:
    """Run a PostgreSQL with a database of its own, made with more options; give its URL."""
    if not BINARIES:
        pytest.skip("no PostgreSQL here: your distribution has it")
    initdb, server = BINARIES[-1] / "initdb", BINARIES[-1] / "postgres"
    # It refuses to run as root.
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
    ids: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        if user:
            os.chown(name, user.pw_uid, user.pw_gid)
        subprocess.run(
            [initdb, "--pgdata", folder, f"--username={superuser}", "--auth=trust", *options],
            check=True,
            capture_output=True,
            cwd=name,
            **ids,
        )
        command: list[str | Path]
        command = [server, "-D", folder, "-p", str(port), "-k", name]
        # Nobody pulls the plug of this one.
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with subprocess.Popen(
            command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=name, **ids
        ) as process:
            try:
                url = f"postgresql+psycopg://{superuser}@/postgres?host={name}&port={port}"
                _until_ready(url)
                yield url
            finally:
                process.send_signal(signal.SIGINT)  # waits for no client


def _until_ready(url: str) -> None:
    engine = engine_for(url)
    give_up_at = time.monotonic() + 30
    while True:
        try:
            engine.connect().close()
            return
        except DBAPIError:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """One PostgreSQL for all tests, with the ledger's tables."""
    with postgresql() as url:
        migrate(url)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with its tables."""
    if request.param == "sqlite":
        file = f"sqlite:///{tmp_path / 'ledger.db'}"
        migrate(file)
        return file
    url: str = request.getfixturevalue("server")
    engine = engine_for(url)
    with transaction(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        begin_chain(connection)
    engine.dispose()
    return url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """For looking into it."""
    engine = engine_for(url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open ledger."""
    store = Store(url, KEY)
    yield store
    store.close()
