"""A gateway for a till vendor's own tests: it answers, refuses, fails and hangs as it is told.

    from agelane_client import Client
    from agelane_client.testing import FakeGateway, answer, assessment, refuse

    with FakeGateway(answer(assessment(17.2, "REFUSE"))) as gateway, Client(gateway.target) as till:
        assert till.assess("customer.jpg").alcohol_decision == "REFUSE"
        gateway.behaviour = refuse(grpc.StatusCode.INVALID_ARGUMENT, "TRUNCATED_PHOTO")
        gateway.behaviour = gateway.hang  # each from now on

It is a real server on a free port of this machine, and keeps what it was told in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from types import TracebackType
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import Int32Value, StringValue
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from agelane.v1 import assessment_pb2, checkout_pb2, report_pb2, sale_pb2
from agelane.v1.checkout_pb2_grpc import (
    CheckoutServiceServicer,
    add_CheckoutServiceServicer_to_server,
)
from agelane.v1.report_pb2_grpc import ReportServiceServicer, add_ReportServiceServicer_to_server
from agelane_client import health

Behaviour = Callable[[checkout_pb2.AssessCustomerRequest, Any], assessment_pb2.Assessment]
"""Answers a call, or ends it by the context's `abort`."""

SERVING, NOT_SERVING = 1, 2
"""What `set_health` says."""


def assessment(
    age_years: float | None = 31.4,
    decision: str = "ALLOW",
    reasons: Iterable[str] = ("CLEARLY_OVER_LEGAL_AGE",),
    legal_age_years: int = 18,
) -> assessment_pb2.Assessment:
    """Return what a gateway says about a customer, by the names of `agelane_client`'s results.

    An interval of 5 years to either side and P(under the legal age) come with an age.
    """
    message = assessment_pb2.Assessment(
        id="0123456789abcdef0123456789abcdef",
        alcohol_decision=assessment_pb2.AlcoholDecision.Value(f"ALCOHOL_DECISION_{decision}"),
        reasons=[assessment_pb2.DecisionReason.Value(f"DECISION_REASON_{it}") for it in reasons],
        legal_age_years=legal_age_years,
        restricted_category="alcohol",
        assessment_token=b"signed by a fake gateway",
        model=assessment_pb2.Model(name="age", version=1),
        frames_used=1,
    )
    message.assessed_at.GetCurrentTime()
    message.expires_at.FromSeconds(message.assessed_at.seconds + 300)
    if age_years is not None:
        message.age_years = age_years
        message.age_low_years, message.age_high_years = max(0.0, age_years - 5), age_years + 5
        message.probability_under_legal_age = float(age_years < legal_age_years)
    return message


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
        """Listen; port 0 is any free one."""
        self.behaviour = behaviour
        """Makes the answers to photos; may be exchanged at any time."""
        self.refused_sales: dict[str, Behaviour] = {}
        """How sales of these names end; all others are recorded."""
        self.report: Callable[[Any, Any], Any] = self.hang
        """Makes reports: a request and a context in, a response out."""
        self.settled_after = 0
        """After how many frames a customer needs no more; 0: never."""
        self.requests: list[checkout_pb2.AssessCustomerRequest] = []
        """The photos that came, one a call."""
        self.events: list[checkout_pb2.AssessCustomerStreamRequest] = []
        """What came as a stream."""
        self.sales: list[sale_pb2.RecordSaleRequest] = []
        """The sales that came, each as often as it was told."""
        self.asked: list[Any] = []
        """The requests for reports."""
        self.metadata: list[dict[str, str | bytes]] = []
        """What stood beside the calls with photos."""
        self.called = threading.Event()
        """Set as soon as a photo has come."""
        self._stopped = threading.Event()
        self._health = SERVING
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=16), options=[("grpc.so_reuseport", 0)]
        )
        add_CheckoutServiceServicer_to_server(self, self._server)
        add_ReportServiceServicer_to_server(self, self._server)
        self._server.add_generic_rpc_handlers((self._health_handler(),))
        self.target = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"
        self._server.start()

    def hang(self, request: object, context: Any) -> NoReturn:
        """Be a behaviour that never answers."""
        self._stopped.wait()
        context.abort(grpc.StatusCode.UNAVAILABLE, "the gateway was stopped")
        raise AssertionError("abort returned")

    def set_health(self, status: int) -> None:
        """Say SERVING or NOT_SERVING from now on."""
        self._health = status

    def stop(self) -> None:
        """Break all calls off and free the port."""
        stopping = self._server.stop(grace=None)
        self._stopped.set()
        stopping.wait()

    def __enter__(self) -> FakeGateway:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

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
        if behaviour := self.refused_sales.get(request.sale_id):
            behaviour(checkout_pb2.AssessCustomerRequest(), context)
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

    def _health_handler(self) -> grpc.GenericRpcHandler:
        def check(request: StringValue, _: Any) -> Int32Value:
            return Int32Value(value=self._health)

        _, service, method = health.METHOD.split("/")
        handler = grpc.unary_unary_rpc_method_handler(
            check, StringValue.FromString, Int32Value.SerializeToString
        )
        return grpc.method_handlers_generic_handler(service, {method: handler})
