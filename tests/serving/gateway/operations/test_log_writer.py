"""A log that nobody reads holds up nobody."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from agelane_serving.gateway.operations import log_writer
from agelane_serving.gateway.operations.log_writer import LogWriter


def test_lines_arrive_in_order(tmp_path: Path) -> None:
    """All of them, by the time that the writer is closed."""
    path = tmp_path / "log"
    with path.open("w") as stream:
        writer = LogWriter(stream.fileno())
        for number in range(1000):
            writer.write(f"{number}\n")
        writer.close()
    assert path.read_text().splitlines() == list(map(str, range(1000)))


def test_a_reader_that_has_stopped_reading_delays_nothing() -> None:
    """What it missed is told once it reads again."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        writer = LogWriter(stream.fileno())
        began = time.monotonic()
        for _ in range(3 * log_writer._MOST_LINES):
            writer.write("x" * 99 + "\n")
        assert time.monotonic() - began < 5
        chunks: list[bytes] = []

        def read() -> None:
            while chunk := os.read(reading, 65536):
                chunks.append(chunk)

        reader = threading.Thread(target=read)
        reader.start()
        time.sleep(0.3)
        writer.write("the last\n")
        writer.close()
    reader.join()
    text = b"".join(chunks)
    assert b"lines were left out" in text
    assert text.endswith(b"the last\n")


def test_a_reader_that_has_gone_ends_nothing() -> None:
    """Nor does a disk that is full."""
    reading, writing = os.pipe()
    os.close(reading)
    writer = LogWriter(writing)
    for _ in range(3):
        writer.write("lost\n")
    writer.close()
    os.close(writing)
