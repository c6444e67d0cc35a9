"""The use case: a sale is recorded, durable and once, with what its token proves."""

from __future__ import annotations

import time
from collections.abc import Callable

from agelane.v1 import sale_pb2
from agelane_serving.gateway.access import Access
from agelane_serving.gateway.assessment import Customer
from agelane_serving.gateway.convert import checked_id
from agelane_serving.gateway.errors import CallError, Fault
from agelane_serving.gateway.offers import Offers
from agelane_serving.gateway.operations import metrics
from agelane_serving.gateway.sale_messages import sold_at, to_sale
from agelane_serving.gateway.security.assessment_token import KeyRing
from agelane_serving.gateway.security.caller import Caller
from agelane_serving.gateway.security.proof import Proof
from agelane_serving.ledger.receipt import Entry, LedgerError, Receipt, Result
from agelane_serving.ledger.recorder import Recorder
from agelane_serving.ledger.sale import Attempt

_RETRY_SECONDS = 1.0
_KEPT = frozenset({Fault.TOKEN_FORGED, Fault.TOKEN_EXPIRED})


class Sales:
    """Records sales in one ledger."""

    def __init__(
        self,
        recorder: Recorder,
        access: Access,
        key_ring: Callable[[], KeyRing] | None,
        offers: Offers,
    ) -> None:
        """All are used as long as this is; without keys no token counts."""
        self._recorder, self._access, self._key_ring = recorder, access, key_ring
        self._offers = offers

    async def record(self, request: sale_pb2.RecordSaleRequest, caller: Caller) -> Receipt:
        """Record what a till tells; what is returned is durable.

        Raises:
            CallError: nothing was recorded, but for the attempt where the token does not count.
        """
        now = time.time()
        at = self._place(request, caller)
        self._access.count(caller, at)
        try:
            proof = self._proof(request, at, now)
        except CallError as error:
            if error.fault in _KEPT:
                await self._kept(request, at, error.fault)
            raise
        offers = () if proof is None else self._offers.made(proof.offer_ids)
        sale = to_sale(request, at, proof, offers, now)
        receipt = await self._written(sale)
        if receipt.result is Result.SALE_ID_REUSED:
            raise CallError(
                Fault.SALE_ID_REUSED, "another sale was recorded under this id", field="sale_id"
            )
        if receipt.result is Result.TOKEN_REUSED:
            metrics.SALES.labels("TOKEN_REUSED").inc()
            raise CallError(Fault.TOKEN_REUSED, "another sale was made under this assessment")
        if receipt.result is Result.RECORDED:
            metrics.SALES.labels(sale.outcome.name).inc()
        return receipt

    def _place(self, request: sale_pb2.RecordSaleRequest, caller: Caller) -> Customer:
        for field in ("store_id", "lane_id", "cashier_id"):
            checked_id(request, field)
        checked_id(request, "sale_id", required=True)
        told = Customer(request.store_id, request.lane_id, request.sale_id, "")
        return self._access.customer(caller, told)

    def _proof(self, request: sale_pb2.RecordSaleRequest, at: Customer, now: float) -> Proof | None:
        if not request.assessment_token:
            return None
        if self._key_ring is None:
            raise CallError(Fault.TOKEN_FORGED, "this gateway issues no assessment tokens")
        proof = self._key_ring().verify(request.assessment_token, now, sold_at(request, now))
        # A token of another lane proves nothing about who stood here.
        if (proof.store_id, proof.lane_id) != (at.store_id, at.lane_id):
            raise CallError(Fault.TOKEN_FORGED, "the assessment was made at another lane")
        return proof

    async def _kept(self, request: sale_pb2.RecordSaleRequest, at: Customer, fault: Fault) -> None:
        metrics.SALES.labels(fault.name).inc()
        await self._written(
            Attempt(request.sale_id, at.store_id, at.lane_id, request.cashier_id, fault.name)
        )

    async def _written(self, entry: Entry) -> Receipt:
        try:
            with metrics.LEDGER_SECONDS.time():
                return await self._recorder.record(entry)
        except LedgerError as error:
            raise CallError(
                Fault.LEDGER_UNAVAILABLE,
                "the sale could not be recorded; keep it and try again",
                retry_seconds=_RETRY_SECONDS,
            ) from error
