"""Fifty lanes in one process: python client/examples/fifty_lanes.py PHOTO [HOST:PORT]."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

from agelane_client import AsyncClient

LANES, CUSTOMERS = 50, 4


async def main(photo: str, target: str = "127.0.0.1:50051") -> None:
    """Serve all lanes at once through one connection, and count the decisions."""
    decisions: Counter[str] = Counter()
    async with AsyncClient(target, offline=True) as client:

        async def lane(number: int) -> None:
            for _ in range(CUSTOMERS):
                assessment = await client.assess(photo, lane_id=f"lane-{number}")
                decisions[str(assessment.alcohol_decision)] += 1

        await asyncio.gather(*[lane(number) for number in range(LANES)])
    print(dict(decisions))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
