"""What Locust needs to know about a checkout lane."""

from __future__ import annotations

import itertools
import os
import random
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from locust import User, events
from locust.env import Environment

from agelane_client import AgelaneError, Client
from loadtest.photos import SAMPLES, read_photos


class NoAge(Exception):
    """The gateway answered, but without an age: a decision, but not what is measured here."""


class Lane(User):
    """A till with its own client. The next customer comes `--pause` seconds after an answer."""

    abstract = True
    host = "127.0.0.1:50051"
    _numbers = itertools.count(1)

    def on_start(self) -> None:
        """Open the lane."""
        number = next(self._numbers)
        # As the command `agelane` does.
        token_file = os.environ.get("AGELANE_TOKEN_FILE")
        self._client = Client(
            str(self.host),
            lane_id=f"lane-{number}",
            token=Path(token_file).read_text("ascii").strip() if token_file else "",
            tls=os.environ.get("AGELANE_TLS_CA") or bool(os.environ.get("AGELANE_TLS")),
        )
        photos = read_photos(Path(self._options.photos))
        self.photos = itertools.cycle(photos[number % len(photos) :] + photos)

    def on_stop(self) -> None:
        """Close the lane."""
        self._client.close()

    def wait_time(self) -> float:
        """Return the seconds until the next customer, scattered so that lanes don't march."""
        pause: float = self._options.pause
        return random.uniform(0.5, 1.5) * pause

    def assess(self, photo: bytes) -> None:
        """Ask about `photo` and let Locust count the call and its time."""
        error: Exception | None = None
        started = time.perf_counter()
        try:
            assessment = self._client.assess(photo)
            if assessment.age_years is None:
                error = NoAge(", ".join(assessment.reasons))
        except AgelaneError as failure:
            error = failure
        self.environment.events.request.fire(
            request_type="gRPC",
            name="AssessCustomer",
            response_time=(time.perf_counter() - started) * 1000,
            response_length=0,
            exception=error,
            context={},
        )

    @property
    def _options(self) -> Any:
        """What was given on the command line."""
        return self.environment.parsed_options


@events.init_command_line_parser.add_listener
def add_arguments(parser: ArgumentParser) -> None:
    """Add our own arguments to Locust's."""
    parser.add_argument("--photos", default=str(SAMPLES), help="folder with photos of customers")
    parser.add_argument(
        "--pause", type=float, default=1.0, help="mean seconds from an answer to the next customer"
    )


@events.init.add_listener
def set_the_clock(**_: Any) -> None:
    """Let gevent, in a moment of rest, look at its clock; it last did before the imports.

    They take a while, and the run would end that much too early.
    """
    time.sleep(0.001)


@events.quitting.add_listener
def fail_without_calls(environment: Environment, **_: Any) -> None:
    """Let a run that measured nothing fail, as Locust lets one with failed calls."""
    if environment.stats.total.num_requests == 0:
        environment.process_exit_code = 1
