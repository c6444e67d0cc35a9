"""The servers of a simulated chain: real ones, but for the model and the wall clock."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtest.bench import processes
from loadtest.bench.tokens import write_key_file
from loadtest.simulate.moved_clock import MovedClock

OFFERS = Path(__file__).parents[2] / "serving/agelane_serving/policy/offers.toml"
_LEARNS_SECONDS = 120  # offers, of a day that passes in ten


class Books:
    """A folder with the ledger and the keys of a chain."""

    def __init__(self, folder: Path) -> None:
        """Make keys for a ledger that is new."""
        folder.mkdir(parents=True, exist_ok=True)
        self.database = folder / "ledger.db"
        self.key, self.token_keys = folder / "ledger.key", folder / "token-keys.toml"
        self.key.write_text(secrets.token_urlsafe(32), "ascii")
        write_key_file(self.token_keys)

    @property
    def url(self) -> str:
        """The ledger, as SQLAlchemy has it."""
        return f"sqlite:///{self.database.resolve()}"


@contextmanager
def gateway(books: Books, clock: MovedClock) -> Iterator[str]:
    """Run a gateway with these books before a model that knows the simulated faces."""
    flags = [
        f"--ledger={books.url}",
        f"--ledger-key={books.key}",
        f"--token-keys={books.token_keys}",
        f"--offers={OFFERS}",
        f"--offers-refresh-seconds={_LEARNS_SECONDS}",
        "--lane-rate=100000",
        "--lane-burst=100000",
        "--waiting-per-lane=64",
        "--log-level=WARNING",
    ]
    with (
        processes.model_server("loadtest.simulate.model_server") as model,
        processes.gateway(model, 1, flags, clock.environment) as server,
    ):
        yield server.address


async def nightly(books: Books, moment: float) -> None:
    """Run the nightly job as of a moment in Unix seconds; raises RuntimeError if it fails."""
    # In a thread, since gRPC minds when asyncio forks.
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "agelane_serving.reports", "nightly", f"--now={moment}"],
        env=os.environ | {"AGELANE_GATEWAY_LEDGER": books.url},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the nightly job failed: {done.stderr.decode(errors='replace')}")
