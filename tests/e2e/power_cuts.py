"""`python -m tests.e2e.power_cuts --cuts 1000`: kill -9 tills that keep their sales in a spool.

A till records sales through the SDK's spool until it is killed, at any moment, and the next one
goes on with the same file; for one in four there is no gateway. What must hold in the end, and is
checked in the gateway's ledger: each sale that `record` had returned from is there, once, and each
till's in their order.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import NoReturn

import sqlalchemy
from tqdm import tqdm

# gRPC starts its threads with the first channel, and this process, which forks, makes none.
from agelane_client import Client, Sale, SaleOutcome
from agelane_serving.ledger.schema import events
from agelane_serving.ledger.store import engine_for
from tests.ports import free_port

_LONGEST_SECONDS = 0.25
_PAUSE_SECONDS = 0.005
"""So that sales are told about as fast as they come."""
_DRAIN_SECONDS = 1800.0
_EIGHT_DIGITS = 100_000_000


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    cuts: int
    """How many tills were killed."""
    kept: int
    """Sales that the spool had kept, as it said."""
    lost: int
    """Of which are not in the ledger."""
    twice: int
    """Sales that are there more than once."""
    out_of_order: int
    """Sales that are there before one that came earlier."""
    seconds: float
    """How long it took."""

    @property
    def holds(self) -> bool:
        """Whether everything held that must, and something was tried."""
        return self.kept > 0 and not (self.lost or self.twice or self.out_of_order)


def cut_and_record(folder: Path, cuts: int, seed: int) -> Outcome:
    """Kill so many tills, one after the other."""
    began, chance = time.monotonic(), random.Random(seed)
    url, spool = f"sqlite:///{folder / 'ledger.db'}", folder / "sales.spool"
    kept: set[str] = set()
    with _gateway(folder, url) as address:
        for cut in tqdm(range(cuts), unit="cut", disable=None):
            target = address if chance.random() < 0.75 else f"127.0.0.1:{free_port()}"
            kept |= _killed_till(target, spool, cut, chance.uniform(0, _LONGEST_SECONDS))
        _drain(address, spool)
    engine = engine_for(url)
    with engine.connect() as connection:
        query = sqlalchemy.select(events.c.sale_id).order_by(events.c.number)
        there = list(connection.execute(query).scalars())
    return Outcome(
        cuts=cuts,
        kept=len(kept),
        lost=len(kept - set(there)),
        twice=len(there) - len(set(there)),
        out_of_order=sum(later < earlier for earlier, later in pairwise(there)),
        seconds=round(time.monotonic() - began, 1),
    )


def _killed_till(target: str, spool: Path, cut: int, seconds: float) -> set[str]:
    """Run a till for so long; return the names of the sales that it has kept."""
    reading, writing = os.pipe()
    till = os.fork()
    if till == 0:
        os.close(reading)
        _record_for_ever(target, spool, cut, writing)
    os.close(writing)
    time.sleep(seconds)
    os.kill(till, signal.SIGKILL)
    _, status = os.waitpid(till, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the till ended by itself, with status {status}")
    with os.fdopen(reading) as said:
        return set(said.read().splitlines())


def _record_for_ever(target: str, spool: Path, cut: int, writing: int) -> NoReturn:
    """Be a till: record, and say each time what was kept, until killed."""
    with Client(target) as client, client.sale_spool(spool) as sales:
        for number in count():
            name = f"{cut * _EIGHT_DIGITS + number:020d}"
            sales.record(Sale(outcome=SaleOutcome.SOLD, sale_id=name))
            os.write(writing, f"{name}\n".encode())
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError("count ended")


def _drain(target: str, spool: Path) -> None:
    """Let a last till tell what waits."""
    till = os.fork()
    if till == 0:
        with Client(target) as client, client.sale_spool(spool) as sales:
            os._exit(0 if sales.drain(_DRAIN_SECONDS) else 1)
    _, status = os.waitpid(till, 0)
    if status:
        raise RuntimeError("sales are still waiting")


@contextmanager
def _gateway(folder: Path, url: str) -> Iterator[str]:
    """Run a gateway with a ledger; give its address."""
    key = folder / "ledger.key"
    key.write_bytes(b"0123456789abcdef" * 2)
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "agelane_serving.gateway", f"--listen={address}"]
    command += ["--model-server=127.0.0.1:1", "--lane-rate=100000"]
    command += [f"--ledger={url}", f"--ledger-key={key}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as gateway:
        try:
            _await(address)
            yield address
        finally:
            gateway.terminate()


def _await(address: str) -> None:
    host, _, port = address.partition(":")
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host, int(port))).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def main() -> int:
    """Cut, record and say how it ended; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--cuts", type=int, default=1000, help="tills to kill (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = cut_and_record(Path(folder), options.cuts, options.seed)
    print(outcome)
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
