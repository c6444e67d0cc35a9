"""Whatever goes wrong, nobody is waved through without a reason, and nobody waits for ever."""

from __future__ import annotations

from tests.serving.faults.run import storm


async def test_a_short_storm_is_weathered() -> None:
    """The long one is `python -m tests.serving.faults.run`."""
    outcome = await storm(calls=2_000, seed=7)
    assert outcome.unjustified == []
    assert outcome.late == []
    assert outcome.left == {}
    assert outcome.calls["ALCOHOL_DECISION_ALLOW"] > 0
    assert sum(outcome.faults.values()) > 0
