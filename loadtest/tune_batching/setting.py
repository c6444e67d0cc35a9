"""What a batching.config says, and the settings one step away from it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from agelane.tfserving.v1 import config_pb2

ROOM_PHOTOS = 256
"""How many photos may wait: one for each call that a model server takes at a time."""
_TUNED = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
    "allowed_batch_sizes",
)


class ConfigError(Exception):
    """A batching.config can't be tuned; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """A batching.config. Two are the same if they are in the three values that are tuned.

    The order is from simple to costly: small batches, few threads, short waits.
    """

    max_batch_size: int
    """Most photos in a batch."""
    num_batch_threads: int
    """Batches that run at a time."""
    batch_timeout_micros: int
    """How long a batch waits to be filled (microseconds)."""
    max_enqueued_batches: int = field(compare=False)
    """Batches that may wait; calls beyond them are refused."""
    allowed_batch_sizes: tuple[int, ...] = field(default=(), compare=False)
    """Sizes that batches are padded up to; empty: no padding."""

    def __str__(self) -> str:
        return (
            f"batches of {self.max_batch_size}, {self.num_batch_threads} threads, "
            f"wait {self.batch_timeout_micros} µs"
        )

    def text(self) -> str:
        """Return it as the lines of a batching.config."""
        lines = [
            f"{name} {{ value: {getattr(self, name)} }}"
            for name in _TUNED
            if name != "allowed_batch_sizes"
        ]
        if self.allowed_batch_sizes:
            lines.append(f"allowed_batch_sizes: {list(self.allowed_batch_sizes)}")
        return "\n".join(lines) + "\n"

    def varied(self, name: str, value: int) -> Setting:
        """Return it with another value in one field; what follows from that follows."""
        one: dict[str, Any] = {name: value}
        changed = replace(self, **one)
        size = changed.max_batch_size
        # A lone photo stays alone: at quiet times that is the commonest batch.
        padded = tuple(sorted({1, max(1, size // 4), max(1, size // 2), size}))
        return replace(
            changed,
            max_enqueued_batches=-(-ROOM_PHOTOS // size),
            allowed_batch_sizes=padded if self.allowed_batch_sizes else (),
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """The values that may be tried."""

    sizes: tuple[int, ...]
    """Of `max_batch_size`."""
    threads: tuple[int, ...]
    """Of `num_batch_threads`."""
    timeouts: tuple[int, ...]
    """Of `batch_timeout_micros`."""

    def neighbours(self, setting: Setting) -> list[Setting]:
        """Return the settings one step away, the most promising first."""
        axes = {
            "max_batch_size": self.sizes,
            "num_batch_threads": self.threads,
            "batch_timeout_micros": self.timeouts,
        }
        found = []
        for name, axis in axes.items():
            now = getattr(setting, name)
            higher = [value for value in axis if value > now]
            lower = [value for value in axis if value < now]
            steps = [min(higher)] if higher else []
            steps += [max(lower)] if lower else []
            found += [setting.varied(name, value) for value in steps]
        return found


def parse_setting(text: str, path: Path) -> Setting:
    """Return what the text of a batching.config says; `path` is for messages.

    What it leaves unsaid is TensorFlow Serving's default. Raises ConfigError.
    """
    try:
        found: Any = text_format.Parse(text, config_pb2.BatchingParameters())
    except text_format.ParseError as error:
        raise ConfigError(f"{path}:{error}") from error
    for described, _ in found.ListFields():
        if described.name not in _TUNED:
            raise ConfigError(
                f"{path}: {described.name} would be lost by tuning: take it out first"
            )

    def value(name: str, default: int) -> int:
        return int(getattr(found, name).value) if found.HasField(name) else default

    setting = Setting(
        max_batch_size=value("max_batch_size", 1000),
        num_batch_threads=value("num_batch_threads", os.cpu_count() or 1),
        batch_timeout_micros=value("batch_timeout_micros", 0),
        max_enqueued_batches=value("max_enqueued_batches", 10),
        allowed_batch_sizes=tuple(found.allowed_batch_sizes),
    )
    if min(setting.max_batch_size, setting.num_batch_threads, setting.max_enqueued_batches) < 1:
        raise ConfigError(f"{path}: sizes, threads and enqueued batches must be 1 or more")
    return setting
