"""Simulate one chain with real servers, and judge what they report of it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from agelane_client import AsyncClient
from loadtest.simulate.chain import Chain
from loadtest.simulate.counts import Counts
from loadtest.simulate.judge import judge_cashiers, judge_purchases
from loadtest.simulate.moved_clock import MovedClock
from loadtest.simulate.plan import Plan
from loadtest.simulate.servers import Books, gateway, nightly
from loadtest.simulate.till import Tills


async def run(seed: int, plan: Plan, folder: Path) -> Counts:
    """Simulate a chain whose books are kept in a folder, and return what the judge counts.

    Raises:
        ExceptionGroup: of AgelaneError, a call failed.
        RuntimeError: a server, or the nightly job, did not do what it is for.
    """
    with tempfile.TemporaryDirectory() as aside:
        clock = MovedClock(Path(aside) / "clock")
        clock.set(plan.first_moment)
        return await _run(Chain(seed, plan), Books(folder), clock, f"seed {seed}")


async def _run(chain: Chain, books: Books, clock: MovedClock, name: str) -> Counts:
    calls = tqdm(total=2 * chain.size, desc=name, unit="call", disable=None)
    with gateway(books, clock) as address, calls as bar:
        async with AsyncClient(address) as client:
            began = time.monotonic()
            await _pass_days(chain, Tills(client, chain.plan, bar), books, clock)
            return Counts(
                customers=chain.size,
                seconds=time.monotonic() - began,
                cashiers=await judge_cashiers(client, books.database, chain),
                purchases=await judge_purchases(client, chain),
            )


async def _pass_days(chain: Chain, tills: Tills, books: Books, clock: MovedClock) -> None:
    """Let all days pass, each with its night; a night's work goes on while the next day begins."""
    plan = chain.plan
    async with asyncio.TaskGroup() as group:
        night: asyncio.Task[None] | None = None
        for day in range(plan.days):
            # A day is told at its end. While calls are under way the clock must not jump: whoever
            # stands there for minutes is assessed anew.
            clock.set(plan.day_end(day))
            await chain.pass_day(day, tills)
            if night is not None:
                await night
            night = group.create_task(nightly(books, plan.day_end(day)))
