"""What was found, as a table, as JSON and CSV for programs, and as a page with curves."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.capacity import plots
from loadtest.capacity.bare import Comparison
from loadtest.capacity.search import Objective, Search, Trial
from loadtest.capacity.trial import Load

_PERCENTILES = (50.0, 95.0, 99.0, 99.9)


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
    comparison: Comparison | None = None
    """The stack beside TensorFlow alone, where that was measured."""


def table(trials: Sequence[Trial]) -> str:
    """Return a line for each trial."""
    return "\n".join(
        f"{it.lanes:>8,} lanes {_rate(it):>8.1f}/s  "
        + "  ".join(f"p{p:g} {it.tally.latency_ms(p):>7.1f}" for p in _PERCENTILES)
        + f" ms  lag {it.tally.lag_p99_ms:>4.1f}  {it.missed or 'holds'}"
        for it in trials
    )


def figures(runs: Sequence[Run]) -> dict[str, float]:
    """Return the figures by their names."""
    found: dict[str, float] = {}
    lags = []
    for it in runs:
        found[f"lanes_{it.stack}"] = it.search.lanes
        found[f"trials_{it.stack}"] = len(it.search.trials)
        found["customers_per_second_and_lane"] = it.load.rate
        found["objective_p99_ms"] = it.objective.p99_ms
        if (best := it.search.best) is not None:
            found[f"calls_per_second_{it.stack}"] = round(_rate(best), 1)
            found[f"p99_ms_{it.stack}"] = best.tally.latency_ms(99)
            found[f"p99_9_ms_{it.stack}"] = best.tally.latency_ms(99.9)
            lags.append(best.tally.lag_p99_ms)
        if it.comparison is not None:
            found["photos_per_second"] = round(it.comparison.photos_per_second, 1)
            found["bare_tensorflow_photos_per_second"] = round(
                it.comparison.bare_photos_per_second, 1
            )
            found["over_bare_tensorflow"] = round(it.comparison.over_bare, 3)
            found["matrix_gflops"] = it.comparison.matrix_gflops
    if lags:
        found["dispatch_lag_p99_ms"] = max(lags)
    return found


def write_reports(runs: Sequence[Run], folder: Path) -> None:
    """Write capacity.json, .csv and .html."""
    folder.mkdir(exist_ok=True)
    told = json.dumps(figures(runs), indent=2) + "\n"
    (folder / "capacity.json").write_text(told, encoding="utf-8")
    (folder / "capacity.csv").write_text(_csv(runs), encoding="utf-8")
    (folder / "capacity.html").write_text(page(runs), encoding="utf-8")


def _rate(trial: Trial) -> float:
    return trial.tally.calls / max(1e-9, trial.tally.seconds)


def _server_side(trial: Trial) -> dict[str, float]:
    """Return what the servers needed during a trial: ms a call by stage, cores by process."""
    if not trial.series:
        return {}
    end = trial.series[-1].at + trial.series[-1].tally.seconds
    within = [it for it in trial.server if trial.series[0].at <= it.at <= end]
    if len(within) < 2:
        return {}
    first, last = within[0], within[-1]
    found = {}
    for stage, (seconds, calls) in sorted(last.stages.items()):
        seconds_before, calls_before = first.stages.get(stage, (seconds, calls))
        if calls > calls_before:
            mean = (seconds - seconds_before) / (calls - calls_before)
            found[f"gateway_{stage}_mean_ms"] = round(1000 * mean, 1)
    for name, process in sorted(last.processes.items()):
        if name in first.processes:
            used = process.cpu_seconds - first.processes[name].cpu_seconds
            found[f"{name}_cores"] = round(used / (last.at - first.at), 3)
            found[f"{name}_memory_mb"] = round(process.memory_mb, 1)
    return found


def figures_of(trial: Trial) -> dict[str, float]:
    """Return the figures of one trial by their names, the drivers' and the servers'."""
    tally = trial.tally
    found: dict[str, float] = {
        "lanes": trial.lanes,
        "calls": tally.calls,
        "seconds": round(tally.seconds, 3),
        "failed": tally.failed,
        "lag_p99_ms": tally.lag_p99_ms,
    }
    found |= {f"p{each:g}_ms": tally.latency_ms(each) for each in _PERCENTILES}
    return found | _server_side(trial)


def _csv(runs: Sequence[Run]) -> str:
    rows: list[dict[str, object]] = [
        {"stack": it.stack, "missed": trial.missed, **figures_of(trial)}
        for it in runs
        for trial in it.search.trials
    ]
    file = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def page(runs: Sequence[Run]) -> str:
    """Return a page that needs nothing but itself."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>How many lanes?</title>",
        "<style>body{font:16px system-ui;margin:2em auto;max-width:60em}td,th{padding:.2em .6em;"
        "text-align:right}svg{max-width:100%}.no{color:#a00}</style>",
        f"<h1>How many lanes?</h1><p>{time.strftime('%Y-%m-%d %H:%M %Z')}, "
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, which load and "
        "servers share where both run here</p>",
    ]
    for it in runs:
        shown = it.search.best or it.search.trials[-1]
        parts += [
            f"<h2>{html.escape(it.stack)}: {it.search.lanes:,} lanes</h2><p>{it.load.rate:g} "
            f"customers a second and lane, {html.escape(it.load.shape)}, {it.load.seconds:g} s a "
            f"trial; p99 &le; {it.objective.p99_ms:g} ms, p99.9 &le; {it.objective.p99_9_ms:g} ms, "
            "no failed call. Open loop: latencies count from the intended beginning.</p>",
            plots.latency_against_lanes(it.search.trials, it.objective),
            _trials(it),
            _errors(it),
            f"<h3>{shown.lanes:,} lanes over time</h3>",
            plots.over_time(shown, it.objective),
        ]
        if it.comparison is not None:
            parts.append(
                f"<p>As fast as it can, the stack assesses {it.comparison.photos_per_second:.1f} "
                f"photos a second; TensorFlow alone, on full batches, "
                f"{it.comparison.bare_photos_per_second:.1f}: {it.comparison.over_bare:.2f} of it. "
                f"The machine multiplies {it.comparison.matrix_gflops:.0f} GFLOPS of matrices.</p>"
            )
    return "\n".join(parts)


def _trials(run: Run) -> str:
    """Return the trials as a table, the drivers' clock beside the servers'."""
    trials = sorted(run.search.trials, key=lambda trial: trial.lanes)
    columns = list(dict.fromkeys(column for trial in trials for column in _server_side(trial)))
    head = "".join(f"<th>p{it:g} ms" for it in _PERCENTILES)
    extra = "".join(f"<th>{html.escape(it.replace('_', ' '))}" for it in columns)
    rows = [f"<table><tr><th>lanes<th>calls/s{head}<th>lag p99 ms{extra}<th>"]
    for it in trials:
        cells = "".join(f"<td>{it.tally.latency_ms(p):.1f}" for p in _PERCENTILES)
        server = _server_side(it)
        more = "".join(f"<td>{server.get(column, '')}" for column in columns)
        rows.append(
            f"<tr><td>{it.lanes:,}<td>{_rate(it):.1f}{cells}<td>{it.tally.lag_p99_ms:.1f}{more}"
            f"<td class={'no' if it.missed else 'yes'}>{html.escape(it.missed or 'holds')}"
        )
    return "".join(rows) + "</table>"


def _errors(run: Run) -> str:
    """Return all that failed, by reason."""
    rows = [
        f"<tr><td>{trial.lanes:,}<td>{html.escape(reason)}<td>{count:,}"
        for trial in run.search.trials
        for reason, count in trial.tally.reasons().most_common()
    ]
    if not rows:
        return "<p>No call failed.</p>"
    return "<table><tr><th>lanes<th>failed as<th>calls" + "".join(rows) + "</table>"
