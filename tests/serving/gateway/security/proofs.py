"""Keys and proofs for tests, and any proof there could be."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from agelane.v1 import assessment_pb2
from agelane_serving.gateway.security.assessment_token import read_key_ring
from agelane_serving.gateway.security.proof import Proof
from agelane_serving.policy.age_groups import MOST_AGE_GROUPS
from agelane_serving.policy.offers import LONGEST_ID, MOST_OFFERS

OLD_KEY, KEY = bytes(range(32)), bytes(range(32, 64))
OLD_TEXT, TEXT = base64.b64encode(OLD_KEY).decode(), base64.b64encode(KEY).decode()
GOOD = f"""
schema = 1
signing = "2026-11"
[keys]
"2026-10" = "{OLD_TEXT}"
"2026-11" = "{TEXT}"
"""
RING = read_key_ring(GOOD)
PROOF = Proof(
    assessment_id="0123456789abcdef0123456789abcdef",
    store_id="hamburg-1",
    lane_id="3",
    restricted_category="alcohol",
    decision="ALLOW",
    reasons=("CLEARLY_OVER_LEGAL_AGE",),
    legal_age_years=18,
    probability_under_legal_age=0.0012,
    age_interval_years=(21.4, 38.9),
    age_group_shares=(0.0, 0.12, 0.7, 0.18, 0.0),
    model_version=17,
    policy_version="0123456789abcdef",
    assessed_at=1_793_456_789.123,
    expires_at=1_793_457_089.123,
    offer_ids=("fresh-milk", "beer-of-the-month"),
    offers_held_out=True,
)
REASONS = tuple(
    name.removeprefix("DECISION_REASON_") for name in assessment_pb2.DecisionReason.keys()[1:]
)
NOW = PROOF.assessed_at
LARGEST = Proof(
    assessment_id="a" * 32,
    store_id="b" * 64,
    lane_id="c" * 64,
    restricted_category="d" * 64,
    decision="E" * 9,
    reasons=("F" * 64, "G" * 64, "H" * 64, "I" * 64, "J" * 29),
    legal_age_years=100,
    probability_under_legal_age=2.2250738585072014e-308,
    age_interval_years=(100.0, 100.0),
    age_group_shares=(0.11,) * MOST_AGE_GROUPS,
    model_version=2**63 - 1,
    policy_version="k" * 16,
    assessed_at=253_402_300_798.123,
    expires_at=253_402_300_798.999,
    offer_ids=("l" * LONGEST_ID,) * MOST_OFFERS,
    offers_held_out=False,
)

names = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
offer_ids = st.from_regex(rf"[A-Za-z0-9._-]{{1,{LONGEST_ID}}}", fullmatch=True)
names_or_none = st.just("") | names
years = st.integers(0, 1000).map(lambda tenths: tenths / 10)
shares = st.integers(0, 100).map(lambda percent: percent / 100)
milliseconds = st.integers(0, 253_402_200_000_000)  # in the year 9999


@st.composite
def proofs(draw: st.DrawFn) -> Proof:
    """Any proof within the limits."""
    begun = draw(milliseconds)
    return Proof(
        assessment_id=draw(st.from_regex(r"[0-9a-f]{32}", fullmatch=True)),
        store_id=draw(names_or_none),
        lane_id=draw(names_or_none),
        restricted_category=draw(names),
        decision=draw(st.sampled_from(["ALLOW", "VERIFY_ID", "REFUSE"])),
        reasons=tuple(draw(st.lists(st.sampled_from(REASONS), min_size=1, unique=True))),
        legal_age_years=draw(st.integers(1, 100)),
        probability_under_legal_age=draw(st.none() | st.floats(0, 1)),
        age_interval_years=draw(st.none() | st.tuples(years, years)),
        age_group_shares=tuple(draw(st.lists(shares, max_size=MOST_AGE_GROUPS))),
        model_version=draw(st.none() | st.integers(1, 2**63 - 1)),
        policy_version=draw(st.from_regex(r"[0-9a-f]{16}", fullmatch=True)),
        assessed_at=begun / 1000,
        expires_at=(begun + draw(st.integers(1, 86_400_000))) / 1000,
        offer_ids=tuple(draw(st.lists(offer_ids, max_size=MOST_OFFERS))),
        offers_held_out=draw(st.booleans()),
    )
