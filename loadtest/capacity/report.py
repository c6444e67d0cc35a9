"""What was found, as a table, as JSON and CSV for programs, and as a page with curves."""

from __future__ import annotations

import csv
import html
import io
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.capacity.search import Objective, Search, Trial
from loadtest.capacity.trial import Load

_PERCENTILES = (50.0, 95.0, 99.0, 99.9)
_WIDTH, _HEIGHT, _MARGIN = 720, 320, 48


@dataclass(frozen=True)
class Run:
    """A search on one stack."""

    stack: str
    """Its name."""
    load: Load
    """What the lanes did."""
    objective: Objective
    """What had to hold."""
    search: Search
    """What was tried."""


def table(trials: Sequence[Trial]) -> str:
    """Return a line for each trial."""
    return "\n".join(
        f"{it.lanes:>8,} lanes {it.tally.calls / max(1e-9, it.tally.seconds):>8.1f}/s  "
        + "  ".join(f"p{p:g} {it.tally.latency_ms(p):>7.1f}" for p in _PERCENTILES)
        + f" ms  lag {it.tally.lag_p99_ms:>4.1f}  {it.missed or 'holds'}"
        for it in trials
    )


def figures(runs: Sequence[Run], bare: float | None = None) -> dict[str, float]:
    """Return the figures by their names; `bare` is what TensorFlow alone does, photos a second."""
    found: dict[str, float] = {}
    for it in runs:
        best = it.search.best
        found[f"lanes_{it.stack}"] = it.search.lanes
        if best is not None:
            rate = best.tally.calls / best.tally.seconds
            found[f"photos_per_second_{it.stack}"] = round(rate, 1)
            found[f"dispatch_lag_p99_ms_{it.stack}"] = best.tally.lag_p99_ms
            if bare and it.stack == "real_model":
                found["bare_tensorflow_photos_per_second"] = bare
                found["over_bare_tensorflow"] = round(rate / bare, 3)
    return found


def write_reports(runs: Sequence[Run], folder: Path, bare: float | None = None) -> None:
    """Write capacity.json, .csv and .html."""
    folder.mkdir(exist_ok=True)
    (folder / "capacity.json").write_text(
        json.dumps(figures(runs, bare), indent=2) + "\n", encoding="utf-8"
    )
    (folder / "capacity.csv").write_text(_csv(runs), encoding="utf-8")
    (folder / "capacity.html").write_text(_page(runs), encoding="utf-8")


def _csv(runs: Sequence[Run]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    columns = ["stack", "lanes", "calls", "seconds", "failed", "lag_p99_ms", "missed"]
    writer.writerow([*columns, *(f"p{it:g}_ms" for it in _PERCENTILES)])
    for it in runs:
        for trial in it.search.trials:
            tally = trial.tally
            counted = [tally.calls, round(tally.seconds, 3), tally.failed, tally.lag_p99_ms]
            latencies = [tally.latency_ms(percentile) for percentile in _PERCENTILES]
            writer.writerow([it.stack, trial.lanes, *counted, trial.missed, *latencies])
    return file.getvalue()


def _page(runs: Sequence[Run]) -> str:
    """Return a page that needs nothing but itself."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>How many lanes?</title>",
        "<style>body{font:16px system-ui;margin:2em auto;max-width:60em}td,th{padding:.2em .6em;"
        "text-align:right}svg{background:#fafafa}.no{color:#a00}</style>",
        f"<h1>How many lanes?</h1><p>{time.strftime('%Y-%m-%d %H:%M %Z')}, "
        f"{html.escape(platform.platform())}</p>",
    ]
    for it in runs:
        parts.append(
            f"<h2>{html.escape(it.stack)}: {it.search.lanes:,} lanes</h2><p>{it.load.rate:g} "
            f"customers a second and lane, {html.escape(it.load.shape)}, {it.load.seconds:g} s a "
            f"trial; p99 &le; {it.objective.p99_ms:g} ms, p99.9 &le; {it.objective.p99_9_ms:g} ms, "
            "no failed call. Open loop: latencies count from the intended beginning.</p>"
        )
        parts += [_curve(it), _rows(it)]
    return "\n".join(parts)


def _rows(run: Run) -> str:
    head = "".join(f"<th>p{it:g} ms" for it in _PERCENTILES)
    rows = [f"<table><tr><th>lanes<th>calls/s{head}<th>lag p99 ms<th>failed<th>"]
    for it in sorted(run.search.trials, key=lambda trial: trial.lanes):
        cells = "".join(f"<td>{it.tally.latency_ms(p):.1f}" for p in _PERCENTILES)
        rate = it.tally.calls / max(1e-9, it.tally.seconds)
        rows.append(
            f"<tr><td>{it.lanes:,}<td>{rate:.1f}{cells}<td>{it.tally.lag_p99_ms:.1f}"
            f"<td>{it.tally.failed:,}<td class={'no' if it.missed else 'yes'}>"
            f"{html.escape(it.missed or 'holds')}"
        )
    return "".join(rows) + "</table>"


def _curve(run: Run) -> str:
    """Return p50, p99 and p99.9 against the number of lanes, as SVG."""
    trials = sorted(run.search.trials, key=lambda trial: trial.lanes)
    most_lanes = max(it.lanes for it in trials)
    highest = 2 * run.objective.p99_9_ms

    def x(lanes: float) -> float:
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * lanes / most_lanes

    def y(milliseconds: float) -> float:
        return _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * min(1.0, milliseconds / highest)

    parts = [f"<svg width={_WIDTH} height={_HEIGHT} role=img aria-label='latency against lanes'>"]
    for most in (run.objective.p99_ms, run.objective.p99_9_ms):
        parts.append(
            f"<line x1={_MARGIN} x2={_WIDTH - _MARGIN} y1={y(most):.1f} y2={y(most):.1f} "
            f"stroke=#999 stroke-dasharray=4 /><text x=4 y={y(most):.1f} font-size=12>{most:g} ms"
            "</text>"
        )
    for percentile, colour in ((50.0, "#2a7"), (99.0, "#27c"), (99.9, "#c33")):
        points = " ".join(
            f"{x(it.lanes):.1f},{y(it.tally.latency_ms(percentile)):.1f}" for it in trials
        )
        last = trials[-1]
        parts.append(
            f"<polyline points='{points}' fill=none stroke={colour} stroke-width=2 />"
            f"<text x={_WIDTH - _MARGIN + 4} y={y(last.tally.latency_ms(percentile)):.1f} "
            f"font-size=12 fill={colour}>p{percentile:g}</text>"
        )
    parts.append(
        f"<text x={_WIDTH / 2} y={_HEIGHT - 12} font-size=12>lanes, up to {most_lanes:,}</text>"
        "</svg>"
    )
    return "".join(parts)
