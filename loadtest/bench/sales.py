"""`python -m loadtest.bench.sales`: how many sales a second are recorded, by SDK and gateway.

Tills record one sale after the other, each durable before the next (closed loop). Figures go to
stdout and reports/sales.json. Another database is an empty one: `--url postgresql+psycopg://…`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from agelane_client import AsyncClient, BasketLine, Sale, SaleOutcome
from loadtest.bench import processes

REPORT = Path("reports/sales.json")
_TILLS = (8, 32, 64)
_BASKET = (
    BasketLine(category="beer", restricted_category="alcohol", amount_minor=599),
    BasketLine(category="bread", amount_minor=219),
)


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.sales", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--seconds", type=float, default=6, help="for each row (%(default)s)")
    parser.add_argument("--url", default="", help="database (a fresh SQLite file)")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        key = Path(name) / "ledger.key"
        key.write_bytes(b"0123456789abcdef")
        flags = [f"--ledger={options.url or f'sqlite:///{name}/ledger.db'}", f"--ledger-key={key}"]
        with (
            processes.null_backend() as backend,
            processes.gateway(backend, 1, [*flags, "--lane-rate=100000"]) as gateway,
        ):
            for tills in _TILLS:
                figures |= uvloop.run(_measure(gateway.address, tills, options.seconds))
    print(json.dumps(figures, indent=2))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


async def _measure(address: str, tills: int, seconds: float) -> dict[str, float]:
    took: list[float] = []
    end = time.monotonic() + seconds

    async def till() -> None:
        async with AsyncClient(address, timeout=4) as client:
            while (began := time.monotonic()) < end:
                await client.record_sale(Sale(outcome=SaleOutcome.SOLD, basket=_BASKET))
                took.append(time.monotonic() - began)

    await asyncio.gather(*[till() for _ in range(tills)])
    took.sort()
    return {
        f"sales_per_second_{tills}_tills": round(len(took) / seconds, 1),
        f"p50_ms_{tills}_tills": round(1000 * took[len(took) // 2], 1),
        f"p99_ms_{tills}_tills": round(1000 * took[int(0.99 * len(took))], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
