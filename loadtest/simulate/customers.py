"""Who comes to the simulated tills."""

from __future__ import annotations

import numpy as np

from loadtest.simulate.crew import Crew, customer_ages
from loadtest.simulate.plan import DAY_SECONDS, STORE_SIZE, Columns, Plan

_OFFLINE = 0.005
_OPEN_HOURS = (8, 22)


def customers(random: np.random.Generator, plan: Plan, crew: Crew) -> Columns:
    """Return those who want age-restricted goods, in the order of their coming, N of them.

    - customer: 0 … N-1,
    - day, cashier: numbers from 0,
    - sold_at: Unix seconds,
    - regular: whether it is the cashier's regular customer,
    - age_years: the truth,
    - supervisor_on_shift: 0 or 1,
    - decided_offline: the till had no network,
    - assessed: whether they were photographed; forgotten by mishap, or offline, they were not.
    """
    counts = random.poisson(crew.sales[:, None] * crew.works).ravel()
    cashier, day = np.divmod(np.repeat(np.arange(counts.size), counts), plan.days)
    hour = random.uniform(*_OPEN_HOURS, len(day))
    sold_at = plan.first_moment + day * DAY_SECONDS + 3600 * hour
    order = np.argsort(sold_at, kind="stable")
    order = order[: np.searchsorted(sold_at[order], plan.until)]
    cashier, day, n = cashier[order], day[order], len(order)
    regular = random.random(n) < crew.regular[cashier]
    offline = random.random(n) < _OFFLINE
    return {
        "customer": np.arange(n),
        "day": day,
        "cashier": cashier,
        "sold_at": sold_at[order],
        "regular": regular,
        "age_years": np.where(regular, crew.regular_age_years[cashier], customer_ages(random, n)),
        "supervisor_on_shift": crew.watched[cashier // STORE_SIZE, day].astype(np.int16),
        "decided_offline": offline,
        "assessed": ~offline & (random.random(n) >= crew.unassessed[cashier]),
    }
