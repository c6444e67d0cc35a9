"""The tills of the chain: they ask about customers and tell of sales, through the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tqdm import tqdm

from agelane_client import AgelaneError, Assessment, AsyncClient, OverloadedError, Sale
from loadtest.simulate.faces import photo_of
from loadtest.simulate.plan import Columns, Ints, Plan, lane_of

_IN_FLIGHT = 64
_SECONDS = 60.0  # nobody waits at a simulated till
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class Tills:
    """All tills, one a cashier, over one connection."""

    def __init__(self, client: AsyncClient, plan: Plan, bar: tqdm[Any]) -> None:
        """`bar` counts calls."""
        self._client, self._bar = client, bar
        self._names = plan.names

    async def assess(self, customers: Columns, faces: Ints) -> list[Assessment | None]:
        """Return what the gateway says about these N customers; None: they are not photographed.

        Raises:
            ExceptionGroup: of AgelaneError, a call failed.
        """
        cashiers, shown = customers["cashier"].tolist(), faces.tolist()
        answers: list[Assessment | None] = [None] * len(shown)

        async def ask(row: int) -> None:
            answers[row] = await _patiently(
                lambda: self._client.assess(
                    photo_of(shown[row]),
                    store_id=self._names[cashiers[row]][0],
                    lane_id=lane_of(cashiers[row]),
                    timeout=_SECONDS,
                )
            )

        await self._side_by_side(ask, customers["assessed"].nonzero()[0].tolist())
        return answers

    async def record(self, sales: Sequence[Sale], used_again: Sequence[Sale]) -> None:
        """Tell of sales, and then of some once more, under another name but the same assessment.

        Raises:
            ExceptionGroup: of AgelaneError, a sale was not recorded; or of RuntimeError, an
                assessment served two sales.
        """
        await self._side_by_side(self._tell, sales)
        await self._side_by_side(self._tell_in_vain, used_again)

    async def _tell(self, sale: Sale) -> None:
        await _patiently(lambda: self._client.record_sale(sale, timeout=_SECONDS))

    async def _tell_in_vain(self, sale: Sale) -> None:
        try:
            await self._tell(replace(sale, sale_id=f"{sale.sale_id}-once-more"))
        except AgelaneError as error:
            if error.reason != "TOKEN_REUSED":
                raise
        else:
            raise RuntimeError("an assessment served two sales")

    async def _side_by_side(
        self, call: Callable[[_Item], Awaitable[None]], items: Iterable[_Item]
    ) -> None:
        waiting = iter(items)

        async def work() -> None:
            for item in waiting:
                await call(item)
                self._bar.update()

        async with asyncio.TaskGroup() as group:
            for _ in range(_IN_FLIGHT):
                group.create_task(work())


async def _patiently(call: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Return what a call answers; where too much is going on on this machine, it comes again."""
    while True:
        try:
            return await call()
        except OverloadedError as error:
            await asyncio.sleep(error.retry_after or 1)
