"""Settings for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

os.environ["no_grpc_proxy"] = "127.0.0.1,localhost"  # noqa: SIM112  # this is how gRPC spells it
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's chatter would bury what failed
# No test may depend on how quick or busy the machine is.
settings.register_profile("agelane", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agelane")
