"""What the gateway knows: reports, a photo's assessment, and how it is."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from agelane.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    assessment_pb2,
    checkout_pb2,
    checkout_pb2_grpc,
    report_pb2,
    report_pb2_grpc,
)
from agelane_serving.console.settings import Settings
from agelane_serving.console.sources import Source, SourceError, Span
from agelane_serving.flags import SettingsError

_REPORT_SECONDS = 60.0
_PHOTO_SECONDS = 5.0
_STATUS_SECONDS = 3.0
_KEEP_SECONDS = 60.0
_MOST_KEPT = 64
_CHANNEL_ARGUMENTS = (
    # gRPC would wait up to two minutes before it looks for a gateway that was away.
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    # A photo never goes through a web proxy that happens to be set for browsers.
    ("grpc.enable_http_proxy", 0),
)
_Answer = TypeVar("_Answer")
_Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ways:
    """How to reach the gateway."""

    gateway: str
    """HOST:PORT of reports and photos."""
    admin: str
    """HOST:PORT of the admin rpcs; empty: there are none."""
    certificates: bytes | None
    """Of those who vouch for both, PEM; None: plaintext."""
    manager: _Metadata
    """What goes beside calls for reports."""
    lane: _Metadata
    """What goes beside photos."""
    operator: _Metadata
    """What goes beside admin calls."""

    def channel(self, target: str) -> grpc.aio.Channel:
        """Return a channel; for one event loop."""
        if self.certificates is None:
            return grpc.aio.insecure_channel(target, _CHANNEL_ARGUMENTS)
        credentials = grpc.ssl_channel_credentials(self.certificates)
        return grpc.aio.secure_channel(target, credentials, _CHANNEL_ARGUMENTS)


def ways(settings: Settings) -> Ways:
    """Return how the settings say that the gateway is reached.

    Raises:
        SettingsError: a file can't be read or used.
    """
    ca = settings.gateway_ca
    return Ways(
        gateway=settings.gateway,
        admin=settings.admin,
        certificates=None if ca is None else _read("--gateway-ca", ca),
        manager=_metadata("--gateway-token-file", settings.gateway_token_file),
        lane=_metadata("--lane-token-file", settings.lane_token_file),
        operator=_metadata("--admin-token-file", settings.admin_token_file),
    )


class Gateway:
    """Asks the gateway, each call with a deadline; SourceError where it can't be had."""

    def __init__(self, ways: Ways) -> None:
        """For the running event loop."""
        self._ways = ways
        self._channel = ways.channel(ways.gateway)
        self._admin_channel = ways.channel(ways.admin) if ways.admin else None
        self._reports: report_pb2_grpc.ReportServiceAsyncStub = report_pb2_grpc.ReportServiceStub(
            self._channel
        )
        self._checkout: checkout_pb2_grpc.CheckoutServiceAsyncStub = (
            checkout_pb2_grpc.CheckoutServiceStub(self._channel)
        )
        self._kept: OrderedDict[tuple[object, ...], tuple[float, asyncio.Future[Any]]]
        self._kept = OrderedDict()

    async def close(self) -> None:
        """End all calls."""
        await self._channel.close(None)
        if self._admin_channel is not None:
            await self._admin_channel.close(None)

    async def cashiers(
        self, store_id: str, cashier_id: str, span: Span
    ) -> report_pb2.GetCashierReportResponse:
        """Return the cashier report of a store and a cashier, "" for all; up to a minute old."""
        request = report_pb2.GetCashierReportRequest(
            store_id=store_id, cashier_id=cashier_id, period=_period(span)
        )
        return await self._keep(
            ("cashiers", store_id, cashier_id, span),
            lambda: self._reports.GetCashierReport(
                request, timeout=_REPORT_SECONDS, metadata=self._ways.manager
            ),
        )

    async def age_groups(self, store_id: str, span: Span) -> report_pb2.GetAgeGroupReportResponse:
        """Return the age-group report of a store, "" for all; up to a minute old."""
        request = report_pb2.GetAgeGroupReportRequest(store_id=store_id, period=_period(span))
        return await self._keep(
            ("age groups", store_id, span),
            lambda: self._reports.GetAgeGroupReport(
                request, timeout=_REPORT_SECONDS, metadata=self._ways.manager
            ),
        )

    async def assess(self, photo: bytes, store_id: str) -> assessment_pb2.Assessment:
        """Return what the gateway says about a photo, which is kept nowhere."""
        request = checkout_pb2.AssessCustomerRequest(photo=photo, store_id=store_id)
        answer = await _answered(
            Source.GATEWAY,
            self._checkout.AssessCustomer(
                request, timeout=_PHOTO_SECONDS, metadata=self._ways.lane
            ),
        )
        return answer.assessment

    async def status(self) -> admin_pb2.GetGatewayStatusResponse | None:
        """Return how one process of the gateway is; None: the console was given no `admin`."""
        if self._admin_channel is None:
            return None
        stub: admin_pb2_grpc.AdminServiceAsyncStub = admin_pb2_grpc.AdminServiceStub(
            self._admin_channel
        )
        request = admin_pb2.GetGatewayStatusRequest()
        return await _answered(
            Source.ADMIN,
            stub.GetGatewayStatus(request, timeout=_STATUS_SECONDS, metadata=self._ways.operator),
        )

    async def _keep(
        self, key: tuple[object, ...], ask: Callable[[], Awaitable[_Answer]]
    ) -> _Answer:
        """Return an answer; several who want the same at once, or soon after, share it."""
        now = time.monotonic()
        asked_at, answer = self._kept.get(key, (-_KEEP_SECONDS, None))
        if answer is None or now - asked_at >= _KEEP_SECONDS or _has_failed(answer):
            answer = asyncio.ensure_future(_answered(Source.REPORTS, ask()))
            self._kept[key] = (now, answer)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        # One who leaves doesn't end it for the others.
        found: _Answer = await asyncio.shield(answer)
        return found


def _has_failed(answer: asyncio.Future[Any]) -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)


async def _answered(source: Source, call: Awaitable[_Answer]) -> _Answer:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise SourceError(source, error.code().name, error.details() or "") from error


def _period(span: Span) -> report_pb2.Period:
    return report_pb2.Period(start=_timestamp(span.start), end=_timestamp(span.end))


def _timestamp(seconds: float) -> Timestamp:
    moment = Timestamp()
    moment.FromMilliseconds(round(1000 * seconds))
    return moment


def _metadata(flag: str, path: Path | None) -> _Metadata:
    if path is None:
        return ()
    token = _read(flag, path).decode("ascii", "replace").strip()
    if not token or not all(" " < character <= "~" for character in token):
        raise SettingsError(f"{flag} {path}: holds no token")
    return (("authorization", f"Bearer {token}"),)


def _read(flag: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{flag} {path}: {error.strerror}") from error
