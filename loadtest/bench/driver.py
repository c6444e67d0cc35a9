"""`python -m loadtest.bench.driver`: how many calls a second one worker of the load test makes.

The gateway is nghttpd, which answers each call with the same bytes, so that nothing but the driver,
with the SDK inside, is measured: the open loop's own process, as Locust's worker starts it. The
rate goes up until the driver is late (dispatch lag above 5 ms at the 99th percentile, INVALID). A
line for each rate goes to stdout, the figures to reports/driver.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from loadtest.bench import processes
from loadtest.capacity.report import figures_of, table
from loadtest.capacity.search import Objective, Trial
from loadtest.capacity.trial import Load, run
from loadtest.capacity.watch import Watch

REPORT = Path("reports/driver.json")


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.driver", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument(
        "--rates",
        type=int,
        nargs="+",
        default=[1000, 1500, 2000, 2500, 3000, 3500],
        help="calls a second (1000 to 3500)",
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of each (%(default)s)")
    options = parser.parse_args()
    found: list[dict[str, float]] = []
    with processes.null_gateway() as gateway:
        # As many lanes as calls a second.
        load = Load(gateway.address, options.seconds, 5.0, rate=1.0)
        for rate in options.rates:
            with Watch({"nghttpd": gateway.process.pid}) as watch:
                total = run(load, rate).total
            missed = Objective().missed_by(total)
            trial = Trial(rate, total, missed, server=tuple(watch.samples))
            print(table([trial]), flush=True)
            found.append({**figures_of(trial), "valid": total.is_valid})
            if not total.is_valid:
                break
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
