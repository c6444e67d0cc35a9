"""Spans tell where the time of a call went, and nothing about the customer."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agelane.v1 import checkout_pb2
from agelane_serving.gateway.operations import tracing
from tests.serving.gateway import photos
from tests.serving.gateway.conftest import Lane, until

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_a_call_is_a_span_below_the_callers(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the model a span below that."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_tracer", None)
    tracing.use(exporter)
    await lane.checkout.AssessCustomer(
        checkout_pb2.AssessCustomerRequest(photo=photos.jpeg(), request_id="r-1"),
        timeout=4,
        metadata=(("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),),
    )

    async def both_are_there() -> bool:
        return len(exporter.get_finished_spans()) == 2

    await until(both_are_there)
    model, call = exporter.get_finished_spans()
    assert (model.name, call.name) == ("model", "AssessCustomer")
    assert model.parent == call.context
    assert call.context is not None
    assert f"{call.context.trace_id:032x}" == TRACE
    assert dict(call.attributes or {}) == {"request_id": "r-1", "decision": "ALLOW"}


async def test_without_being_asked_for_there_are_none(lane: Lane) -> None:
    """And nothing of OpenTelemetry is needed."""
    assert tracing.span("model") is tracing.call_span("call", None)
    await lane.assess()
