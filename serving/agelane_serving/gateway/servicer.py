"""The rpcs: convert in, call the use case, convert out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import grpc

from agelane.v1 import checkout_pb2, checkout_pb2_grpc, report_pb2, report_pb2_grpc, sale_pb2
from agelane_serving.gateway.access import Access
from agelane_serving.gateway.answers import Answers
from agelane_serving.gateway.assessor import Assessor
from agelane_serving.gateway.convert import set_timestamp, to_customer
from agelane_serving.gateway.deadline import deadline_for
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.lane_streams import LaneStreams
from agelane_serving.gateway.operations.logs import name_request
from agelane_serving.gateway.operations.tracing import call_span
from agelane_serving.gateway.reports import Reports
from agelane_serving.gateway.sales import Sales
from agelane_serving.gateway.security.caller import Role
from agelane_serving.gateway.status import answers_errors, streams_errors
from agelane_serving.ledger.receipt import Result

_Context = grpc.aio.ServicerContext[Any, Any]


class CheckoutService(checkout_pb2_grpc.CheckoutServiceServicer):
    """What a till calls."""

    def __init__(
        self,
        assessor: Assessor,
        access: Access,
        answers: Answers,
        streams: LaneStreams,
        sales: Sales | None,
    ) -> None:
        """All are used as long as the service is; without sales there is no RecordSale."""
        self._assessor, self._access, self._answers = assessor, access, answers
        self._streams, self._sales = streams, sales

    @answers_errors
    async def AssessCustomer(
        self, request: checkout_pb2.AssessCustomerRequest, context: _Context
    ) -> checkout_pb2.AssessCustomerResponse:
        """Assess one photo."""
        begun = time.monotonic()
        with call_span("AssessCustomer", context.invocation_metadata()):
            deadline = deadline_for(context.time_remaining())
            caller = self._access.caller(context, Role.LANE)
            customer = self._access.customer(caller, to_customer(request))
            name_request(customer.request_id)
            self._access.count(caller, customer)
            assessment = await self._assessor.welcome(customer).look(request.photo, deadline)
            message = self._answers.message(assessment)
            self._answers.take_note(assessment, caller, time.monotonic() - begun)
            return checkout_pb2.AssessCustomerResponse(assessment=message)

    @streams_errors
    async def AssessCustomerStream(
        self,
        request_iterator: AsyncIterator[checkout_pb2.AssessCustomerStreamRequest],
        context: _Context,
    ) -> AsyncIterator[checkout_pb2.AssessCustomerStreamResponse]:
        """Assess customer after customer, each from several photos."""
        caller = self._access.caller(context, Role.LANE)
        with self._streams.opened(caller) as stream:
            async for request in self._streams.until_leaving(request_iterator):
                # Each time: a token may be taken back while its stream is open.
                self._access.caller(context, Role.LANE)
                response = await stream.answer(request)
                if response is not None:
                    yield response

    @answers_errors
    async def RecordSale(
        self, request: sale_pb2.RecordSaleRequest, context: _Context
    ) -> sale_pb2.RecordSaleResponse:
        """Record what happened after an assessment, or without one."""
        caller = self._access.caller(context, Role.LANE)
        if self._sales is None:
            raise _not_implemented("RecordSale, since it has no ledger")
        receipt = await self._sales.record(request, caller)
        response = sale_pb2.RecordSaleResponse(
            sale_id=request.sale_id,
            already_recorded=receipt.result is Result.ALREADY_RECORDED,
        )
        set_timestamp(response.recorded_at, receipt.recorded_at)
        return response


class ReportService(report_pb2_grpc.ReportServiceServicer):
    """What a manager calls."""

    def __init__(self, access: Access, reports: Reports | None) -> None:
        """Both are used as long as the service is; without a ledger there are no reports."""
        self._access, self._reports = access, reports

    @answers_errors
    async def GetCashierReport(
        self, request: report_pb2.GetCashierReportRequest, context: _Context
    ) -> report_pb2.GetCashierReportResponse:
        """Tell whether cashiers check documents where they must."""
        caller = self._access.caller(context, Role.MANAGER)
        if self._reports is None:
            raise _no_reports()
        return await self._reports.cashiers(request, caller)

    @answers_errors
    async def GetAgeGroupReport(
        self, request: report_pb2.GetAgeGroupReportRequest, context: _Context
    ) -> report_pb2.GetAgeGroupReportResponse:
        """Tell what each age group buys."""
        caller = self._access.caller(context, Role.MANAGER)
        if self._reports is None:
            raise _no_reports()
        return await self._reports.age_groups(request, caller)


def _not_implemented(rpc: str) -> CallError:
    return CallError(Fault.NOT_IMPLEMENTED, f"this gateway has no {rpc}")


def _no_reports() -> CallError:
    return _not_implemented("reports, since it has no ledger or lacks the extra `reports`")
