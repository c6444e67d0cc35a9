"""What the SDK offers: neither less than the contract nor more than it says."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Iterator
from importlib.metadata import version

import pytest

import agelane_client
from agelane.v1 import checkout_pb2, report_pb2
from agelane_client import (
    AgelaneError,
    AsyncClient,
    AsyncSaleSpool,
    Client,
    ConfigurationError,
    SaleSpool,
    errors,
)
from agelane_client.options import Options

SDK_METHODS = {
    "CheckoutService.AssessCustomer": "assess",
    "CheckoutService.AssessCustomerStream": "assess_frames",
    "CheckoutService.RecordSale": "record_sale",
    "ReportService.GetAgeGroupReport": "age_group_report",
    "ReportService.GetCashierReport": "cashier_report",
}


def test_the_exported_names_are_these() -> None:
    """A name that is exported stays; one that isn't may change."""
    assert agelane_client.__all__ == [
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
    assert all(hasattr(agelane_client, name) for name in agelane_client.__all__)


def test_every_rpc_is_in_the_sdk() -> None:
    """A new rpc fails here until it has its method."""
    rpcs = {
        f"{service.name}.{method.name}"
        for file in (checkout_pb2, report_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert rpcs == set(SDK_METHODS)
    for method in SDK_METHODS.values():
        assert callable(getattr(Client, method))


def test_both_clients_have_the_same_methods() -> None:
    """With the same arguments and results; those of one must be awaited, and take more kinds."""
    assert public(Client) == public(AsyncClient)
    for name in set(public(Client)) - {"sale_spool"}:
        assert inspect.iscoroutinefunction(getattr(AsyncClient, name))
        assert not inspect.iscoroutinefunction(getattr(Client, name))
    assert inspect.signature(Client) == inspect.signature(AsyncClient)
    assert public(SaleSpool) == public(AsyncSaleSpool)


def public(kind: type) -> dict[str, str]:
    """Return the signatures of the public methods of `kind`, by name."""
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {
        name: re.sub(
            r" \| AsyncIterable\[Photo\]|Async(?=SaleSpool)", "", str(inspect.signature(it))
        )
        for name, it in methods
        if not name.startswith("_")
    }


def test_the_tree_of_exceptions_is_as_drawn() -> None:
    """The docstring names each exception below its parent, as deep as it is derived."""
    drawn = re.findall(r"^([ │├└─]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    assert [(len(indent) // 4 - 1, name) for indent, name in drawn] == list(tree(AgelaneError))


def tree(kind: type[Exception], depth: int = 0) -> Iterator[tuple[int, str]]:
    """Yield `kind` and the exceptions below it, each with its depth."""
    yield depth, kind.__name__
    for child in type.__subclasses__(kind):
        yield from tree(child, depth + 1)


def test_an_exception_survives_pickling() -> None:
    """Tills that work with several processes hand it over."""
    error = errors.OverloadedError("busy", reason="OVERLOADED", retry_after=1.5)
    copy = pickle.loads(pickle.dumps(error))
    assert repr(copy) == "OverloadedError('OVERLOADED: busy')"
    assert copy.retry_after == 1.5


def test_the_version_is_that_of_the_distribution() -> None:
    """It is written twice, so that nothing has to be looked up at run time."""
    assert agelane_client.__version__ == version("agelane-client")


@pytest.mark.parametrize(
    "target",
    [
        "localhost:1",
        "10.0.0.1:65535",
        "[::1]:50051",
        "dns:///gateway.example:50051",
        "unix:/g.sock",
    ],
)
def test_a_target_names_host_and_port(target: str) -> None:
    """Or is a name in gRPC's own notation."""
    assert Options(target).target == target


@pytest.mark.parametrize("target", ["", "localhost", "localhost:", "host:0", "host:70000", "a b:1"])
def test_a_target_that_grpc_would_guess_at_is_refused(target: str) -> None:
    """Without a port gRPC would take 443, and wait."""
    for kind in (Client, AsyncClient):
        with pytest.raises(ConfigurationError):
            kind(target)
