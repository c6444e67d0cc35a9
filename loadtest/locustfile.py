"""Checkout lanes for Locust: each photographs one customer after the other."""

from __future__ import annotations

from grpc.experimental.gevent import init_gevent
from locust import task

from loadtest.lanes import Lane

init_gevent()  # before the first channel is made: else one lane that waits makes all lanes wait


class CheckoutLane(Lane):
    """A lane that asks about every customer, and goes on when it has its answer."""

    @task
    def serve_a_customer(self) -> None:
        """Photograph the customer and ask the gateway."""
        self.assess(next(self.photos))
