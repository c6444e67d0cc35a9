"""Probes as of grpc_health_probe and Kubernetes, with the exit codes of the former.

No package of PyPI, npm or Debian brings its binary. So `node/probe.js` makes the same call, one
unary Health/Check with a service and a deadline, by the health client of grpc-health-check, the npm
package of gRPC's authors. (Envoy's health checks in test_envoy.py are another foreign prober.)
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.foreign.conftest import Node
from tests.serving.foreign.processes import DEADLINE_SECONDS, READY, gateway_for, nobody

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVING, WRONG_ARGUMENTS, NO_CONNECTION, CALL_FAILED, NOT_SERVING = range(5)


async def probe(
    node: Node, address: str, service: str = "", seconds: float = DEADLINE_SECONDS
) -> int:
    """Return the exit code of a probe."""
    return (await node.run("probe.js", address, str(1000 * seconds), service)).code


async def test_a_gateway_with_its_model_is_alive_and_ready(node: Node, address: str) -> None:
    """Alive by the empty name, ready by the service's; an unknown name is an error."""
    assert await probe(node, address) == SERVING
    assert await probe(node, address, READY) == SERVING
    assert await probe(node, address, "agelane.v1.NoSuchService") == CALL_FAILED


async def test_a_gateway_without_a_model_is_alive_and_not_ready(
    node: Node, policy_without_audit: Path
) -> None:
    """So it is left running, and gets no calls."""
    with nobody() as model_server:
        async with gateway_for(model_server, policy_without_audit) as gateway:
            assert await probe(node, gateway.address) == SERVING
            assert await probe(node, gateway.address, READY) == NOT_SERVING


async def test_where_no_gateway_is_a_probe_finds_none(node: Node) -> None:
    """So its answers above mean something."""
    with nobody() as address:
        assert await probe(node, address, seconds=0.5) == NO_CONNECTION
    assert await probe(node, "") == WRONG_ARGUMENTS
