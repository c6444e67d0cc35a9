"""`python -m loadtest.simulate`: chains of shops whose truth is known, through the real servers.

Their customers are photographed, their cashiers check, forget or cheat, their sales are recorded,
and their managers ask for reports, which are compared with the truth. A chain of 300 cashiers over
90 days takes about twenty minutes. What is finished is kept in reports/simulation and is not
done again; the figures of all go to stdout and reports/simulation.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import uvloop

from loadtest.__main__ import positive
from loadtest.simulate.counts import Counts
from loadtest.simulate.figures import as_table, summarised
from loadtest.simulate.plan import DAY_SECONDS, Plan
from loadtest.simulate.run import run

REPORT = Path("reports/simulation.json")
_DEMO_SEED = 1
_LOOK = """\
To look at it, gateway and console each in a terminal of its own:
  .venv/bin/python -m agelane_serving.gateway --ledger=sqlite:///{folder}/ledger.db \\
    --ledger-key={folder}/ledger.key --token-keys={folder}/token-keys.toml
  (echo 'schema = 1'; .venv/bin/python -m agelane_serving.console user anna --role=manager) \\
    > {folder}/users.toml
  make console USERS={folder}/users.toml LEDGER=sqlite:///{folder}/ledger.db"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print and write; return the exit code."""
    options = _parser().parse_args(arguments)
    plan = Plan(cashiers=options.cashiers, days=options.days)
    if options.keep is not None:
        return _demo(plan, options.keep)
    chains = [_finished(seed, plan) for seed in range(1, options.seeds + 1)]
    figures = summarised(chains)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(as_table(chains))
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.simulate", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--seeds", type=positive, default=3, help="chains (%(default)s)")
    parser.add_argument(
        "--cashiers", type=positive, default=usual.cashiers, help="of each (%(default)s)"
    )
    parser.add_argument("--days", type=positive, default=usual.days, help="(%(default)s)")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="one chain alone, up to this moment; its ledger and keys are kept, to be looked at",
    )
    return parser


def finished_file(seed: int, plan: Plan) -> Path:
    """Return where is kept what was counted in a chain."""
    return Path(f"reports/simulation/{plan.cashiers}-cashiers-{plan.days}-days-seed-{seed}.json")


def _finished(seed: int, plan: Plan) -> Counts:
    """Return what was counted in a chain, in an earlier run if it is finished."""
    file = finished_file(seed, plan)
    if not file.exists():
        with tempfile.TemporaryDirectory() as folder:
            counts = uvloop.run(run(seed, plan, Path(folder)))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(counts), indent=2) + "\n", encoding="utf-8")
    return Counts.from_dict(json.loads(file.read_text("utf-8")))


def _demo(plan: Plan, folder: Path) -> int:
    if folder.exists():
        print(f"{folder} is there already", file=sys.stderr)
        return 2
    now = time.time()
    first_moment = (now // DAY_SECONDS - plan.days + 1) * DAY_SECONDS
    plan = Plan(plan.cashiers, plan.days, first_moment=first_moment, until=now)
    uvloop.run(run(_DEMO_SEED, plan, folder))
    print(_LOOK.format(folder=folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
