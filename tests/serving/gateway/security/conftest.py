"""Authorities that vouch for gateways and tills."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.gateway.security.certificates import Authority, Pair


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The chain's own authority."""
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Somebody else's."""
    return Authority(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture
def pair(ours: Authority, tmp_path: Path) -> Pair:
    """A gateway's certificate and key, where they may be changed."""
    pair = Pair(tmp_path / "gateway.pem", tmp_path / "gateway.key")
    ours.issue("gateway").copy_to(pair)
    return pair
