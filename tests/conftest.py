"""Settings and files for all tests."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ["no_grpc_proxy"] = "127.0.0.1,localhost"  # noqa: SIM112  # this is how gRPC spells it
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's chatter would bury what failed
# No test may depend on how quick or busy the machine is.
settings.register_profile("agelane", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agelane")


@pytest.fixture(scope="session")
def policy_without_audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in policy, except that it leaves nothing to chance."""
    text = resources.files("agelane_serving.policy").joinpath("default.toml").read_text()
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(re.sub("audit_share = .*", "audit_share = 0", text))
    return path
