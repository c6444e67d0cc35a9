"""An upgrade in the middle of the day costs no customer a second look."""

from __future__ import annotations

from tests.serving.faults.rolling import roll


async def test_no_call_fails_while_gateways_and_model_servers_are_restarted() -> None:
    """Each of them once; twenty times is `python -m tests.serving.faults.rolling`."""
    ends = await roll(restarts=2)
    assert ends.keys() == {"answered"}
    assert ends["answered"] > 20
