"""What age groups buy and what offers bring, over a ledger."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from agelane_serving.ledger.learnt import read_confusions
from agelane_serving.ledger.store import snapshot
from agelane_serving.policy import AgeGroup
from agelane_serving.policy.age_groups import groups_from_starts
from agelane_serving.reports.age_groups import (
    LEAST_BASKETS,
    Confusion,
    GroupPurchases,
    confusion_from_card,
    lifts_as_text,
    report_age_groups,
    tally,
)
from agelane_serving.reports.cashiers import Period
from agelane_serving.reports.from_ledger.baskets import (
    Which,
    model_versions,
    read_baskets,
    read_offer_effects,
    restricted_categories,
)
from agelane_serving.reports.offers import OfferEffect

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgeGroupReport:
    """What each age group buys, and what the offers bring."""

    groups: tuple[AgeGroup, ...]
    """The groups, the youngest first."""
    naive_shares: tuple[float, ...]
    """Each group's share of the baskets without correction, 0 … 1; empty: too few baskets."""
    purchases: tuple[GroupPurchases, ...]
    """With it, group by group; empty: too few baskets, or the confusion is not known."""
    offers: tuple[OfferEffect, ...]
    """By the offers' names."""


def report_purchases(
    engine: Engine, period: Period, store_id: str, groups: tuple[AgeGroup, ...]
) -> AgeGroupReport:
    """Return what each age group bought at a store, or "" for all.

    Each version of the model errs in its own way, so only the baskets of one count: of those whose
    confusion of these groups is known, the one with the most.

    Raises:
        LedgerError: the database can't be read.
    """
    which = Which.within(period, store_id)
    starts = tuple(group.from_years for group in groups)
    confusions = {
        version: confusion
        for version, confusion in _confusions(engine).items()
        if confusion.group_starts == starts
    }
    with snapshot(engine) as connection:
        offers = read_offer_effects(connection, which)
        version = _version(connection, which, confusions)
        if version is None:
            return AgeGroupReport(groups, (), (), offers)
        counts = tally(read_baskets(connection, which, version, len(groups)), len(groups))
    if counts.everything.count < LEAST_BASKETS:
        return AgeGroupReport(groups, (), (), offers)
    confusion = confusions.get(version)
    purchases = () if confusion is None else report_age_groups(counts, confusion)
    return AgeGroupReport(groups, tuple(counts.everything.mean.tolist()), purchases, offers)


def learn_lifts(engine: Engine, period: Period) -> str | None:
    """Return what offers are ranked by, for `policy.read_lift_lows`, at all stores together.

    None: nothing can be learnt, since no confusion is known.

    Raises:
        LedgerError: the database can't be read.
    """
    confusions = _confusions(engine)
    if not confusions:
        return None
    groups = groups_from_starts(confusions[max(confusions)].group_starts)
    report = report_purchases(engine, period, "", groups)
    with snapshot(engine) as connection:
        restricted = restricted_categories(connection, Which.within(period, ""))
    return lifts_as_text(groups, report.purchases, restricted)


def _confusions(engine: Engine) -> dict[int, Confusion]:
    """Return them by the model's versions; of a card that says nonsense there is none."""
    read: dict[int, Confusion] = {}
    for version, content in read_confusions(engine).items():
        try:
            read[version] = confusion_from_card(json.loads(content))
        except ValueError as error:
            _logger.warning("version %d of the model is left out: %s", version, error)
    return read


def _version(
    connection: Connection, which: Which, confusions: Mapping[int, Confusion]
) -> int | None:
    counts = model_versions(connection, which)
    known = [version for version in counts if version in confusions]
    return max(known or counts, key=lambda version: (counts[version], version), default=None)
