"""Client SDK of agelane: a photo in, an age and an alcohol decision out.

    from agelane_client import AgelaneError, Client

    with Client("127.0.0.1:50051") as client:
        try:
            assessment = client.assess("customer.jpg")
        except AgelaneError:
            ...  # no decision was made: the cashier looks at a document

Nothing here waits for ever: each call has a deadline, one second unless told otherwise.
"""

from __future__ import annotations

from agelane_client.async_client import AsyncClient
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
    ServerError,
    UnavailableError,
)
from agelane_client.options import __version__
from agelane_client.results import (
    AgeGroup,
    AlcoholDecision,
    Assessment,
    BoundingBox,
    DecisionReason,
    Health,
    Model,
    Offer,
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

__all__ = [
    "AgeGroup",
    "AgelaneError",
    "AlcoholDecision",
    "Assessment",
    "AsyncClient",
    "AuthError",
    "BasketLine",
    "BoundingBox",
    "Client",
    "ClosedError",
    "ConfigurationError",
    "CredentialsError",
    "DeadlineError",
    "DecisionReason",
    "DocumentCheck",
    "DocumentReading",
    "DocumentResult",
    "Health",
    "Model",
    "Offer",
    "OverloadedError",
    "PermissionDeniedError",
    "PhotoError",
    "PhotoQuality",
    "RefusalReason",
    "RequestError",
    "Sale",
    "SaleOutcome",
    "SaleReceipt",
    "ServerError",
    "UnavailableError",
    "__version__",
]
