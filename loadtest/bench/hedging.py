"""`python -m loadtest.bench.hedging`: what hedging saves where one gateway of three is slow.

The same calls, at moments that have nothing to do with one another, go through the SDK with and
without hedging, in turns. Service times are exponential, of gateways that only wait, so that the
till's side is measured alone. Figures go to stdout and reports/hedging.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import Int32Value
from tqdm import tqdm

from agelane_client import AsyncClient
from loadtest.bench.open_loop import begin_at_rate
from loadtest.bench.stub_gateways import CALLS
from loadtest.photos import SAMPLES

REPORT = Path("reports/hedging.json")
_SHARE = 0.05
_QUICK_MS = 5.0
_SLOW_MS = (25.0, 50.0, 100.0)
_TURNS = 4
_WARM_UP_SECONDS = 2.0


@dataclass
class Measured:
    """The calls of one kind."""

    seconds: list[float] = field(default_factory=list)
    """From the moment at which each was to begin to its answer."""
    sent: int = 0
    """How many calls the gateways got for them."""

    def quantile_ms(self, share: float) -> float:
        """Return what this share of the calls took at most, in ms."""
        return 1000 * sorted(self.seconds)[int(share * len(self.seconds))]


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.hedging", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--rate", type=float, default=200, help="calls a second (%(default)s)")
    parser.add_argument("--calls", type=int, default=20_000, help="of each kind (%(default)s)")
    options = parser.parse_args()
    seconds = options.calls / options.rate / _TURNS
    figures: dict[str, float] = {}
    for slow_ms in tqdm(_SLOW_MS, unit="gateway", disable=None):
        with _gateways(_QUICK_MS, _QUICK_MS, slow_ms) as gateways:
            plain, hedged = uvloop.run(_compare(gateways, options.rate, seconds))
        figures |= _figures(f"{slow_ms:.0f}_ms_slow", plain, hedged)
    print(json.dumps(figures, indent=2))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


async def _compare(gateways: list[str], rate: float, seconds: float) -> tuple[Measured, Measured]:
    """Return what was measured without and with hedging."""
    photo, target = (SAMPLES / "collins.jpg").read_bytes(), f"ipv4:{','.join(gateways)}"
    plain, hedged = Measured(), Measured()
    async with (
        AsyncClient(target, timeout=10) as without,
        AsyncClient(target, timeout=10, hedging=_SHARE) as with_it,
    ):
        for client in (without, with_it):
            await begin_at_rate(lambda _, it=client: it.assess(photo), rate, _WARM_UP_SECONDS)  # type: ignore[misc]
        for turn in range(2 * _TURNS):
            client, measured = ((without, plain), (with_it, hedged))[turn % 2]
            before = _calls(gateways[0])
            done = await begin_at_rate(
                lambda _, it=client: it.assess(photo),  # type: ignore[misc]
                rate,
                seconds,
            )
            measured.seconds += [took for _, took, _ in done]
            measured.sent += _calls(gateways[0]) - before
    return plain, hedged


def _figures(name: str, plain: Measured, hedged: Measured) -> dict[str, float]:
    figures = {}
    for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99_9", 0.999)):
        figures[f"{label}_ms_{name}"] = round(plain.quantile_ms(share), 1)
        figures[f"{label}_ms_{name}_hedged"] = round(hedged.quantile_ms(share), 1)
    cut = 1 - hedged.quantile_ms(0.999) / plain.quantile_ms(0.999)
    figures[f"p99_9_cut_percent_{name}"] = round(100 * cut, 1)
    more = hedged.sent / len(hedged.seconds) - 1
    figures[f"more_calls_percent_{name}"] = round(100 * more, 2)
    return figures


@contextmanager
def _gateways(*means_ms: float) -> Iterator[list[str]]:
    command = [sys.executable, "-m", "loadtest.bench.stub_gateways", *map(str, means_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()
        finally:
            process.terminate()


def _calls(address: str) -> int:
    with grpc.insecure_channel(address) as channel:
        ask: grpc.UnaryUnaryMultiCallable[Int32Value, Int32Value] = channel.unary_unary(
            CALLS, Int32Value.SerializeToString, Int32Value.FromString
        )
        return ask(Int32Value(), timeout=10).value


if __name__ == "__main__":
    sys.exit(main())
