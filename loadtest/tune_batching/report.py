"""What a sweep found: a table, flat figures, and the best batching.config with its evidence."""

from __future__ import annotations

import os
import platform
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.tune_batching.choice import NOISE, Measurement
from loadtest.tune_batching.setting import Setting

_WIDTH = 98


@dataclass(frozen=True, slots=True)
class Found:
    """A sweep that is over, or was stopped."""

    ranking: Sequence[Measurement]
    """All that were measured, the best first."""
    present: Measurement
    """The file that was there before."""
    p99_ms: float
    """Longest p99 that was allowed (milliseconds)."""
    rate: float
    """Calls a second at which it was measured."""
    in_flight: int
    """Calls in flight for the photos a second."""
    seconds: float
    """How long each of both was measured."""
    date: str
    """When."""
    machine: str
    """Where."""
    unfinished: str
    """Why not all was measured; empty: it was."""

    @property
    def best(self) -> Measurement:
        """The best."""
        return self.ranking[0]

    @property
    def spread(self) -> float:
        """Return by how much one and the same setting differed from itself."""
        return max(each.spread for each in self.ranking)

    @property
    def disturbance(self) -> str:
        """Return a warning if that is more than noise; "" if not."""
        if self.spread <= 2 * NOISE:
            return ""
        return (
            f"DISTURBED: the same setting, measured again, differed by {self.spread:.0%}. "
            "Something else was running; smaller differences between settings mean nothing."
        )

    @property
    def met(self) -> bool:
        """Whether the best does what was asked for."""
        return self.best.meets(self.p99_ms)

    def ratio(self, measured: Measurement) -> float:
        """Return how many times as many photos a second it makes as the present file."""
        return measured.photos_per_second / self.present.photos_per_second


def table(found: Found) -> str:
    """Return all settings, the best first, and a sentence on the result."""
    lines = [
        "| batch size | threads | timeout µs | photos/s | over present | p50 ms | p99 ms | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(found, each) for each in found.ranking]
    return "\n".join([*lines, "", *_wrapped(_verdict(found), "")])


def figures(found: Found) -> dict[str, float | str]:
    """Return all that was found, flat, each with its unit in its name."""
    flat: dict[str, float | str] = {
        "date": found.date,
        "machine": found.machine,
        "unfinished": found.unfinished,
        "in_flight_calls": found.in_flight,
        "rate_calls_per_second": found.rate,
        "measured_seconds": found.seconds,
        "p99_limit_ms": found.p99_ms,
        "p99_limit_met": found.met,
        "spread_share": round(found.spread, 3),
        "best_over_present": round(found.ratio(found.best), 3),
    }
    for name, each in (("best", found.best), ("present", found.present)):
        flat |= _flat(name, each)
        flat |= {
            f"{name}_max_batch_size": each.setting.max_batch_size,
            f"{name}_num_batch_threads": each.setting.num_batch_threads,
            f"{name}_batch_timeout_micros": each.setting.batch_timeout_micros,
            f"{name}_max_enqueued_batches": each.setting.max_enqueued_batches,
        }
    for each in found.ranking:
        flat |= _flat(_key(each.setting), each)
    return flat


def config_file(found: Found) -> str:
    """Return the best as a batching.config, with its evidence as comments."""
    best, runner_up = [*found.ranking, None][:2]
    assert best is not None
    notes = [
        f"BatchingParameters found by `make tune-batching` on {found.date}: {found.machine}. "
        "TensorFlow Serving and the embedded model server read this same file "
        "(--enable_batching --batching_parameters_file).",
        f"Of {len(found.ranking)} settings measured, the one with the most photos a second whose "
        f"p99 is within {found.p99_ms:g} ms at {found.rate:g} calls a second; differences below "
        f"{NOISE:.0%} count as none, then the simpler one is taken. Photos a second are those "
        f"with {found.in_flight} calls in flight; {found.seconds:g} s each.",
        f"This file: {_words(best)}.",
    ]
    if runner_up is not None:
        notes.append(f"Runner-up, {runner_up.setting}: {_words(runner_up)}.")
    if best is found.present:
        notes.append("It is the file that was there before.")
    else:
        notes.append(
            f"The file before, {found.present.setting}: {_words(found.present)}; "
            f"this one makes {found.ratio(best):.2f} times as many."
        )
    if found.unfinished:
        notes.append(f"Not all was measured: {found.unfinished}.")
    notes.append(found.disturbance)
    lines = [line for note in notes for line in _wrapped(note, "# ")]
    return "\n".join([*lines, "", best.setting.text()])


def machine() -> str:
    """Return what this machine is, without its name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        cpu = ""
    named = re.search(r"^model name\s*:\s*(.+)$", cpu, re.MULTILINE)
    return f"{cores} cores of {named[1] if named else platform.machine()}"


def _row(found: Found, each: Measurement) -> str:
    setting = each.setting
    cells = [setting.max_batch_size, setting.num_batch_threads, setting.batch_timeout_micros]
    if each.photos_per_second:
        measured = [
            f"{each.photos_per_second:.1f}",
            f"{found.ratio(each):.2f}",
            f"{each.p50_ms:.0f}",
            f"{each.p99_ms:.0f}",
        ]
    else:
        measured = ["–"] * 4
    return "| " + " | ".join([*map(str, cells), *measured, _remark(found, each)]) + " |"


def _remark(found: Found, each: Measurement) -> str:
    remarks = ["best"] if each is found.best and found.met else []
    remarks += ["present file"] if each is found.present else []
    if each.problem:
        remarks.append(each.problem.partition("\n")[0])
    elif not each.meets(found.p99_ms):
        remarks.append(f"p99 over {found.p99_ms:g} ms")
    return ", ".join(remarks)


def _verdict(found: Found) -> str:
    conditions = (
        f"Photos a second with {found.in_flight} calls in flight, p50 and p99 at {found.rate:g} "
        f"calls a second, {found.seconds:g} s each; {found.machine}, {found.date}."
    )
    if found.unfinished:
        conditions += f" Not all was measured: {found.unfinished}."
    if found.disturbance:
        conditions += f" {found.disturbance}"
    if found.met:
        return conditions
    return (
        f"NONE answers within {found.p99_ms:g} ms (p99) at {found.rate:g} calls a second; nearest "
        "is the first. Allow more (--p99-ms), ask for less (--rate), or use a quicker machine. "
        f"{conditions}"
    )


def _words(each: Measurement) -> str:
    if each.problem:
        return each.problem.partition("\n")[0]
    return (
        f"{each.photos_per_second:.1f} photos a second, "
        f"p50 {each.p50_ms:.0f} ms, p99 {each.p99_ms:.0f} ms"
    )


def _flat(name: str, each: Measurement) -> dict[str, float | str]:
    if each.problem:
        return {f"{name}_problem": each.problem}
    return {
        f"{name}_photos_per_second": round(each.photos_per_second, 2),
        f"{name}_p50_ms": round(each.p50_ms, 1),
        f"{name}_p99_ms": round(each.p99_ms, 1),
    }


def _key(setting: Setting) -> str:
    return (
        f"batch_{setting.max_batch_size}_threads_{setting.num_batch_threads}"
        f"_timeout_{setting.batch_timeout_micros}_micros"
    )


def _wrapped(text: str, prefix: str) -> list[str]:
    # What a server or a caller says may hold line breaks, which would end a comment.
    return textwrap.wrap(
        " ".join(text.split()), _WIDTH, initial_indent=prefix, subsequent_indent=prefix
    )
