"""Metrics for Prometheus, under TensorFlow Serving's names, at the path of monitoring.config.

TensorFlow Serving shows them on its REST port. This server has no REST API: there is nothing else.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

DEFAULT_PATH = "/monitoring/prometheus/metrics"
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Requests:
    """Counts Predict calls by model and outcome, and how long they took."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._microseconds: Counter[str] = Counter()

    @contextmanager
    def counted(self, model_name: str) -> Iterator[None]:
        """Count what happens within as one call."""
        began, status = time.monotonic(), "Failed"
        try:
            yield
            status = "OK"
        finally:
            microseconds = int((time.monotonic() - began) * 1e6)
            with self._lock:
                self._calls[model_name, status] += 1
                self._microseconds[model_name] += microseconds

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, as prometheus_client asks for them."""
        with self._lock:
            calls, microseconds = self._calls.copy(), self._microseconds.copy()
        count = Metric(":tensorflow:serving:request_count", "Predict calls.", "unknown")
        for (model, status), number in calls.items():
            count.add_sample(count.name, {"model_name": model, "status": status}, number)
        latency = Metric(":tensorflow:serving:request_latency", "Microseconds.", "unknown")
        for model, total in microseconds.items():
            answered = sum(number for (name, _), number in calls.items() if name == model)
            latency.add_sample(f"{latency.name}_sum", {"model_name": model}, total)
            latency.add_sample(f"{latency.name}_count", {"model_name": model}, answered)
        yield from (count, latency)


class MetricsPage:
    """Answers HTTP at one path, from `start` to `stop`."""

    def __init__(self, requests: Requests, host: str, port: int, path: str) -> None:
        """Open the port; raises OSError if it can't be had."""
        registry = CollectorRegistry()
        registry.register(requests)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != path:
                    self.send_error(404)
                    return
                page = generate_latest(registry)
                self.send_response(200)
                self.send_header("Content-Type", _TEXT)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *args: object) -> None:
                """Say nothing of each scrape."""

        self._server = ThreadingHTTPServer((host.strip("[]"), port), Handler)
        self.address = f"{host}:{self._server.server_port}"

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
