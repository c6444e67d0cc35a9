"""A token file for tests, and what it says."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from agelane_serving.gateway.security.caller import Caller, Role

SECRET, NEW_SECRET = "s" * 43, "n" * 43
END = datetime(2027, 1, 1, tzinfo=UTC).timestamp()


def sha256(secret: str) -> str:
    """Return what the file says of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


GOOD = f"""
schema = 1

[tokens.till-3]
sha256 = "{sha256(SECRET)}"
role = "lane"
store_id = "hamburg-1"
lane_id = "3"
not_after = 2027-01-01T01:00:00+01:00

[tokens."till.3-new"]
sha256 = "{sha256(NEW_SECRET)}"
role = "lane"
store_id = "hamburg-1"

[tokens.maria]
sha256 = "{sha256("m" * 43)}"
role = "manager"
store_id = "hamburg-1"

[tokens.head-office]
sha256 = "{sha256("h" * 43)}"
role = "operator"
"""
LANE = Caller("till-3", Role.LANE, "hamburg-1", "3")
ANY_LANE = Caller("till.3-new", Role.LANE, "hamburg-1", None)
MANAGER = Caller("maria", Role.MANAGER, "hamburg-1", None)
OPERATOR = Caller("head-office", Role.OPERATOR, None, None)
