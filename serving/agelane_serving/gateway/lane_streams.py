"""Streams of lanes: customer after customer, each from several photos."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from agelane.v1 import checkout_pb2, error_pb2
from agelane_serving.gateway.access import Access
from agelane_serving.gateway.answers import Answers
from agelane_serving.gateway.assessment import Assessment, Customer
from agelane_serving.gateway.assessor import Assessor, Visit
from agelane_serving.gateway.convert import to_customer
from agelane_serving.gateway.deadline import deadline_for
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.operations.logs import name_request
from agelane_serving.gateway.security.caller import Caller

_MOST_STREAMS, _MOST_STREAMS_OF_ONE = 4_096, 64
_RETRY_SECONDS = 2.0
_MOST_REFUSED_IN_A_ROW = 50  # a till that does not listen is answered no more
_Item = TypeVar("_Item")
_Request = checkout_pb2.AssessCustomerStreamRequest
_Response = checkout_pb2.AssessCustomerStreamResponse


class LaneStreams:
    """All open streams of this process."""

    def __init__(self, assessor: Assessor, access: Access, answers: Answers) -> None:
        """All three are used as long as there are streams."""
        self._assessor, self._access, self._answers = assessor, access, answers
        self._open: Counter[str] = Counter()
        self._leaving = asyncio.Event()

    @contextmanager
    def opened(self, caller: Caller) -> Iterator[LaneStream]:
        """Return a stream of a caller, which ends with the context.

        Raises:
            CallError: OVERLOADED, there are too many.
        """
        token = caller.token_id  # without credentials they are all one's
        of_one = bool(token) and self._open[token] >= _MOST_STREAMS_OF_ONE
        if of_one or self._open.total() >= _MOST_STREAMS:
            raise CallError(Fault.OVERLOADED, "too many streams", retry_seconds=_RETRY_SECONDS)
        self._open[token] += 1
        metrics.STREAMS.set(self._open.total())
        try:
            yield LaneStream(caller, self._assessor, self._access, self._answers)
        finally:
            self._open[token] -= 1
            metrics.STREAMS.set(self._open.total())

    async def until_leaving(self, items: AsyncIterator[_Item]) -> AsyncIterator[_Item]:
        """Pass on what comes, until the gateway leaves.

        Raises:
            CallError: SHUTTING_DOWN, between two items: lanes would hold up the drain all day.
        """
        leaving = asyncio.ensure_future(self._leaving.wait())
        try:
            while True:
                coming = asyncio.ensure_future(anext(items, None))
                try:
                    await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    coming.cancel()
                if not coming.done() or coming.cancelled():
                    raise CallError(Fault.SHUTTING_DOWN, "the gateway is shutting down")
                item = coming.result()
                if item is None:
                    return
                yield item
        finally:
            leaving.cancel()

    def leave(self) -> None:
        """End all streams, each after the photo that it is at."""
        self._leaving.set()


class LaneStream:
    """One stream: who stands at the lane now, and what was seen of them."""

    def __init__(
        self, caller: Caller, assessor: Assessor, access: Access, answers: Answers
    ) -> None:
        """Nobody stands there yet."""
        self._caller = caller
        self._assessor, self._access, self._answers = assessor, access, answers
        self._lane: tuple[str, str] | None = None
        self._visit: Visit | None = None
        self._received = self._refused_in_a_row = 0

    async def answer(self, request: _Request) -> _Response | None:
        """Return the answer to an event at the lane; None: a new customer is not answered.

        Raises:
            CallError: the event makes no sense here, or frame after frame was refused: that ends
                the stream.
        """
        event = request.WhichOneof("event")
        if event == "customer_start":
            self._welcome(to_customer(request.customer_start))
            return None
        if event is None:
            raise CallError(Fault.INVALID_FIELD, "an event is required", field="event")
        if self._visit is None:
            raise CallError(Fault.NO_CUSTOMER, "customer_start must come first", field="event")
        if event == "frame":
            return await self._look(self._visit, request.frame)
        response = self._response(self._visit.assessment())
        response.final = True
        self._visit = None
        return response

    def _welcome(self, told: Customer) -> None:
        customer = self._access.customer(self._caller, told)
        lane = customer.store_id, customer.lane_id
        if self._lane not in (None, lane):
            raise CallError(
                Fault.INVALID_FIELD,
                "store_id and lane_id must not change within a stream",
                field="customer_start",
            )
        name_request(customer.request_id)
        self._access.count(self._caller, customer)
        self._visit = self._assessor.welcome(customer)
        self._lane, self._received = lane, 0

    async def _look(self, visit: Visit, frame: checkout_pb2.CustomerFrame) -> _Response:
        begun = time.monotonic()
        self._received += 1
        fault, settled = None, visit.is_settled
        try:
            self._access.count(self._caller, visit.customer)
            assessment = await visit.look(frame.photo, deadline_for(None))
            self._refused_in_a_row = 0
        except CallError as error:
            self._refused_in_a_row += 1
            if self._refused_in_a_row > _MOST_REFUSED_IN_A_ROW:
                raise
            # Of this frame alone: the customer goes on with those before and after.
            fault, assessment = error.fault, visit.assessment()
            metrics.REFUSED.labels(fault.name).inc()
        if fault is None and not settled:
            self._answers.take_note(assessment, self._caller, time.monotonic() - begun)
        response = self._response(assessment)
        response.frame_number = frame.frame_number
        if fault is not None:
            response.frame_error = error_pb2.ErrorReason.Value(f"ERROR_REASON_{fault.name}")
        return response

    def _response(self, assessment: Assessment) -> _Response:
        return _Response(
            assessment=self._answers.message(assessment),
            frames_received=self._received,
            final=assessment.is_settled,
        )
