"""In a cluster nobody reaches anybody, but for those who are named."""

from __future__ import annotations

from typing import Any

import pytest

from agelane_serving.gateway.settings import Settings
from tests.serving.containers.manifests import name, one
from tests.serving.containers.test_kubernetes import (
    BASE,
    CONSOLE,
    GATEWAY,
    MIGRATION,
    NIGHTLY,
    OFFICE,
    TFSERVING,
    port_of,
    settings,
)

__all__ = ["settings"]  # fixture


def reached(policy: str, direction: str) -> set[tuple[str, int]]:
    """Return whom a policy lets in (ingress) or lets its pods reach (egress), and where."""
    rules = one(BASE, "NetworkPolicy", policy)["spec"].get(direction, [])
    return {
        ("/".join(peer_labels(peer)), port["port"])
        for rule in rules
        for peer in rule["from" if direction == "ingress" else "to"]
        for port in rule["ports"]
    }


def peer_labels(peer: dict[str, Any]) -> list[str]:
    """Return the labels that a peer must have, first those of its namespace."""
    if "ipBlock" in peer:
        return [peer["ipBlock"]["cidr"]]
    kinds = [
        peer[kind]["matchLabels"] for kind in ("namespaceSelector", "podSelector") if kind in peer
    ]
    return [value for labels in kinds for value in labels.values()]


def test_nobody_is_let_through_but_by_name() -> None:
    """One policy, for all pods of the namespace, allows nothing; some others allow something."""
    policies = [m for m in BASE if m["kind"] == "NetworkPolicy"]
    servers = (TFSERVING, GATEWAY, OFFICE, CONSOLE)
    assert {name(m) for m in policies} == {"nobody", "ledger", *map(name, servers)}
    assert one(BASE, "NetworkPolicy", "nobody")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    for deployment in servers:
        policy = one(BASE, "NetworkPolicy", name(deployment))["spec"]
        assert policy["podSelector"] == deployment["spec"]["selector"]
        assert policy["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize(
    ("policy", "callers", "called"),
    [
        # TensorFlow Serving lets anybody load other models, and reaches nobody itself. Its metrics
        # stand on the REST port, which only asks the model.
        (
            "model-server",
            {("gateway", 8500), ("office", 8500), ("monitoring", 8501)},
            set(),
        ),
        (
            "gateway",
            {("envoy-gateway-system", 50051), ("monitoring", 9464)},
            {("model-server", 8500)},
        ),
        (
            "office",
            {("envoy-gateway-system", 50051), ("console", 50051), ("console", 50052)},
            {("model-server", 8500)},
        ),
        ("console", {("envoy-gateway-system", 8443)}, {("office", 50051), ("office", 50052)}),
        # The address is nobody's, until somebody says where the database is.
        ("ledger", set(), {("192.0.2.1/32", 5432), ("kube-system/kube-dns", 53)}),
    ],
)
def test_who_reaches_whom(
    policy: str, callers: set[tuple[str, int]], called: set[tuple[str, int]]
) -> None:
    """At which port, and nobody else."""
    assert reached(policy, "ingress") == callers
    assert reached(policy, "egress") == called


def test_all_who_have_a_ledger_may_reach_it_and_the_name_server() -> None:
    """Gateways need the latter for the model servers too."""
    label = one(BASE, "NetworkPolicy", "ledger")["spec"]["podSelector"]["matchLabels"]
    for manifest in (GATEWAY, OFFICE, CONSOLE, NIGHTLY, MIGRATION):
        spec = manifest["spec"]
        spec = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec
        assert label.items() <= spec["template"]["metadata"]["labels"].items()
    assert "agelane/ledger" not in TFSERVING["spec"]["template"]["metadata"]["labels"]


def test_the_ports_in_policies_are_those_that_are_listened_on(settings: Settings) -> None:
    """Of the gateway; the others' stand in the compose file."""
    assert {port for _, port in reached("gateway", "ingress")} == {
        port_of(settings.listen),
        port_of(settings.metrics_listen),
    }
