"""Who may make a call, for which lane, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import grpc

from agelane_serving.gateway.admission.rate import RateLimit
from agelane_serving.gateway.assessment import Customer
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.security.caller import Caller, Role
from agelane_serving.gateway.security.credentials import Credentials

Metadata = Iterable[tuple[str, str | bytes]]
_Context = grpc.aio.ServicerContext[Any, Any]


class Access:
    """Checks each call. Without credentials everybody is let in, as on loopback."""

    def __init__(
        self,
        credentials: Callable[[], Credentials] | None,
        lane_rate: RateLimit,
        token_rate: RateLimit,
    ) -> None:
        """`credentials` gives those of the moment; None: there are none to check.

        Each lane may call as `lane_rate` says. All lanes of one token together, which it may make
        up, as `token_rate` says.
        """
        self._credentials = credentials
        self._lane_rate, self._token_rate = lane_rate, token_rate
        self._closed = False

    def close(self) -> None:
        """Send all new calls elsewhere."""
        self._closed = True

    def caller(self, context: _Context, *roles: Role) -> Caller:
        """Return who makes a call that these roles may make.

        Raises:
            CallError: CREDENTIALS_MISSING, CREDENTIALS_INVALID, ROLE_NOT_PERMITTED or
                SHUTTING_DOWN.
        """
        self._check_open()
        if self._credentials is None:
            return Caller("", roles[0], None, None)
        caller = self._credentials().caller_of(context.invocation_metadata())
        caller.permit(*roles)
        return caller

    def check_known(self, metadata: Metadata | None) -> None:
        """Let pass whoever has credentials, whatever they may do.

        Raises:
            CallError: CREDENTIALS_MISSING, CREDENTIALS_INVALID or SHUTTING_DOWN.
        """
        self._check_open()
        if self._credentials is not None:
            self._credentials().caller_of(metadata)

    def customer(self, caller: Caller, customer: Customer) -> Customer:
        """Return a customer at the caller's own store and lane.

        Raises:
            CallError: STORE_NOT_PERMITTED, they are somebody else's.
        """
        if caller.store_id is None and caller.lane_id is None:
            return customer
        store_id, lane_id = caller.permitted_store(customer.store_id, customer.lane_id)
        return replace(customer, store_id=store_id, lane_id=lane_id)

    def count(self, caller: Caller, customer: Customer) -> None:
        """Count a photo of a lane; those of nobody in particular are not counted.

        Raises:
            CallError: RATE_LIMITED.
        """
        if caller.token_id:
            self._token_rate.check(caller.token_id)
        if caller.token_id or customer.lane_id:
            self._lane_rate.check(customer.lane)

    def _check_open(self) -> None:
        if self._closed:
            raise CallError(Fault.SHUTTING_DOWN, "the gateway is shutting down")
