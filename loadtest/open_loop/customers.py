"""What a customer at a lane is: a photo, and for some a sale that is recorded afterwards."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from types import TracebackType

from agelane_client import AgelaneError, Assessment, AsyncClient, BasketLine, Sale, SaleOutcome
from loadtest.open_loop.driver import Driver

_BEER = (BasketLine(category="beer", restricted_category="alcohol"),)


@dataclass(frozen=True)
class Habits:
    """What customers do."""

    photos: tuple[bytes, ...]
    """What the cameras see of them, by chance."""
    sales_share: float
    """How many of them end in a recorded sale, 0 to 1."""
    sale_after_seconds: float = 3.0
    """How long after the answer, on average."""


class Lanes:
    """Lanes that speak to a gateway through the SDK."""

    def __init__(
        self, clients: list[AsyncClient], habits: Habits, driver: Driver, chance: random.Random
    ) -> None:
        """`driver` begins the sales that follow; `clients` are closed in the end."""
        self.open = 0
        """How many there are."""
        self._clients, self._habits = clients, habits
        self._driver, self._chance = driver, chance

    async def __aenter__(self) -> Lanes:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.gather(*[client.close() for client in self._clients])

    async def photograph(self) -> str:
        """Photograph a customer at one of the lanes; return "" or why there is no age."""
        chance, habits = self._chance, self._habits
        client, lane = chance.choice(self._clients), f"lane-{chance.randrange(max(1, self.open))}"
        try:
            assessment = await client.assess(chance.choice(habits.photos), lane_id=lane)
        except AgelaneError as error:
            return error.reason or error.code
        if chance.random() < habits.sales_share:
            self._driver.begin_later(
                lambda: self._sell(client, lane, assessment),
                chance.expovariate(1 / habits.sale_after_seconds),
            )
        return "" if assessment.age_years is not None else ",".join(assessment.reasons)

    async def _sell(self, client: AsyncClient, lane: str, assessment: Assessment) -> str:
        sale = Sale(outcome=SaleOutcome.SOLD, assessment=assessment, lane_id=lane, basket=_BEER)
        try:
            await client.record_sale(sale)
        except AgelaneError as error:
            return error.reason or error.code
        return ""
