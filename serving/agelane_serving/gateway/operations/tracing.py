"""OpenTelemetry spans, where the extra `tracing` is installed and asked for; else nothing.

A span holds names and the decision, never a photo or an age.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_NOTHING: AbstractContextManager[Any] = nullcontext()
_tracer: Tracer | None = None


class TracingError(Exception):
    """Spans can't be sent; the message says what to do."""


def send_spans_to(endpoint: str) -> None:
    """Send spans to an OpenTelemetry collector from now on, over OTLP and gRPC, in batches.

    Args:
        endpoint: such as http://collector:4317; https speaks TLS.

    Raises:
        TracingError: the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    except ModuleNotFoundError as error:
        raise TracingError(
            "--otlp-endpoint needs `pip install agelane-serving[tracing]`"
        ) from error
    use(OTLPSpanExporter(endpoint=endpoint))


def use(exporter: SpanExporter) -> None:
    """Give spans to an exporter from now on."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _tracer  # as loggers and metrics, one for the process
    provider = TracerProvider(resource=Resource.create({"service.name": "agelane-gateway"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("agelane_serving.gateway")


def call_span(
    name: str, metadata: Iterable[tuple[str, str | bytes]] | None
) -> AbstractContextManager[Any]:
    """Return a span for a call, below the caller's own where it names one (W3C `traceparent`)."""
    if _tracer is None:
        return _NOTHING
    from opentelemetry.propagate import extract

    carrier = {key: value for key, value in metadata or () if isinstance(value, str)}
    return _tracer.start_as_current_span(name, context=extract(carrier))


def span(name: str) -> AbstractContextManager[Any]:
    """Return a span for a part of the call that is being worked on."""
    return _NOTHING if _tracer is None else _tracer.start_as_current_span(name)


def describe(**attributes: str | int | float) -> None:
    """Say more about the current span."""
    if _tracer is None:
        return
    from opentelemetry.trace import get_current_span

    get_current_span().set_attributes(attributes)
