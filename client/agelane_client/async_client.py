"""The client for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Iterable
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from agelane.v1 import sale_pb2
from agelane.v1.checkout_pb2_grpc import CheckoutServiceStub
from agelane.v1.report_pb2_grpc import ReportServiceStub
from agelane_client import health
from agelane_client.age_group_results import AgeGroupReport
from agelane_client.cashier_results import CashierReport
from agelane_client.convert import to_assessment
from agelane_client.errors import AgelaneError, ClosedError
from agelane_client.frames import AsyncSender, FrameTalk
from agelane_client.hedging import Hedging, race_async
from agelane_client.offline import assess_offline, decides_offline
from agelane_client.options import (
    CHANNEL_ARGUMENTS,
    DEFAULT_REPORT_TIMEOUT,
    DEFAULT_TARGET,
    DEFAULT_TIMEOUT,
    Options,
    Preparation,
    Tls,
)
from agelane_client.reports import (
    age_group_report_request,
    cashier_report_request,
    to_age_group_report,
    to_cashier_report,
)
from agelane_client.requests import Photo, assess_request, customer_start, read_photo_async
from agelane_client.results import Assessment, Health
from agelane_client.rpc_errors import error_from_rpc
from agelane_client.sales import Sale, SaleReceipt, sale_request, to_receipt
from agelane_client.spool import MOST_SALES, AsyncSaleSpool

if TYPE_CHECKING:
    from agelane.v1.checkout_pb2_grpc import CheckoutServiceAsyncStub
    from agelane.v1.report_pb2_grpc import ReportServiceAsyncStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class AsyncClient:
    """`Client` for asyncio: the same methods, to be awaited.

    It may be made anywhere; it belongs to the event loop of its first call.
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        report_timeout: float = DEFAULT_REPORT_TIMEOUT,
        offline: bool = False,
        hedging: float = 0.0,
        store_id: str = "",
        lane_id: str = "",
        token: str = "",
        tls: Tls = False,
        prepare_photos: bool | Preparation = False,
    ) -> None:
        """See `Options` for the arguments. Raises ConfigurationError."""
        self._options = Options(
            *(target, timeout, report_timeout, offline, hedging, store_id, lane_id, token, tls),
            prepare_photos,
        )
        self._hedging = Hedging(hedging) if hedging else None
        self._credentials = self._options.credentials()
        self._closed = False

    async def assess(
        self,
        photo: Photo,
        *,
        store_id: str | None = None,
        lane_id: str | None = None,
        request_id: str | None = None,
        restricted_category: str | None = None,
        timeout: float | None = None,
        offline: bool | None = None,
    ) -> Assessment:
        """Estimate and decide as `Client.assess` does, with the same arguments and errors."""
        try:
            seconds = self._options.seconds(timeout)
            request = assess_request(
                await read_photo_async(photo, self._options.prepare_photos, seconds),
                self._options,
                store_id=store_id,
                lane_id=lane_id,
                request_id=request_id,
                restricted_category=restricted_category,
            )
            response = await self._call(
                self._checkout.AssessCustomer,
                request,
                timeout,
                request_id=request.request_id,
                hedging=self._hedging,
            )
        except AgelaneError as error:
            if not decides_offline(error, self._options, offline):
                raise
            return assess_offline(
                error, request_id=request_id, restricted_category=restricted_category
            )
        return to_assessment(response.assessment)

    async def assess_frames(
        self,
        photos: Iterable[Photo] | AsyncIterable[Photo],
        *,
        store_id: str | None = None,
        lane_id: str | None = None,
        request_id: str | None = None,
        restricted_category: str | None = None,
        timeout: float | None = None,
        offline: bool | None = None,
    ) -> Assessment:
        """Assess as `Client.assess_frames` does; a plain iterable is read in a thread."""
        try:
            talk = FrameTalk(
                customer_start(
                    self._options,
                    store_id=store_id,
                    lane_id=lane_id,
                    request_id=request_id,
                    restricted_category=restricted_category,
                ),
                self._options.prepare_photos,
            )
            return to_assessment(talk.assessment(await self._talk(talk, photos, timeout)))
        except AgelaneError as error:
            if not decides_offline(error, self._options, offline):
                raise
            return assess_offline(
                error, request_id=request_id, restricted_category=restricted_category
            )

    async def record_sale(self, sale: Sale, *, timeout: float | None = None) -> SaleReceipt:
        """Record a sale as `Client.record_sale` does, with the same arguments and errors."""
        return await self._record(sale_request(sale, self._options), timeout)

    def sale_spool(
        self, path: str | os.PathLike[str], *, most_sales: int = MOST_SALES
    ) -> AsyncSaleSpool:
        """Return a spool as `Client.sale_spool` does, with the same arguments and errors."""
        return AsyncSaleSpool(self._record, path, self._options, most_sales)

    async def cashier_report(
        self,
        *,
        store_id: str | None = None,
        cashier_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        restricted_category: str | None = None,
        timeout: float | None = None,
    ) -> CashierReport:
        """Ask as `Client.cashier_report` does, with the same arguments and errors."""
        request = cashier_report_request(
            self._options,
            store_id=store_id,
            cashier_id=cashier_id,
            start=start,
            end=end,
            restricted_category=restricted_category,
        )
        seconds = self._options.report_seconds(timeout)
        return to_cashier_report(await self._call(self._reports.GetCashierReport, request, seconds))

    async def age_group_report(
        self,
        *,
        store_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        timeout: float | None = None,
    ) -> AgeGroupReport:
        """Ask as `Client.age_group_report` does, with the same arguments and errors."""
        request = age_group_report_request(self._options, store_id=store_id, start=start, end=end)
        seconds = self._options.report_seconds(timeout)
        response = await self._call(self._reports.GetAgeGroupReport, request, seconds)
        return to_age_group_report(response)

    async def health(self, *, timeout: float | None = None) -> Health:
        """Ask whether the gateway takes calls. Raises AgelaneError if it doesn't answer."""
        return health.to_health(await self._call(self._check, health.REQUEST, timeout))

    async def close(self) -> None:
        """End the connection and the calls that are in progress."""
        self._closed = True
        if "_channel" in self.__dict__:
            await self._channel.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        if self._closed:
            raise ClosedError("the client is closed")
        target = self._options.target
        if self._credentials is None:
            return grpc.aio.insecure_channel(target, CHANNEL_ARGUMENTS)
        return grpc.aio.secure_channel(target, self._credentials, CHANNEL_ARGUMENTS)

    @cached_property
    def _checkout(self) -> CheckoutServiceAsyncStub:
        return CheckoutServiceStub(self._channel)

    @cached_property
    def _reports(self) -> ReportServiceAsyncStub:
        return ReportServiceStub(self._channel)

    @cached_property
    def _check(self) -> grpc.aio.UnaryUnaryMultiCallable[StringValue, Int32Value]:
        return self._channel.unary_unary(
            health.METHOD, StringValue.SerializeToString, Int32Value.FromString
        )

    async def _record(
        self, request: sale_pb2.RecordSaleRequest, timeout: float | None
    ) -> SaleReceipt:
        method = self._checkout.RecordSale
        return to_receipt(await self._call(method, request, timeout, request_id=request.sale_id))

    async def _call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        timeout: float | None,
        request_id: str = "",
        hedging: Hedging | None = None,
    ) -> _Response:
        seconds = self._options.seconds(timeout)
        metadata = self._options.metadata
        try:
            if hedging:
                return await race_async(
                    lambda left: method(request, timeout=left, metadata=metadata),
                    seconds,
                    hedging,
                )
            return await method(request, timeout=seconds, metadata=metadata)
        except (grpc.RpcError, grpc.aio.UsageError, asyncio.CancelledError) as error:
            raise self._failed(error, request_id) from error

    async def _talk(
        self,
        talk: FrameTalk,
        photos: Iterable[Photo] | AsyncIterable[Photo],
        timeout: float | None,
    ) -> AgelaneError | None:
        """Send photos and note the answers; return what ended that early."""
        seconds = self._options.seconds(timeout)
        sender = AsyncSender(talk, photos)

        failed: AgelaneError | None = None
        try:
            answers = self._checkout.AssessCustomerStream(
                sender.requests(), timeout=seconds, metadata=self._options.metadata
            )
            try:
                async for answer in answers:
                    talk.answered(answer)
                    sender.go_on(more=not talk.is_settled)
            finally:
                sender.go_on(more=False)
                answers.cancel()
        except (grpc.RpcError, grpc.aio.UsageError, asyncio.CancelledError) as error:
            failed = self._failed(error, talk.request_id)
        if sender.error is not None:
            raise sender.error
        return failed

    def _failed(
        self, error: grpc.RpcError | grpc.aio.UsageError | asyncio.CancelledError, request_id: str
    ) -> AgelaneError:
        """Return what a failed call means; raise what has nothing to do with gRPC."""
        if isinstance(error, grpc.RpcError):
            return error_from_rpc(error, request_id)
        # UsageError is how gRPC says before a call that the channel is closed. CancelledError is
        # how calls in progress end when it is closed under them, but not only.
        if isinstance(error, asyncio.CancelledError) and (not self._closed or _task_is_cancelled()):
            raise error
        closed = ClosedError("the client is closed")
        closed.__cause__ = error
        return closed


def _task_is_cancelled() -> bool:
    """Say whether somebody cancelled the current task (False before Python 3.11, which knows)."""
    cancelling = getattr(asyncio.current_task(), "cancelling", None)
    return cancelling is not None and cancelling() > 0
