"""`python -m tests.serving.faults.sales --sales 20000 --kills 50`: kill -9 while sales are told.

Tills record sales through the SDK and tell each again, under its name, until it is acknowledged.
The gateway is killed without warning, again and again. What must hold, and is checked: each
acknowledged sale is in the ledger, once, and the chain is whole.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Never

import grpc
from sqlalchemy import select
from tqdm import tqdm

from agelane_client import AgelaneError, AsyncClient, BasketLine, Sale, SaleOutcome
from agelane_serving.ledger.chain import read_key
from agelane_serving.ledger.schema import events
from agelane_serving.ledger.store import engine_for
from agelane_serving.ledger.verify import verify
from tests.ports import free_port

_TILLS = 32
_BEER = (BasketLine(category="beer", restricted_category="alcohol"),)


@dataclass
class Outcome:
    """What came of a run."""

    acknowledged: int
    """Sales that the tills have a receipt for."""
    lost: int
    """Of which are not in the ledger."""
    twice: int
    """Sales that are there more than once."""
    faults: tuple[str, ...]
    """What is wrong with the chain."""
    kills: int
    """How often the gateway was killed."""
    seconds: float
    """How long it took."""

    @property
    def holds(self) -> bool:
        """Whether everything held that must."""
        return not (self.lost or self.twice or self.faults)


async def kill_and_record(url: str, sales: int, kills: int) -> Outcome:
    """Record so many sales while the gateway is killed so often; the database must be empty."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "ledger.key"
        key.write_bytes(b"0123456789abcdef" * 2)
        address = f"127.0.0.1:{free_port()}"
        gateway = _Gateway(address, [f"--ledger={url}", f"--ledger-key={key}"])
        await gateway.start()
        with tqdm(total=sales, unit="sale", disable=None) as bar:
            counter, acknowledged = iter(range(sales)), set[str]()
            tills = [_till(address, counter, acknowledged, bar) for _ in range(_TILLS)]
            killing = asyncio.create_task(_kill(gateway, kills, acknowledged, sales))
            await asyncio.gather(*tills)
            killed = await killing
        await gateway.end()
        return _look(url, read_key(key), acknowledged, killed, time.monotonic() - began)


class _Gateway:
    """A gateway that can be killed and started again."""

    def __init__(self, address: str, flags: list[str]) -> None:
        self._address = address
        self._command = [sys.executable, "-m", "agelane_serving.gateway", f"--listen={address}"]
        self._command += ["--model-server=127.0.0.1:1", "--lane-rate=100000", *flags]

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stderr=asyncio.subprocess.DEVNULL
        )
        async with grpc.aio.insecure_channel(self._address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 60)

    async def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def end(self) -> None:
        self._process.terminate()
        await self._process.wait()


async def _till(address: str, counter: object, acknowledged: set[str], bar: tqdm[Never]) -> None:
    """Record sales, each until it is acknowledged."""
    async with AsyncClient(address, timeout=2) as client:
        while (number := next(counter, None)) is not None:  # type: ignore[call-overload]
            sale = Sale(outcome=SaleOutcome.SOLD, sale_id=f"sale-{number}", basket=_BEER)
            while sale.sale_id not in acknowledged:
                try:
                    receipt = await client.record_sale(sale)
                    acknowledged.add(receipt.sale_id)
                except AgelaneError:
                    await asyncio.sleep(0.05)
            bar.update()


async def _kill(gateway: _Gateway, kills: int, acknowledged: set[str], sales: int) -> int:
    """Kill whenever as many more sales are recorded; return how often."""
    for number in range(1, kills + 1):
        while len(acknowledged) < number * sales // (kills + 1):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.001)
        await gateway.kill()
        await gateway.start()
    return kills


def _look(url: str, key: bytes, acknowledged: set[str], kills: int, seconds: float) -> Outcome:
    engine = engine_for(url)
    verdict = verify(engine, key)
    with engine.connect() as connection:
        there = list(connection.execute(select(events.c.sale_id)).scalars())
    engine.dispose()
    return Outcome(
        acknowledged=len(acknowledged),
        lost=len(acknowledged - set(there)),
        twice=len(there) - len(set(there)),
        faults=verdict.faults,
        kills=kills,
        seconds=seconds,
    )


def main() -> int:
    """Kill, record and say how it ended; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--sales", type=int, default=20_000, help="sales (%(default)s)")
    parser.add_argument("--kills", type=int, default=50, help="times (%(default)s)")
    parser.add_argument("--url", default="", help="an empty database (a fresh SQLite file)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{folder}/ledger.db"
        outcome = asyncio.run(kill_and_record(url, options.sales, options.kills))
    print(outcome)
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
