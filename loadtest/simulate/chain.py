"""A chain of shops, day by day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agelane_client import Assessment
from loadtest.simulate.conduct import behave
from loadtest.simulate.crew import hire
from loadtest.simulate.customers import customers
from loadtest.simulate.faces import read_faces
from loadtest.simulate.plan import Ints, Plan
from loadtest.simulate.tastes import fill
from loadtest.simulate.till import Tills
from loadtest.simulate.told import DECISIONS, sales_of
from loadtest.simulate.truth import Truth


class Chain:
    """Its cashiers, its customers, and what really happens."""

    def __init__(self, seed: int, plan: Plan) -> None:
        """The same seed and plan make the same cashiers and customers."""
        self.plan, self._random = plan, np.random.default_rng(seed)
        self.crew = hire(self._random, plan)
        self.truth = Truth(plan, self.crew)
        faces = read_faces()
        self._customers = come = customers(self._random, plan, self.crew)
        strangers = faces.draw(self._random, come["age_years"])
        regulars = faces.draw(self._random, self.crew.regular_age_years)[come["cashier"]]
        self._shown = np.where(come["regular"], regulars, strangers)
        # From here on all are as old as those whose faces they have.
        come["age_years"] = faces.ages[self._shown] + come["age_years"] % 1

    @property
    def size(self) -> int:
        """How many customers come."""
        return len(self._shown)

    async def pass_day(self, day: int, tills: Tills) -> None:
        """Let the customers of a day come, in the order of their coming, and tell what they do."""
        rows = slice(*np.searchsorted(self._customers["day"], (day, day + 1)))
        today = {name: column[rows] for name, column in self._customers.items()}
        answers = await tills.assess(today, self._shown[rows])
        today |= {"row": np.arange(len(answers)), "decision": _decisions(answers)}
        today = behave(self._random, self.crew, today)
        offers = [
            frozenset(offer.category for offer in answer.offers) if answer else frozenset()
            for answer in answers
        ]
        ages = self._customers["age_years"][rows].astype(np.int64)
        baskets = fill(self._random, ages, offers)
        sales = sales_of(self.plan, today, answers, baskets)
        again = [sales[row] for row in np.flatnonzero(today["token_used_again"])]
        await tills.record(sales, again)
        estimated = np.array([bool(it and it.age_years is not None) for it in answers], bool)
        self.truth.add(today, estimated[today["row"]])
        self.truth.add_offers(today, [offers[row] for row in today["row"]])


def _decisions(answers: Sequence[Assessment | None]) -> Ints:
    """Return the contract's numbers, 0 where there is no answer."""
    return np.array([DECISIONS[it.alcohol_decision] if it else 0 for it in answers], np.int64)
