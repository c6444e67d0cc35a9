"""`python -m loadtest.bench.imports`: what `import agelane_client` costs a till, beside gRPC alone.

Each module is imported in fresh interpreters, in turns: the time of the import and the most memory
that the process had, Python's own included. The median and the 90th percentile go to stdout and
reports/imports.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

REPORT = Path("reports/imports.json")
_MODULES = ("grpc", "agelane_client")
# Not getrusage(): that of a new process begins with the memory of the one that started it.
_PROBE = """
import re, sys, time
began = time.perf_counter()
__import__(sys.argv[1])
print(1000 * (time.perf_counter() - began))
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.imports", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--rounds", type=int, default=30, help="imports of each (%(default)s)")
    options = parser.parse_args()
    measured: dict[str, list[tuple[float, float]]] = {module: [] for module in _MODULES}
    for _ in tqdm(range(options.rounds), unit="round", disable=None):
        for module in _MODULES:
            measured[module].append(_imported(module))
    figures: dict[str, float] = {}
    for module, pairs in measured.items():
        times, memories = (sorted(values) for values in zip(*pairs, strict=True))
        figures |= {
            f"{module}_p50_ms": round(statistics.median(times), 1),
            f"{module}_p90_ms": round(times[int(0.9 * len(times))], 1),
            f"{module}_p50_mb": round(statistics.median(memories), 1),
        }
    figures["over_grpc"] = round(figures["agelane_client_p50_ms"] / figures["grpc_p50_ms"], 2)
    print(json.dumps(figures, indent=2))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _imported(module: str) -> tuple[float, float]:
    """Import `module` in a fresh interpreter; return the milliseconds and the megabytes."""
    command = [sys.executable, "-c", _PROBE, module]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    milliseconds, megabytes = map(float, done.stdout.split())
    return milliseconds, megabytes


if __name__ == "__main__":
    sys.exit(main())
