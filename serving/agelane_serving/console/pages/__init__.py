"""The pages, in the order of the menu."""

from __future__ import annotations

from typing import Any

from agelane_serving.console.gateway import Gateway
from agelane_serving.console.ledger import Ledger
from agelane_serving.console.page import Page
from agelane_serving.console.pages.age_groups import AgeGroupsPage
from agelane_serving.console.pages.alerts import AlertsPage
from agelane_serving.console.pages.cashier import CashierPage
from agelane_serving.console.pages.compliance import CompliancePage
from agelane_serving.console.pages.lanes import LanesPage
from agelane_serving.console.pages.offers import OffersPage
from agelane_serving.console.pages.photo import PhotoPage
from agelane_serving.console.pages.refusals import RefusalsPage
from agelane_serving.console.pages.today import TodayPage
from agelane_serving.console.sessions import Sessions


def all_pages(ledger: Ledger, gateway: Gateway, sessions: Sessions) -> tuple[Page[Any], ...]:
    """Return all pages; each reads from these."""
    return (
        TodayPage(ledger),
        CompliancePage(gateway),
        CashierPage(ledger, gateway),
        AlertsPage(ledger, sessions),
        RefusalsPage(ledger),
        AgeGroupsPage(gateway),
        OffersPage(gateway),
        LanesPage(ledger, gateway),
        PhotoPage(),
    )
