"""What the tests of the policy share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine fails no test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
