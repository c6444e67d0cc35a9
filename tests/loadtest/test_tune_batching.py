"""The best batching.config is found by measuring, and written with its evidence."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.model_server.config_files import read_batching
from loadtest.tune_batching.choice import NOISE, Measurement, choose, ranked, untried
from loadtest.tune_batching.report import Found, config_file, figures, table
from loadtest.tune_batching.setting import ConfigError, Grid, Setting, parse_setting
from tests.loadtest.restarted_server import RestartedServer

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "serving" / "tfserving"
GRID = Grid(sizes=(8, 16, 32, 64), threads=(1, 2, 4), timeouts=(0, 1000, 4000))
LIMIT_MS = 300.0

figures_of = st.floats(1, 1e4)
settings = st.builds(
    Setting,
    max_batch_size=st.integers(1, 256),
    num_batch_threads=st.integers(1, 64),
    batch_timeout_micros=st.integers(0, 10_000),
    max_enqueued_batches=st.integers(1, 1000),
)
measurements = st.builds(
    Measurement,
    setting=settings,
    photos_per_second=figures_of,
    p50_ms=figures_of,
    p99_ms=st.floats(1, 2 * LIMIT_MS),
    problem=st.sampled_from(["", "", "", "3 calls not answered: UNAVAILABLE\n(full)"]),
)
several = st.lists(measurements, min_size=1, max_size=12, unique_by=lambda each: each.setting)


def setting(size: int, threads: int = 2, timeout: int = 0) -> Setting:
    """Return a setting with room for 128 photos."""
    return Setting(size, threads, timeout, -(-128 // size))


def measured(size: int, photos_per_second: float, p99_ms: float = 100) -> Measurement:
    """Return the figures of a setting with batches of `size`."""
    return Measurement(setting(size), photos_per_second, p99_ms / 2, p99_ms)


def found(*ranking: Measurement, unfinished: str = "") -> Found:
    """Return a sweep with this result, whose first was the present file's."""
    return Found(
        ranked(ranking, LIMIT_MS),
        ranking[0],
        LIMIT_MS,
        rate=25.0,
        in_flight=64,
        seconds=8.0,
        date="25 November 2026",
        machine="2 cores of\nsome CPU",
        unfinished=unfinished,
    )


@given(several)
def test_the_chosen_one_answers_in_time_if_any_does(each: list[Measurement]) -> None:
    """Otherwise it is the nearest of those that work at all."""
    best = choose(each, LIMIT_MS)
    if any(one.meets(LIMIT_MS) for one in each):
        assert best.meets(LIMIT_MS)
    elif working := [one for one in each if not one.problem]:
        assert best.p99_ms == min(one.p99_ms for one in working)


@given(several)
def test_no_other_in_time_makes_more_photos_than_noise_explains(each: list[Measurement]) -> None:
    """And none that makes as many is simpler."""
    best = choose(each, LIMIT_MS)
    in_time = [one for one in each if one.meets(LIMIT_MS)]
    most = max((one.photos_per_second for one in in_time), default=0.0)
    for one in in_time:
        assert best.photos_per_second >= (1 - NOISE) * one.photos_per_second
        assert best.setting <= one.setting or one.photos_per_second < (1 - NOISE) * most


@given(several, st.randoms())
def test_the_order_of_measuring_changes_nothing(each: list[Measurement], random: object) -> None:
    """Neither for the choice nor for the table, which begins with the choice."""
    shuffled = list(each)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, LIMIT_MS) == choose(each, LIMIT_MS)
    assert ranked(shuffled, LIMIT_MS) == ranked(each, LIMIT_MS)
    assert ranked(each, LIMIT_MS)[0] == choose(each, LIMIT_MS)


@given(measurements, measurements)
def test_measured_again_the_better_figures_count(one: Measurement, other: Measurement) -> None:
    """But refused calls are never forgotten."""
    both = one.with_another(other)
    assert bool(both.problem) == bool(one.problem or other.problem)
    if not both.problem:
        assert both.photos_per_second == max(one.photos_per_second, other.photos_per_second)
        assert both.p99_ms == min(one.p99_ms, other.p99_ms)
        assert min(one.photos_per_second, other.photos_per_second) == pytest.approx(
            (1 - both.spread) * both.photos_per_second
        )


def test_a_few_percent_more_are_not_worth_larger_batches() -> None:
    """5 % is noise; 10 % are taken, unless the answers come too late."""
    assert choose([measured(8, 96), measured(16, 100)], LIMIT_MS) == measured(8, 96)
    assert choose([measured(8, 90), measured(16, 100)], LIMIT_MS) == measured(16, 100)
    late = measured(16, 100, p99_ms=301)
    assert choose([measured(8, 90), late], LIMIT_MS) == measured(8, 90)


@given(settings, st.dictionaries(st.integers(0, 35), figures_of))
def test_the_search_ends_where_no_step_is_better(start: Setting, speeds: dict[int, float]) -> None:
    """Whatever the machine does, each setting is measured once, and not all of them need be."""
    known: dict[Setting, Measurement] = {}
    ahead = [start]
    while ahead:
        assert ahead[0] not in known
        speed = speeds.get(hash(ahead[0]) % 36, 50.0)
        known[ahead[0]] = Measurement(ahead[0], speed, 10, 20)
        ahead = untried(known.values(), GRID, LIMIT_MS)
    best = choose(known.values(), LIMIT_MS).setting
    assert set(GRID.neighbours(best)) <= set(known)


def test_the_search_climbs_to_the_best() -> None:
    """On a machine that gains from larger batches up to 32, and from a second thread."""

    def speed(each: Setting) -> float:
        return min(each.max_batch_size, 32) * min(each.num_batch_threads, 2) - each.max_batch_size

    known: dict[Setting, Measurement] = {}
    ahead = [setting(8, threads=1)]
    while ahead:
        known[ahead[0]] = Measurement(ahead[0], speed(ahead[0]), 10, 20)
        ahead = untried(known.values(), GRID, LIMIT_MS)
    assert choose(known.values(), LIMIT_MS).setting == setting(32)
    assert len(known) < 36 / 2


@given(settings, st.sampled_from(["max_batch_size", "num_batch_threads"]), st.integers(1, 300))
def test_whatever_is_tried_has_room_for_all_calls(start: Setting, name: str, value: int) -> None:
    """A model server lets 128 in; what they wait for must not be what refuses them."""
    tried = start.varied(name, value)
    assert tried.max_batch_size * tried.max_enqueued_batches >= 128


@given(settings, st.booleans())
def test_a_setting_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, start: Setting, padded: bool
) -> None:
    """By this package, and by the model server; padding stays where it was."""
    given_ = Setting(4, 1, 0, 8, allowed_batch_sizes=(4,)) if padded else start
    tried = given_.varied("max_batch_size", start.max_batch_size)
    path = tmp_path_factory.getbasetemp() / "tried.config"
    path.write_text(tried.text())
    assert parse_setting(tried.text(), path) == tried
    batching = read_batching(path)
    assert bool(batching.allowed_batch_sizes) == padded
    for name in ("max_batch_size", "num_batch_threads", "max_enqueued_batches"):
        assert getattr(batching, name) == getattr(tried, name)
    assert batching.batch_timeout_micros == tried.batch_timeout_micros
    assert batching.allowed_batch_sizes == tried.allowed_batch_sizes


@given(several, st.sampled_from(["", "Ctrl-C"]))
def test_the_written_file_is_read_by_the_model_server(
    tmp_path_factory: pytest.TempPathFactory, each: list[Measurement], unfinished: str
) -> None:
    """Whatever was measured, and whatever a server said, which may hold line breaks."""
    result = found(*each, unfinished=unfinished)
    path = tmp_path_factory.getbasetemp() / "written.config"
    path.write_text(config_file(result))
    assert read_batching(path).max_batch_size == result.best.setting.max_batch_size
    assert max(map(len, path.read_text().splitlines())) <= 100
    json.dumps(figures(result), allow_nan=False)
    assert len(table(result).splitlines()) >= 2 + len(each)


def test_the_file_tells_its_evidence() -> None:
    """When, where, the best, the runner-up, and the file before."""
    before, runner_up, best = measured(8, 50), measured(32, 99), measured(16, 100)
    text = config_file(found(before, runner_up, best)).replace("\n# ", " ")
    assert "on 25 November 2026: 2 cores of some CPU" in text
    assert "This file: 100.0 photos a second, p50 50 ms, p99 100 ms." in text
    assert "Runner-up, batches of 32, 2 threads, wait 0 µs: 99.0 photos a second" in text
    assert "The file before, batches of 8" in text
    assert "this one makes 2.00 times as many" in text


def test_figures_that_contradict_themselves_are_called_disturbed() -> None:
    """The same setting, measured again, shows how much of a difference means something."""
    calm = measured(8, 100).with_another(measured(8, 95))
    restless = measured(8, 100).with_another(measured(8, 60))
    assert "DISTURBED" not in table(found(calm)) + config_file(found(calm))
    for text in (table(found(restless)), config_file(found(restless))):
        assert "DISTURBED: the same setting, measured again, differed by 40%" in text
    assert figures(found(restless))["spread_share"] == 0.4


def test_a_file_with_what_tuning_would_lose_is_refused(tmp_path: Path) -> None:
    """By the name of the field; so is one that is misspelt, with its place."""
    path = tmp_path / "batching.config"
    for text, reason in (
        ('thread_pool_name { value: "mine" }', "thread_pool_name would be lost"),
        ("max_bach_size { value: 8 }", "batching.config:1:1"),
        ("num_batch_threads { value: 0 }", "must be 1 or more"),
    ):
        with pytest.raises(ConfigError, match=reason):
            parse_setting(text, path)


@pytest.mark.parametrize("name", ["batching.config", "batching.gpu.config"])
def test_a_shipped_file_is_read_by_both(name: str) -> None:
    """It can be tuned, has room for all calls, and holds no size that can't be warmed up."""
    tuned = parse_setting((SHIPPED / name).read_text(), SHIPPED / name)
    served = read_batching(SHIPPED / name)
    assert (tuned.max_batch_size, tuned.allowed_batch_sizes) == (
        served.max_batch_size,
        served.allowed_batch_sizes,
    )
    assert served.max_batch_size * served.max_enqueued_batches >= 128
    assert served.max_batch_size >= 8


@pytest.fixture(name="server")
def server_fixture(tmp_path: Path) -> Iterator[RestartedServer]:
    """A server of which 16 is the best batch size, and which runs with 8."""
    server = RestartedServer(tmp_path, f"# as it was\n{setting(8).text()}")
    yield server
    server.stop()


def command_for(server: RestartedServer, *flags: str | Path) -> list[str]:
    """Return the command that tunes it, quickly."""
    command: list[str | Path] = [sys.executable, "-m", "loadtest.tune_batching"]
    command += ["--restart", server.command, "--target", server.target, "--config", server.file]
    command += ["--report", server.file.with_name("report.json")]
    command += ["--timeouts-micros", "0", "--threads", "2", "--in-flight", "4"]
    command += ["--sizes", "8", "16", "32", "--seconds", "0.6", "--warm-up", "0.2", "--rate", "10"]
    command += ["--p99-ms", "20000", *flags]  # no test may depend on how busy the machine is
    return [str(part) for part in command]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command from the root of the repository."""
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )


def test_a_server_that_is_restarted_is_tuned(server: RestartedServer, tmp_path: Path) -> None:
    """The best is written where it was asked for, and the server runs as before in the end."""
    before = server.file.read_text()
    out = tmp_path / "best" / "batching.config"
    done = run(command_for(server, "--out", out))
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[2]
    assert first.startswith("| 16 | 2 | 0 |")
    assert first.endswith("| best |")
    assert read_batching(out).max_batch_size == 16
    assert server.file.read_text() == server.in_use.read_text() == before
    # 8, 16 and 32, which is no better; each of them again as a finalist; and back.
    assert server.restarts() == 3 + 3 + 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["best_max_batch_size"] == 16
    assert report["best_over_present"] > 1.2
    assert report["p99_limit_met"] is True


def test_nothing_is_written_if_no_setting_answers_in_time(
    server: RestartedServer, tmp_path: Path
) -> None:
    """The command says so, and what can be done."""
    out = tmp_path / "best.config"
    done = run(command_for(server, "--sizes", "8", "--p99-ms", "1", "--out", out))
    assert done.returncode == 1
    assert "NONE answers within 1 ms (p99) at 10 calls a second" in done.stdout
    assert f"{out} was not written" in done.stdout
    assert not out.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_keeps_what_was_measured(
    server: RestartedServer, tmp_path: Path, number: signal.Signals
) -> None:
    """The table and the files say that not all was; the server's own file is as it was."""
    before = server.file.read_text()
    out = tmp_path / "best.config"
    with subprocess.Popen(
        command_for(server, "--out", out), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        give_up_at = time.monotonic() + 60
        while server.restarts() < 2 and time.monotonic() < give_up_at:
            time.sleep(0.01)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Not all was measured: Ctrl-C." in printed
    assert "Ctrl-C" in out.read_text()
    assert read_batching(out).max_batch_size == 8
    assert server.file.read_text() == server.in_use.read_text() == before


def test_a_command_that_fails_is_told_with_what_it_said(
    server: RestartedServer, tmp_path: Path
) -> None:
    """Nothing was measured, so nothing is reported."""
    command = command_for(server)
    command[command.index(server.command)] = "echo no such service; exit 7"
    done = run(command)
    assert done.returncode == 3
    assert "ended with exit code 7. It said:\nno such service" in done.stderr
    assert not (tmp_path / "report.json").exists()


def test_without_a_model_there_is_nothing_to_tune(tmp_path: Path) -> None:
    """The command says how to export one."""
    done = run([sys.executable, "-m", "loadtest.tune_batching", "--models", str(tmp_path)])
    assert done.returncode == 3
    assert "run `make export`" in done.stderr


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--restart", "true"], "--restart and --target go together"),
        (["--target", "127.0.0.1:8500"], "--restart and --target go together"),
        (["--restart", "true", "--target", "x:1"], "--restart needs --config"),
        (["--sizes", "0"], "must be 1 or more"),
        (["--p99-ms", "0"], "must be more than 0"),
        (["--config", "no-such.config"], "no-such.config"),
        (["--photos", "no-such-folder"], "no-such-folder"),
        (["--size", "8"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_refused_with_the_reason(flags: list[str], reason: str) -> None:
    """Before anything is started."""
    done = run([sys.executable, "-m", "loadtest.tune_batching", *flags])
    assert done.returncode == 2
    assert reason in done.stderr


def test_the_embedded_server_is_tuned(tmp_path: Path) -> None:
    """A real one for each of two settings; the present file stays as it is."""
    from tests.serving.model_server.tiny_model import write_version

    write_version(tmp_path / "models" / "age", 1)
    present, out = tmp_path / "present.config", tmp_path / "best.config"
    present.write_text(setting(8).text())
    flags = ["--models", tmp_path / "models", "--config", present, "--out", out]
    flags += ["--report", tmp_path / "report.json", "--machine", "a test's"]
    flags += ["--sizes", "16", "--threads", "2", "--timeouts-micros", "0", "--rounds", "1"]
    flags += ["--in-flight", "8", "--seconds", "1", "--warm-up", "0.2", "--rate", "10"]
    flags += ["--p99-ms", "20000"]
    command = [sys.executable, "-m", "loadtest.tune_batching", *map(str, flags)]
    done = run(command)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()[2].split("|")) == 10
    assert read_batching(out).max_batch_size in (8, 16)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["batch_16_threads_2_timeout_0_micros_photos_per_second"] > 0
    assert present.read_text() == setting(8).text()


def test_a_setting_under_which_the_server_does_not_come_up_is_passed_over(tmp_path: Path) -> None:
    """Its reason stands in the table; the others are measured."""
    server = RestartedServer(tmp_path, setting(8).text())
    try:
        command = command_for(server, "--rounds", "1", "--sizes", "16", "--patience", "20")
        at = command.index(server.command)
        command[at] = f"if grep -q 'size {{ value: 16 }}' {server.file}; then exit 9; fi"
        done = run(command)
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].endswith("| best, present file |")
    assert "did not come up" in done.stdout.splitlines()[3]
    assert "ended with exit code 9" in done.stdout.splitlines()[3]
