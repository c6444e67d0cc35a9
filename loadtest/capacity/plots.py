"""Plots of a search and of one trial, as SVG for a page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.capacity.search import Objective, Trial
from loadtest.capacity.watch import Sample

_PERCENTILES = {50.0: "tab:green", 99.0: "tab:blue", 99.9: "tab:red"}
_HEIGHT, _WIDTH = 2.6, 9.0


def latency_against_lanes(trials: Sequence[Trial], objective: Objective) -> str:
    """Return the curve of each percentile over the lanes of the trials, with the objective."""
    figure = Figure((_WIDTH, 1.4 * _HEIGHT), layout="constrained")
    axes = figure.subplots()
    by_lanes = sorted(trials, key=lambda it: it.lanes)
    lanes = [it.lanes for it in by_lanes]
    for percentile, colour in _PERCENTILES.items():
        latencies = [it.tally.latency_ms(percentile) for it in by_lanes]
        axes.plot(lanes, latencies, "o-", color=colour, label=f"p{percentile:g}")
    for most in (objective.p99_ms, objective.p99_9_ms):
        axes.axhline(most, color="grey", linestyle="--")
    axes.set(
        xlabel="lanes", ylabel="ms from the intended beginning", ylim=(0, None), xlim=(0, None)
    )
    axes.set_ylim(0, 2 * objective.p99_9_ms)
    axes.legend(loc="upper left")
    return _svg(figure)


def over_time(trial: Trial, objective: Objective) -> str:
    """Return a trial over its time: latency, calls and failures, what servers needed."""
    names = sorted({name for sample in trial.server for name in sample.processes})
    figure = Figure((_WIDTH, _HEIGHT * (4 if names else 2)), layout="constrained")
    panels: list[Axes] = list(figure.subplots(4 if names else 2, 1))
    origin = min((it.at for it in trial.series), default=0.0)
    seconds = [it.at - origin for it in trial.series]
    tallies = [it.tally for it in trial.series]
    for percentile, colour in _PERCENTILES.items():
        latencies = [it.latency_ms(percentile) for it in tallies]
        panels[0].plot(seconds, latencies, color=colour, label=f"p{percentile:g}")
    panels[0].axhline(objective.p99_ms, color="grey", linestyle="--")
    panels[0].set(ylabel="ms", ylim=(0, None))
    panels[0].legend(loc="upper left")
    rates = [it.calls / max(1e-9, it.seconds) for it in tallies]
    panels[1].plot(seconds, rates, color="black", label="calls a second")
    failures = [it.failed / max(1e-9, it.seconds) for it in tallies]
    panels[1].plot(seconds, failures, color="tab:red", label="failed a second")
    panels[1].set(ylim=(0, None))
    panels[1].legend(loc="upper left")
    for name in names:
        _processes(panels[2], panels[3], name, origin, trial.server)
    panels[-1].set(xlabel="seconds")
    return _svg(figure)


def _processes(
    memory: Axes, cores: Axes, name: str, origin: float, samples: Sequence[Sample]
) -> None:
    """Draw what one process needed, before the first calls too."""
    seen = [(it.at - origin, it.processes[name]) for it in samples if name in it.processes]
    memory.plot([at for at, _ in seen], [it.memory_mb for _, it in seen], label=name)
    memory.set(ylabel="memory, MB", ylim=(0, None))
    memory.legend(loc="upper left")
    pairs = list(pairwise(seen))
    used = [(b.cpu_seconds - a.cpu_seconds) / max(1e-9, t - s) for (s, a), (t, b) in pairs]
    cores.plot([at for _, (at, _) in pairs], used, label=name)
    cores.set(ylabel="cores used", ylim=(0, None))
    cores.legend(loc="upper left")


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    # Without what would point to other pages.
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(file, format="svg", metadata=nothing)
    drawing = file.getvalue()
    return drawing[drawing.index("<svg") :]
