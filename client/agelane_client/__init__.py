"""Client SDK of agelane: a photo in, an age and an alcohol decision out.

    from agelane_client import AgelaneError, Client

    with Client("127.0.0.1:50051") as client:
        try:
            assessment = client.assess("customer.jpg")
        except AgelaneError:
            ...  # no decision was made: the cashier looks at a document

Nothing here waits for ever: each call has a deadline, one second unless told otherwise, and each
report 60 seconds. `Client(offline=True)` decides VERIFY_ID by itself instead of raising.
"""

from __future__ import annotations

from agelane_client.age_group_results import (
    AgeGroupPurchases,
    AgeGroupReport,
    CategoryLift,
    OfferEffect,
)
from agelane_client.async_client import AsyncClient
from agelane_client.cashier_results import (
    CashierAlert,
    CashierAlertKind,
    CashierAlertState,
    CashierReport,
    CashierSummary,
    Funnel,
    FunnelLimit,
)
from agelane_client.client import Client
from agelane_client.errors import (
    AgelaneError,
    AuthError,
    ClosedError,
    ConfigurationError,
    CredentialsError,
    DeadlineError,
    OverloadedError,
    PermissionDeniedError,
    PhotoError,
    RequestError,
    SaleError,
    ServerError,
    SpoolError,
    UnavailableError,
)
from agelane_client.options import __version__
from agelane_client.results import (
    AgeGroup,
    AlcoholDecision,
    Assessment,
    BoundingBox,
    DecisionReason,
    DecisionSource,
    Estimate,
    Health,
    Model,
    Offer,
    Period,
    PhotoQuality,
)
from agelane_client.sales import (
    BasketLine,
    DocumentCheck,
    DocumentReading,
    DocumentResult,
    RefusalReason,
    Sale,
    SaleOutcome,
    SaleReceipt,
)
from agelane_client.spool import AsyncSaleSpool, SaleSpool, SpoolStatus
from agelane_client.spool_file import RefusedSale

__all__ = [
    "AgeGroup",
    "AgeGroupPurchases",
    "AgeGroupReport",
    "AgelaneError",
    "AlcoholDecision",
    "Assessment",
    "AsyncClient",
    "AsyncSaleSpool",
    "AuthError",
    "BasketLine",
    "BoundingBox",
    "CashierAlert",
    "CashierAlertKind",
    "CashierAlertState",
    "CashierReport",
    "CashierSummary",
    "CategoryLift",
    "Client",
    "ClosedError",
    "ConfigurationError",
    "CredentialsError",
    "DeadlineError",
    "DecisionReason",
    "DecisionSource",
    "DocumentCheck",
    "DocumentReading",
    "DocumentResult",
    "Estimate",
    "Funnel",
    "FunnelLimit",
    "Health",
    "Model",
    "Offer",
    "OfferEffect",
    "OverloadedError",
    "Period",
    "PermissionDeniedError",
    "PhotoError",
    "PhotoQuality",
    "RefusalReason",
    "RefusedSale",
    "RequestError",
    "Sale",
    "SaleError",
    "SaleOutcome",
    "SaleReceipt",
    "SaleSpool",
    "ServerError",
    "SpoolError",
    "SpoolStatus",
    "UnavailableError",
    "__version__",
]
