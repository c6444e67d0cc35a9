"""Checkout lanes for Locust: each is open until Locust closes it, and customers come to it."""

from __future__ import annotations

from locust import User, task

from loadtest.locust_worker import wait_until_closed, worker_of


class CheckoutLane(User):
    """A lane; what its customers do is measured by the driver of its worker."""

    host = "127.0.0.1:50051"

    def on_start(self) -> None:
        """Open it."""
        worker_of(self.environment).open_lane()

    def on_stop(self) -> None:
        """Close it."""
        worker_of(self.environment).close_lane()

    @task
    def serve_customers(self) -> None:
        """Stay open."""
        wait_until_closed()
