"""What servers need while they are measured, and how a soak judges it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.capacity.soak import growth
from loadtest.capacity.watch import Process, Sample, Watch, children


def samples(memory_mb: list[float], files: list[int], every: float = 10.0) -> list[Sample]:
    """Return what a watch would have seen of one process."""
    return [
        Sample(every * number, {"it": Process(9e9, mb, open_files, 0.0)}, {})
        for number, (mb, open_files) in enumerate(zip(memory_mb, files, strict=True))
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc")
def test_a_process_is_seen_until_it_ends() -> None:
    """Its memory, its open files and the processor time that it uses."""
    program = (
        "import os\nheld = bytearray(60_000_000)\nfiles = [os.open('/', 0) for _ in range(50)]\n"
    )
    program += "print(flush=True)\nwhile True: pass"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in children(os.getpid()).values()
        with Watch({"it": process.pid, "nobody": 2**22 + 1}, every=0.05) as watch:
            time.sleep(0.5)
            process.kill()
            process.wait()
            time.sleep(0.2)
    first, last = watch.samples[0], watch.samples[-1]
    it = first.processes["it"]
    assert 60 < it.own_memory_mb < it.memory_mb < 200
    assert 50 < first.processes["it"].files < 100
    seen = [it.processes["it"] for it in watch.samples if "it" in it.processes]
    assert seen[-1].cpu_seconds > seen[0].cpu_seconds
    assert not last.processes
    assert all("nobody" not in it.processes for it in watch.samples)


@given(st.floats(-100, 100), st.floats(10, 1000))
def test_growth_is_the_slope_after_the_time_to_settle(mb_an_hour: float, start_mb: float) -> None:
    """What happens before it does not count."""
    memory = [9e9] * 10 + [start_mb + mb_an_hour * 10 * it / 3600 for it in range(100)]
    found = growth(samples(memory, [7] * 110), "it", settle_seconds=100)
    assert found.mb_an_hour == pytest.approx(mb_an_hour, abs=1e-3)
    assert found.files == 0
    assert found.holds == (found.mb_an_hour <= 1)


def test_files_that_are_never_closed_are_seen() -> None:
    """One more in each tenth of the time."""
    files = [20 + it // 10 for it in range(100)]
    found = growth(samples([100.0] * 100, files), "it", settle_seconds=0)
    assert found.files == 9
    assert not found.holds


def test_a_process_that_ended_is_not_judged() -> None:
    """Nothing is said of what was not seen to the end."""
    ended = [*samples([1.0] * 99, [1] * 99), Sample(990.0, {}, {})]
    with pytest.raises(ValueError, match="was seen 99 times"):
        growth(ended, "it", settle_seconds=0)
    with pytest.raises(ValueError, match="was seen 5 times"):
        growth(samples([1.0] * 5, [1] * 5), "it", settle_seconds=0)
