"""Decisions, and nothing else: no I/O, no transport, no clock. See `load_policy` and `decide`."""

from __future__ import annotations

from agelane_serving.policy.age_groups import AgeGroup, group_shares
from agelane_serving.policy.card import Card, CardError, read_card
from agelane_serving.policy.certificate import Certificate
from agelane_serving.policy.decision import Decision, Reason, Verdict, audited, decide, verify_id
from agelane_serving.policy.distribution import AgeDistribution, DistributionError
from agelane_serving.policy.face import Box, FaceGates, Faces
from agelane_serving.policy.fusion import MOST_FRAMES, Frame, FusedCustomer, fuse_customer
from agelane_serving.policy.offers import (
    NO_OFFERS,
    LiftLows,
    Offer,
    OfferBook,
    Offerer,
    Selection,
    with_restrictions,
)
from agelane_serving.policy.offers_file import (
    load_offers,
    read_lift_lows,
    read_restricted_categories,
)
from agelane_serving.policy.policy_file import load_policy
from agelane_serving.policy.rules import Policy, PolicyError, Requirement, Rule, UnknownCategory

__all__ = [
    "MOST_FRAMES",
    "NO_OFFERS",
    "AgeDistribution",
    "AgeGroup",
    "Box",
    "Card",
    "CardError",
    "Certificate",
    "Decision",
    "DistributionError",
    "FaceGates",
    "Faces",
    "Frame",
    "FusedCustomer",
    "LiftLows",
    "Offer",
    "OfferBook",
    "Offerer",
    "Policy",
    "PolicyError",
    "Reason",
    "Requirement",
    "Rule",
    "Selection",
    "UnknownCategory",
    "Verdict",
    "audited",
    "decide",
    "fuse_customer",
    "group_shares",
    "load_offers",
    "load_policy",
    "read_card",
    "read_lift_lows",
    "read_restricted_categories",
    "verify_id",
    "with_restrictions",
]
