"""Both clients and the command at work, with nothing but what a till installs; Python 3.10 on."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from agelane_client import AsyncClient, Client, Health, Sale, SaleOutcome
from agelane_client.cli.main import main as agelane
from agelane_client.testing import FakeGateway, answer, assessment

PHOTO = Path(__file__).resolve().parents[2] / "docs" / "samples" / "collins.jpg"


def exercise(target: str, folder: str) -> None:
    """Do all that a till does, with threads."""
    with Client(target, timeout=30, hedging=0.05) as client:
        assert client.health() is Health.SERVING
        assessed = client.assess(PHOTO)
        assert assessed.alcohol_decision == "REFUSE"
        assert client.assess_frames([PHOTO, PHOTO]).frames_used == 2
        sale = Sale(outcome=SaleOutcome.SOLD, assessment=assessed)
        assert not client.record_sale(sale).already_recorded
        with client.sale_spool(f"{folder}/threads.spool") as spool:
            spool.record(sale)
            assert spool.drain(30)


async def exercise_async(target: str, folder: str) -> None:
    """Do the same with asyncio."""
    async with AsyncClient(target, timeout=30, hedging=0.05) as client:
        assert await client.health() is Health.SERVING
        assessed = await client.assess(PHOTO)
        assert assessed.alcohol_decision == "REFUSE"
        assert (await client.assess_frames([PHOTO, PHOTO])).frames_used == 2
        sale = Sale(outcome=SaleOutcome.SOLD, assessment=assessed)
        assert not (await client.record_sale(sale)).already_recorded
        async with client.sale_spool(f"{folder}/asyncio.spool") as spool:
            await spool.record(sale)
            assert await spool.drain(30)
        offline = await client.assess(b"", offline=True)
        assert offline.alcohol_decision == "VERIFY_ID"


def main() -> None:
    """Exercise; an assertion or an exception ends it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeGateway(answer(assessment(17.2, "REFUSE", ["CLEARLY_UNDER_LEGAL_AGE"]))) as gateway,
    ):
        exercise(gateway.target, folder)
        asyncio.run(exercise_async(gateway.target, folder))
        assert len(gateway.sales) == 4
        assert agelane(["assess", "--target", gateway.target, "--timeout", "30", str(PHOTO)]) == 0
    heavy = {"numpy", "PIL", "tensorflow"} & set(sys.modules)
    assert not heavy, heavy


if __name__ == "__main__":
    main()
