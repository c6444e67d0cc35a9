"""Whatever becomes of the gateway, each call of a till ends, with a decision or a typed error."""

from __future__ import annotations

from tests.client.storm import storm


async def test_a_short_storm_is_weathered() -> None:
    """The long one is `python -m tests.client.storm`, which also looks at the deadlines."""
    came, faults = await storm(calls=1_600, seed=3)
    for calls in came.values():
        assert calls.untyped == []
        assert sum(calls.ends.values()) == 800
        assert calls.ends["VERIFY_ID"] > 0
        # A busy machine may be late, but nothing hangs.
        assert calls.latest_ms < 20_000
    assert sum(faults.values()) > 0
