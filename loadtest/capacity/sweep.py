"""`python -m loadtest.capacity.sweep`: what batching, precision and gateway processes change.

One thing at a time is changed from what `make serve` does. Each setting gets a stack of its own,
which is measured flat out and with a fixed number of lanes; a machine's speed changes, so all
settings take turns. A table goes to stdout, the figures to reports/sweep.json. Versions of other
precisions are exported to reports/sweep-models/ at the first use.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from loadtest.__main__ import positive
from loadtest.bench import processes
from loadtest.capacity.flat_out import photos_per_second
from loadtest.capacity.trial import Load, run
from loadtest.photos import SAMPLES, read_photos
from loadtest.tune_batching.setting import Setting, parse_setting

REPORT = Path("reports/sweep.json")
_MODELS = Path("reports/sweep-models")
_CONFIG = Path(__file__).parents[2] / "serving" / "tfserving"
_FLAT_OUT_SECONDS = 8.0
_BATCHINGS = {
    "max_batch_size": (8, 16, 32),  # not less: an export's warm-up has batches of eight
    "num_batch_threads": (1, 2, 4),
    "batch_timeout_micros": (0, 5_000, 20_000),
}
_TOGETHER: dict[str, Callable[[Iterable[float]], float]] = {"failed": sum, "lag_p99_ms": max}
"""How the rounds of a figure become one; all others by the median."""


@dataclass(frozen=True)
class StackSetting:
    """How a stack is set up; as `make serve` does, unless told otherwise."""

    batching: Setting
    """The model server's batching.config."""
    gateways: int = 1
    """Processes of the gateway."""
    precision: str = ""
    """Of an export; "": the one in models/."""

    def __str__(self) -> str:
        return f"{self.batching}, {self.gateways} gateways, {self.precision or 'models/'}"


def settings(precisions: Sequence[str]) -> list[StackSetting]:
    """Return the usual setting, and those that differ from it by one thing."""
    path = _CONFIG / "batching.config"
    usual = StackSetting(parse_setting(path.read_text(encoding="utf-8"), path))
    batchings = [usual.batching.varied(name, it) for name, its in _BATCHINGS.items() for it in its]
    return [
        usual,
        *(replace(usual, batching=it) for it in batchings if it != usual.batching),
        replace(usual, gateways=2),
        *(replace(usual, precision=it) for it in precisions),
    ]


def main() -> int:
    """Measure, print and write; return the exit code."""
    options = parser().parse_args()
    photos = read_photos(SAMPLES)
    seen: dict[str, list[dict[str, float]]] = defaultdict(list)
    swept = settings(options.precisions)
    for _ in tqdm(range(options.rounds), unit="round", disable=None):
        for setting in tqdm(swept, unit="setting", leave=False, disable=None):
            with _stack(setting) as target:
                rate = photos_per_second(target, photos, _FLAT_OUT_SECONDS)
                load = Load(target, options.seconds, 4.0, 0.05)
                tally = run(load, options.lanes).total
            seen[str(setting)].append(
                {
                    "photos_per_second": rate,
                    "p50_ms": tally.latency_ms(50),
                    "p99_ms": tally.latency_ms(99),
                    "failed": tally.failed,
                    "lag_p99_ms": tally.lag_p99_ms,
                }
            )
    found = {
        name: {
            key: round(_TOGETHER.get(key, statistics.median)(it[key] for it in each), 1)
            for key in each[0]
        }
        for name, each in seen.items()
    }
    print(_table(found, options.lanes))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _table(found: Mapping[str, Mapping[str, float]], lanes: int) -> str:
    """Return a line for each setting, as Markdown."""
    head = f"| setting | photos/s flat out | p50 ms, {lanes} lanes | p99 ms | failed | lag p99 ms |"
    rows = [f"| {name} | " + " | ".join(map(str, it.values())) + " |" for name, it in found.items()]
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


@contextmanager
def _stack(setting: StackSetting) -> Iterator[str]:
    """Run a stack as set; give the gateway's address."""
    environment = {"AGELANE_GATEWAY_PROCESSES": str(setting.gateways)}
    flags = [f"--models={_models(setting.precision)}"] if setting.precision else []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(_CONFIG / "models.config", folder)
        Path(folder, "batching.config").write_text(setting.batching.text(), encoding="utf-8")
        with processes.stack(environment, f"--config={folder}", *flags) as stack:
            yield stack.gateway


def _models(precision: str) -> Path:
    """Return a folder with age/<version>/ of this precision; export it where it is not there."""
    folder = _MODELS / precision
    if not any(folder.glob("age/*/saved_model.pb")):
        command = [sys.executable, "-m", "agelane_trainer", "export", f"--models={folder / 'age'}"]
        # A precision may err a little more than float32: that is what is to be seen.
        subprocess.run(
            [*command, f"--precision={precision}"],
            check=True,
            stdout=sys.stderr,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        )
    return folder


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m loadtest.capacity.sweep", description=(__doc__ or "").partition("\n\n")[2]
    )
    made.add_argument("--lanes", type=positive, default=300, help="(%(default)s)")
    made.add_argument("--seconds", type=float, default=15.0, help="with lanes (%(default)s)")
    made.add_argument("--rounds", type=positive, default=3, help="turns of each (%(default)s)")
    made.add_argument(
        "--precisions",
        nargs="*",
        choices=("float32", "bfloat16"),
        default=["float32", "bfloat16"],
        help="(both)",
    )
    return made


if __name__ == "__main__":
    sys.exit(main())
