"""A gateway on a port of its own that answers as the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_status import rpc_status

from agelane.v1 import assessment_pb2, checkout_pb2, report_pb2, sale_pb2
from agelane.v1.checkout_pb2_grpc import (
    CheckoutServiceServicer,
    add_CheckoutServiceServicer_to_server,
)
from agelane.v1.report_pb2_grpc import ReportServiceServicer, add_ReportServiceServicer_to_server

Behaviour = Callable[[checkout_pb2.AssessCustomerRequest, Any], assessment_pb2.Assessment]


def answer(assessment: assessment_pb2.Assessment) -> Behaviour:
    """Answer every call with `assessment`, under the call's own request_id."""

    def behave(request: checkout_pb2.AssessCustomerRequest, _: Any) -> assessment_pb2.Assessment:
        reply = assessment_pb2.Assessment()
        reply.CopyFrom(assessment)
        reply.request_id = request.request_id
        return reply

    return behave


def fail(code: grpc.StatusCode, message: str = "as told", *details: Message) -> Behaviour:
    """End every call with `code` and these google.rpc details."""

    def behave(_: checkout_pb2.AssessCustomerRequest, context: Any) -> NoReturn:
        number: int = code.value[0]
        packed = [pack(detail) for detail in details]
        status = status_pb2.Status(code=number, message=message, details=packed)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("abort_with_status returned")

    return behave


def refuse(code: grpc.StatusCode, reason: str, *details: Message) -> Behaviour:
    """End every call as agelane's gateway does, with the ErrorInfo `reason`."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain="agelane.v1")
    return fail(code, f"{reason} happened", info, *details)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave in one way after the other, one call each; the last one stays."""
    left = list(behaviours)
    lock = threading.Lock()

    def behave(
        request: checkout_pb2.AssessCustomerRequest, context: Any
    ) -> assessment_pb2.Assessment:
        with lock:
            behaviour = left.pop(0) if len(left) > 1 else left[0]
        return behaviour(request, context)

    return behave


def pack(message: Message) -> AnyMessage:
    """Return `message` in an Any."""
    packed = AnyMessage()
    packed.Pack(message)
    return packed


class FakeGateway(CheckoutServiceServicer, ReportServiceServicer):
    """The server. Runs from the start until `stop`; records the requests that it got."""

    def __init__(self, behaviour: Behaviour, port: int = 0) -> None:
        """`behaviour` makes the answers, and may be exchanged; port 0 is any free one."""
        self.behaviour = behaviour
        self.requests: list[checkout_pb2.AssessCustomerRequest] = []
        self.sales: list[sale_pb2.RecordSaleRequest] = []
        self.report: Callable[[Any, Any], Any] = self.hang
        self.asked: list[Any] = []
        self.events: list[checkout_pb2.AssessCustomerStreamRequest] = []
        self.settled_after = 0
        self.metadata: list[dict[str, str | bytes]] = []
        self.called = threading.Event()
        self._stopped = threading.Event()
        self._health = HealthServicer()
        self.set_health(HealthCheckResponse.SERVING)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=16), options=[("grpc.so_reuseport", 0)]
        )
        add_CheckoutServiceServicer_to_server(self, self._server)
        add_ReportServiceServicer_to_server(self, self._server)
        add_HealthServicer_to_server(self._health, self._server)
        self.target = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        self._server.start()

    def hang(self, request: object, _: Any) -> NoReturn:
        """Be a behaviour that never answers."""
        self._stopped.wait()
        raise RuntimeError("the test is over")

    def set_health(self, status: HealthCheckResponse.ServingStatus.ValueType) -> None:
        """Say `status` from now on."""
        self._health.set("agelane.v1.CheckoutService", status)

    def stop(self) -> None:
        """Break all calls off and free the port."""
        stopping = self._server.stop(grace=None)
        self._stopped.set()
        stopping.wait()

    def AssessCustomer(
        self, request: checkout_pb2.AssessCustomerRequest, context: Any
    ) -> checkout_pb2.AssessCustomerResponse:
        """Record the call, then behave."""
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.called.set()
        return checkout_pb2.AssessCustomerResponse(assessment=self.behaviour(request, context))

    def AssessCustomerStream(
        self, request_iterator: Iterable[checkout_pb2.AssessCustomerStreamRequest], context: Any
    ) -> Iterator[checkout_pb2.AssessCustomerStreamResponse]:
        """Record the events; answer each frame as if it were a call, and the end of a customer."""
        self.metadata.append(dict(context.invocation_metadata()))
        customer, frames = checkout_pb2.CustomerStart(), 0
        for event in request_iterator:
            self.events.append(event)
            kind = event.WhichOneof("event")
            if kind == "customer_start":
                customer, frames = event.customer_start, 0
                continue
            frames += kind == "frame"
            request = checkout_pb2.AssessCustomerRequest(
                photo=event.frame.photo, request_id=customer.request_id
            )
            assessment = self.behaviour(request, context)
            assessment.frames_used = frames
            final = kind == "customer_end" or frames == self.settled_after
            response = checkout_pb2.AssessCustomerStreamResponse(
                assessment=assessment, frames_received=frames, final=final
            )
            if kind == "frame":
                response.frame_number = event.frame.frame_number
            yield response

    def RecordSale(
        self, request: sale_pb2.RecordSaleRequest, context: Any
    ) -> sale_pb2.RecordSaleResponse:
        """Record the call, and say so; a second time that it was there."""
        known = request.sale_id in {sale.sale_id for sale in self.sales}
        self.sales.append(request)
        response = sale_pb2.RecordSaleResponse(sale_id=request.sale_id, already_recorded=known)
        response.recorded_at.FromSeconds(1_793_448_000)
        return response

    def GetCashierReport(
        self, request: report_pb2.GetCashierReportRequest, context: Any
    ) -> report_pb2.GetCashierReportResponse:
        """Record the call, then do as `report` does."""
        self.asked.append(request)
        response: report_pb2.GetCashierReportResponse = self.report(request, context)
        return response

    def GetAgeGroupReport(
        self, request: report_pb2.GetAgeGroupReportRequest, context: Any
    ) -> report_pb2.GetAgeGroupReportResponse:
        """Record the call, then do as `report` does."""
        self.asked.append(request)
        response: report_pb2.GetAgeGroupReportResponse = self.report(request, context)
        return response
