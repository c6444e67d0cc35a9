"""`agelane bench`: how a gateway answers a few callers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from agelane_client.cli.arguments import Commands, ExitCode, add_command, exit_code
from agelane_client.cli.assess import add_call
from agelane_client.cli.load import Load, Tally, percentile, run_load
from agelane_client.cli.output import printable, say
from agelane_client.cli.photos import sources
from agelane_client.cli.values import seconds, whole
from agelane_client.client import Client
from agelane_client.errors import ConfigurationError, PhotoError
from agelane_client.requests import read_photo

_CLOSED_LOOP = "closed loop: each thread waits for its answer before it calls again"
_NOTES = f"""\
what it measures:
  A {_CLOSED_LOOP}. A gateway that slows down
  is so called less often: these latencies say nothing about overload, and calls/s is no capacity.
  `make loadtest` of agelane's repository measures those.
  After an error a thread waits 0.1 s. Calls of the warm-up do not count. All threads share one
  connection and one Python process, which takes its part of the time where calls are short.
  Latencies are those of the calls that were answered.
  The gateway treats these calls as any others: they count against the limits of lane and store.

"""
_EXAMPLES = """\
  agelane bench photo.jpg
  agelane bench --threads 8 --seconds 30 --target gateway.example:50051 --tls photo.jpg
  agelane bench --json photo.jpg | jq .latency_ms.p99
"""
_PERCENTILES = (50, 90, 99)


def add_bench(commands: Commands) -> None:
    """Add `bench`."""
    bench = add_command(
        commands,
        _bench,
        "bench",
        "measure how a gateway answers a few callers (no load test)",
        notes=_NOTES,
        examples=_EXAMPLES,
    )
    add = bench.add_argument
    add("photo", metavar="PHOTO", help="JPEG or PNG file up to 1 MiB, or - for standard input")
    add(
        "--threads",
        metavar="N",
        type=whole(1, 256),
        default=4,
        help="callers at once, up to 256 (default: %(default)s)",
    )
    add(
        "--seconds",
        metavar="N",
        type=seconds(0.1, 3600),
        default=10.0,
        help="how long to measure, up to an hour (default: %(default)s)",
    )
    add(
        "--warm-up",
        metavar="N",
        type=seconds(0, 3600),
        default=1.0,
        help="seconds of calls before that do not count (default: %(default)s)",
    )
    add_call(bench)
    add("--json", action="store_true", help="print one JSON object")


def _bench(client: Client, options: argparse.Namespace) -> ExitCode:
    """Load the gateway, and tell how it answered; its errors are a result as well."""
    try:
        photo = _photo(options.photo)
    except PhotoError as error:
        print(printable(f"{options.photo}: {error}"), file=sys.stderr)
        return exit_code(error)
    call = partial(
        client.assess,
        photo,
        store_id=options.store,
        lane_id=options.lane,
        restricted_category=options.category,
    )
    load = Load(threads=options.threads, warm_up=options.warm_up, seconds=options.seconds)
    tally = run_load(call, load, client.close)
    document = to_document(tally, load, options.target)
    say(json.dumps(document, allow_nan=False) if options.json else "\n".join(_lines(document)))
    if not document["calls"]:  # those of the warm-up took longer than all of the time
        return ExitCode.NOT_REACHED
    return max(map(exit_code, tally.samples.values()), default=ExitCode.DONE)


def _photo(path: str) -> bytes:
    """Return the one photo that `path` names; raises PhotoError."""
    photos = list(sources([path]))
    if len(photos) > 1:
        raise ConfigurationError("bench takes one photo, not a folder of them")
    if photos[0].error:
        raise photos[0].error
    return read_photo(photos[0].photo)


def to_document(tally: Tally, load: Load, target: str) -> dict[str, Any]:
    """Return the result as JSON has it; rates and latencies are null where no call tells them."""
    answered = sorted(tally.latencies)
    latency: dict[str, float | None] = {
        f"p{percent}": _milliseconds(percentile(answered, percent)) for percent in _PERCENTILES
    }
    latency["max"] = _milliseconds(percentile(answered, 100))
    return {
        "target": target,
        "loop": "closed",
        "threads": load.threads,
        "warm_up_seconds": load.warm_up,
        "seconds": round(tally.seconds, 3),
        "calls": len(answered) + tally.errors.total(),
        "answered": len(answered),
        "answered_per_second": round(len(answered) / tally.seconds, 2) if tally.seconds else None,
        "latency_ms": latency,
        "decisions": dict(tally.decisions.most_common()),
        "errors": dict(tally.errors.most_common()),
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    """Yield the result for people."""
    threads, answered = document["threads"], document["answered"]
    seconds, warm_up = document["seconds"], document["warm_up_seconds"]
    yield f"{document['target']}: {threads} threads, {seconds:.1f} s after {warm_up:g} s of warm-up"
    yield f"{_CLOSED_LOOP};"
    yield "its latencies say nothing about overload, and its calls/s is no capacity"
    yield ""
    rate = document["answered_per_second"]
    yield f"answered   {answered} of {document['calls']} calls" + (
        f", {rate:.1f}/s" if rate else ""
    )
    if answered:
        latency = document["latency_ms"].items()
        yield "latency    " + ", ".join(f"{name} {value:.1f} ms" for name, value in latency)
        yield f"decisions  {_counts(document['decisions'])}"
    if document["errors"]:
        yield f"errors     {_counts(document['errors'])}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{printable(name)} {count}" for name, count in counts.items())


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
