"""What was measured: latencies, errors, and how late the driver was."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

LONGEST_LAG_MS = 5.0
"""At the 99th percentile. With more, the driver itself was measured, and the run is INVALID."""
_MOST_US = 120_000_000
_DIGITS = 3


def _histogram() -> HdrHistogram:
    return HdrHistogram(1, _MOST_US, _DIGITS)


@dataclass
class Tally:
    """Of the calls of a run, or of a part of it; parts add up without loss."""

    latency: HdrHistogram = field(default_factory=_histogram)
    """From the moment at which a call was to begin to its answer, where there is one, in µs."""
    lag: HdrHistogram = field(default_factory=_histogram)
    """From that moment to the one at which it did begin, of all of them, in µs."""
    errors: Counter[str] = field(default_factory=Counter)
    """Calls without an age, by reason; those that never ended among them."""
    errors_after: Counter[str] = field(default_factory=Counter)
    """Calls that followed from others, as sales do, and came to nothing, by reason."""
    seconds: float = 0.0
    """How long customers came."""
    worst_lag_p99_ms: float = 0.0
    """Of the drivers that were added up, the one that was latest."""

    def begun(self, lag_seconds: float) -> None:
        """Count a call that begins so many seconds after it was to."""
        self.lag.record_value(max(1, min(_MOST_US, round(lag_seconds * 1e6))))

    def answered(self, seconds: float) -> None:
        """Count a call that was answered."""
        self.latency.record_value(max(1, min(_MOST_US, round(seconds * 1e6))))

    def add_at_once(self, other: Tally) -> None:
        """Take up what another driver measured at the same time."""
        self._add(other)
        self.seconds = max(self.seconds, other.seconds)
        self.worst_lag_p99_ms = max(self.worst_lag_p99_ms, other.lag_p99_ms)

    def add_then(self, other: Tally) -> None:
        """Take up what came afterwards."""
        self._add(other)
        self.seconds += other.seconds

    def _add(self, other: Tally) -> None:
        self.latency.add(other.latency)
        self.lag.add(other.lag)
        self.errors += other.errors
        self.errors_after += other.errors_after

    @property
    def calls(self) -> int:
        """How many began."""
        return int(self.lag.get_total_count())

    @property
    def failed(self) -> int:
        """How many came to nothing, those that followed among them."""
        return self.reasons().total()

    def reasons(self) -> Counter[str]:
        """Return how many came to nothing by reason, those that followed among them."""
        return self.errors + self.errors_after

    def latency_ms(self, percentile: float) -> float:
        """Return what so many percent of the answered calls took at most, in ms; 0 for none."""
        return float(self.latency.get_value_at_percentile(percentile)) / 1000

    @property
    def lag_p99_ms(self) -> float:
        """How late all but one call of a hundred began at most, by the latest driver, in ms."""
        return max(self.worst_lag_p99_ms, float(self.lag.get_value_at_percentile(99)) / 1000)

    @property
    def is_valid(self) -> bool:
        """Whether the driver kept up, so that the system was measured."""
        return self.calls > 0 and self.lag_p99_ms <= LONGEST_LAG_MS

    def to_json(self) -> str:
        """Return it as one line, for another process."""
        return json.dumps(
            {
                "latency": self.latency.encode().decode(),
                "lag": self.lag.encode().decode(),
                "errors": self.errors,
                "errors_after": self.errors_after,
                "seconds": self.seconds,
                "worst_lag_p99_ms": self.worst_lag_p99_ms,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Tally:
        """Return what `to_json` told."""
        told = json.loads(text)
        return cls(
            HdrHistogram.decode(told["latency"]),
            HdrHistogram.decode(told["lag"]),
            Counter(told["errors"]),
            Counter(told["errors_after"]),
            told["seconds"],
            told["worst_lag_p99_ms"],
        )
