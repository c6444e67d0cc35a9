"""The client for threads and gevent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import TypeVar

import grpc
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from agelane.v1 import sale_pb2
from agelane.v1.checkout_pb2_grpc import CheckoutServiceStub
from agelane.v1.report_pb2_grpc import ReportServiceStub
from agelane_client import health
from agelane_client.age_group_results import AgeGroupReport
from agelane_client.cashier_results import CashierReport
from agelane_client.convert import to_assessment
from agelane_client.errors import AgelaneError, ClosedError
from agelane_client.frames import FrameTalk, Sender
from agelane_client.hedging import Hedging, race
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
from agelane_client.requests import Photo, assess_request, customer_start, read_photo
from agelane_client.results import Assessment, Health
from agelane_client.rpc_errors import error_from_rpc
from agelane_client.sales import Sale, SaleReceipt, sale_request, to_receipt
from agelane_client.spool import MOST_SALES, SaleSpool

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class Client:
    """A connection to agelane's gateway; one serves all threads of a till.

    Calls block the thread, or under gevent (after grpc.experimental.gevent.init_gevent()) the
    greenlet. The connection is made at the first call and made anew whenever it breaks.
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
        self._closed = False
        credentials = self._options.credentials()
        self._channel = (
            grpc.insecure_channel(target, CHANNEL_ARGUMENTS)
            if credentials is None
            else grpc.secure_channel(target, credentials, CHANNEL_ARGUMENTS)
        )
        self._checkout = CheckoutServiceStub(self._channel)
        self._reports = ReportServiceStub(self._channel)
        self._check: grpc.UnaryUnaryMultiCallable[StringValue, Int32Value]
        self._check = self._channel.unary_unary(
            health.METHOD, StringValue.SerializeToString, Int32Value.FromString
        )

    def assess(
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
        """Estimate the age of the person on `photo` and decide about age-restricted goods.

        Args:
            photo: a JPEG or PNG file of at most 1 MiB, as bytes or as a path; or, with the extra
                `photos`, a Pillow image or a NumPy array, which is prepared first.
            store_id: the store, if not the client's.
            lane_id: the lane, if not the client's.
            request_id: name of the call in the gateway's log; made up if not given.
            restricted_category: the goods in question; "alcohol" if not given.
            timeout: seconds for this call, if not the client's.
            offline: whether to answer VERIFY_ID where there is no decision, if not the client's.

        Raises:
            AgelaneError: there is no decision; see `agelane_client.errors` for the kinds. With
                `offline` only ClosedError and ConfigurationError.
        """
        try:
            request = assess_request(
                read_photo(photo, self._options.prepare_photos),
                self._options,
                store_id=store_id,
                lane_id=lane_id,
                request_id=request_id,
                restricted_category=restricted_category,
            )
            response = self._call(
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

    def assess_frames(
        self,
        photos: Iterable[Photo],
        *,
        store_id: str | None = None,
        lane_id: str | None = None,
        request_id: str | None = None,
        restricted_category: str | None = None,
        timeout: float | None = None,
        offline: bool | None = None,
    ) -> Assessment:
        """Assess one customer by several photos, fused into a sharper answer.

        A photo is taken when the one before is answered, until more would not change the decision
        or the time is over: then the answer is what was seen so far. A photo that can't be used is
        left out.

        Args:
            photos: of one customer, for example a generator that reads a camera.
            store_id: as for `assess`, like all that follow.
            lane_id: the lane.
            request_id: one for all photos.
            restricted_category: the goods in question.
            timeout: seconds for all photos together, if not the client's.
            offline: whether to answer VERIFY_ID where there is no decision.

        Raises:
            AgelaneError: there is no decision, as for `assess`.
            Exception: whatever `photos` raises.
        """
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
            return to_assessment(talk.assessment(self._talk(talk, photos, timeout)))
        except AgelaneError as error:
            if not decides_offline(error, self._options, offline):
                raise
            return assess_offline(
                error, request_id=request_id, restricted_category=restricted_category
            )

    def record_sale(self, sale: Sale, *, timeout: float | None = None) -> SaleReceipt:
        """Record a sale; when this returns, it is durable.

        Args:
            sale: what happened. Recorded again, it is told by the receipt, and changes nothing.
            timeout: seconds for this call, if not the client's.

        Raises:
            AgelaneError: it is not recorded, or nobody knows; call again with the same sale.
        """
        return self._record(sale_request(sale, self._options), timeout)

    def sale_spool(
        self, path: str | os.PathLike[str], *, most_sales: int = MOST_SALES
    ) -> SaleSpool:
        """Return a spool: its `record` keeps sales on this machine until a gateway has them.

        Args:
            path: its file, one for each lane; made if it is not there. What was left there is told
                at once.
            most_sales: how many it may hold.

        Raises:
            SpoolError: the file can't be used, or another process uses it.
        """
        return SaleSpool(self._record, path, self._options, most_sales)

    def cashier_report(
        self,
        *,
        store_id: str | None = None,
        cashier_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        restricted_category: str | None = None,
        timeout: float | None = None,
    ) -> CashierReport:
        """Ask whether cashiers check documents where they must.

        Args:
            store_id: the store, if not the client's; "" for every store that the caller may see.
            cashier_id: one cashier only; all if not given.
            start: first moment, with a time zone; 28 days before `end` if not given.
            end: first moment after it, with a time zone; now if not given.
            restricted_category: the goods in question; "alcohol" if not given.
            timeout: seconds for this call, if not the client's `report_timeout`.

        Raises:
            AgelaneError: there is no report.
        """
        request = cashier_report_request(
            self._options,
            store_id=store_id,
            cashier_id=cashier_id,
            start=start,
            end=end,
            restricted_category=restricted_category,
        )
        seconds = self._options.report_seconds(timeout)
        return to_cashier_report(self._call(self._reports.GetCashierReport, request, seconds))

    def age_group_report(
        self,
        *,
        store_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        timeout: float | None = None,
    ) -> AgeGroupReport:
        """Ask what each age group buys, with arguments and errors as for `cashier_report`."""
        request = age_group_report_request(self._options, store_id=store_id, start=start, end=end)
        seconds = self._options.report_seconds(timeout)
        return to_age_group_report(self._call(self._reports.GetAgeGroupReport, request, seconds))

    def health(self, *, timeout: float | None = None) -> Health:
        """Ask whether the gateway takes calls. Raises AgelaneError if it doesn't answer."""
        return health.to_health(self._call(self._check, health.REQUEST, timeout))

    def close(self) -> None:
        """End the connection and the calls that are in progress."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _record(self, request: sale_pb2.RecordSaleRequest, timeout: float | None) -> SaleReceipt:
        method = self._checkout.RecordSale
        return to_receipt(self._call(method, request, timeout, request_id=request.sale_id))

    def _call(
        self,
        method: grpc.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        timeout: float | None,
        request_id: str = "",
        hedging: Hedging | None = None,
    ) -> _Response:
        seconds = self._options.seconds(timeout)
        metadata = self._options.metadata
        try:
            if hedging:
                return race(
                    lambda left: method.future(request, timeout=left, metadata=metadata),
                    seconds,
                    hedging,
                )
            return method(request, timeout=seconds, metadata=metadata)
        except (grpc.RpcError, ValueError) as error:
            raise self._failed(error, request_id) from error

    def _talk(
        self, talk: FrameTalk, photos: Iterable[Photo], timeout: float | None
    ) -> AgelaneError | None:
        """Send photos and note the answers; return what ended that early."""
        seconds = self._options.seconds(timeout)
        sender = Sender(talk, photos)
        failed: AgelaneError | None = None
        try:
            answers = self._checkout.AssessCustomerStream(
                sender.requests(), timeout=seconds, metadata=self._options.metadata
            )
            try:
                for answer in answers:
                    talk.answered(answer)
                    sender.go_on(more=not talk.is_settled)
            finally:
                sender.go_on(more=False)
                answers.cancel()
        except (grpc.RpcError, ValueError) as error:
            failed = self._failed(error, talk.request_id)
        if sender.error is not None:
            raise sender.error
        return failed

    def _failed(self, error: grpc.RpcError | ValueError, request_id: str) -> AgelaneError:
        """Return what a failed call means; raise what has nothing to do with gRPC."""
        if self._closed:  # ValueError is how grpc says it before a call, CANCELLED during one
            closed = ClosedError("the client is closed")
            closed.__cause__ = error
            return closed
        if isinstance(error, grpc.RpcError):
            return error_from_rpc(error, request_id)
        raise error
