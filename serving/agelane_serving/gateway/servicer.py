"""The rpcs: convert in, call the use case, convert out."""

from __future__ import annotations

import logging
import time
from typing import Any, NoReturn

import grpc

from agelane.v1 import checkout_pb2, checkout_pb2_grpc, report_pb2_grpc
from agelane_serving.gateway.assessment import Assessment, Assessor
from agelane_serving.gateway.convert import to_customer, to_message
from agelane_serving.gateway.deadline import deadline_for
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.logs import request_id
from agelane_serving.gateway.status import answers_errors

_logger = logging.getLogger(__name__)
_Context = grpc.aio.ServicerContext[Any, Any]


class CheckoutService(checkout_pb2_grpc.CheckoutServiceServicer):
    """What a till calls."""

    def __init__(self, assessor: Assessor) -> None:
        """Answer with the assessments of `assessor`."""
        self._assessor = assessor

    @answers_errors
    async def AssessCustomer(
        self, request: checkout_pb2.AssessCustomerRequest, context: _Context
    ) -> checkout_pb2.AssessCustomerResponse:
        """Assess one photo."""
        begun = time.monotonic()
        deadline = deadline_for(context.time_remaining())
        customer = to_customer(request)
        request_id.set(customer.request_id)
        assessment = await self._assessor.assess(customer, deadline)
        _log(assessment, time.monotonic() - begun)
        return checkout_pb2.AssessCustomerResponse(assessment=to_message(assessment))

    @answers_errors
    async def AssessCustomerStream(  # type: ignore[override]  # gRPC takes coroutines here too
        self, request_iterator: object, context: _Context
    ) -> NoReturn:
        """Not there yet."""
        raise _not_implemented("AssessCustomerStream")

    @answers_errors
    async def RecordSale(self, request: object, context: _Context) -> NoReturn:
        """Not there yet."""
        raise _not_implemented("RecordSale")


class ReportService(report_pb2_grpc.ReportServiceServicer):
    """What a manager calls."""

    @answers_errors
    async def GetCashierReport(self, request: object, context: _Context) -> NoReturn:
        """Not there yet."""
        raise _not_implemented("GetCashierReport")

    @answers_errors
    async def GetAgeGroupReport(self, request: object, context: _Context) -> NoReturn:
        """Not there yet."""
        raise _not_implemented("GetAgeGroupReport")


def _not_implemented(rpc: str) -> CallError:
    return CallError(Fault.NOT_IMPLEMENTED, f"this gateway has no {rpc}")


def _log(assessment: Assessment, seconds: float) -> None:
    _logger.info(
        "%s %s by version %s in %.1f ms",
        assessment.verdict.decision.name,
        ",".join(reason.name for reason in assessment.verdict.reasons),
        assessment.model_version,
        1000 * seconds,
    )
