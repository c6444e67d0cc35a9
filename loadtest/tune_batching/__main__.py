"""`python -m loadtest.tune_batching`: the best batching.config for a machine, by measuring it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from loadtest.photos import read_photos
from loadtest.tune_batching.choice import ranked
from loadtest.tune_batching.measure import predict_requests
from loadtest.tune_batching.options import Options, parse_options
from loadtest.tune_batching.report import Found, config_file, figures, table
from loadtest.tune_batching.servers import ServerError, Start, embedded, restarted
from loadtest.tune_batching.setting import ConfigError, parse_setting
from loadtest.tune_batching.sweep import Conditions, Sweep


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, report and write; return the exit code."""
    options = parse_options(sys.argv[1:] if argv is None else argv)
    try:
        requests = predict_requests(read_photos(options.photos))
        text = options.present.read_text(encoding="utf-8")
        present = parse_setting(text, options.present)
    except (OSError, ConfigError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    conditions = Conditions(
        requests,
        options.calls_in_flight(max(present.max_batch_size, *options.sizes)),
        options.rate,
        options.p99_ms,
        options.warm_up,
        options.seconds,
        options.rounds,
        options.minutes,
    )
    code = 0
    sweep: Sweep | None = None
    try:
        with _servers(options, requests[0]) as start:
            sweep = Sweep(start, present, text, conditions)
            print(sweep.estimate(options.grid), file=sys.stderr)
            sweep.run(options.grid)
    except KeyboardInterrupt:
        code = 130
    except ServerError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 3
    if sweep is None or not sweep.measured:
        return code
    sweep.unfinished = {0: sweep.unfinished, 130: "Ctrl-C", 3: "an error"}[code]
    met = _tell(_found(options, sweep, conditions), options)
    return code or (0 if met else 1)


@contextmanager
def _servers(options: Options, request: bytes) -> Iterator[Start]:
    if not options.restart:
        yield embedded(options.models, request, options.patience)
        return
    assert options.config is not None
    with restarted(
        options.restart, options.target, options.config, request, options.patience
    ) as start:
        yield start


def _found(options: Options, sweep: Sweep, conditions: Conditions) -> Found:
    today = date.today()  # noqa: DTZ011  # the day where the machine stands
    return Found(
        ranked(sweep.measured.values(), options.p99_ms),
        sweep.measured[sweep.present],
        options.p99_ms,
        sweep.rate,
        conditions.in_flight,
        conditions.seconds,
        f"{today.day} {today:%B %Y}",
        options.machine,
        sweep.unfinished,
    )


def _tell(found: Found, options: Options) -> bool:
    """Print and write what was found; return whether it is what was asked for."""
    print(table(found))
    _write(options.report, json.dumps(figures(found), indent=2) + "\n")
    if options.written is None:
        return found.met
    if found.met:
        _write(options.written, config_file(found))
        print(f"\n{options.written} holds the best; a model server reads it when it starts.")
    else:
        print(f"\n{options.written} was not written.")
    return found.met


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    # Whatever ends this ends the servers, and gives a file of another server back as it was.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
