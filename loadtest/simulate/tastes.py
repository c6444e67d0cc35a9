"""What simulated customers put into their baskets: some goods by their age, some as all do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtest.simulate.plan import Floats, Ints

TEMPTED = 0.05
"""Share of those who get an offer, and would not have bought it, who do so because of it."""
_AGES = np.arange(101)


def _around(middle: float, width: float) -> Floats:
    return np.asarray(0.3 + 2 * np.exp(-0.5 * ((_AGES - middle) / width) ** 2))


def _rising(middle: float, slope: float) -> Floats:
    return np.asarray(0.2 + 1 / (1 + np.exp((middle - _AGES) / slope)))


def _falling(middle: float, slope: float) -> Floats:
    return _rising(middle, -slope)


@dataclass(frozen=True, eq=False)
class Goods:
    """A category of goods."""

    name: str
    """In the stores' words."""
    rates: Floats
    """P(in a basket | age), [101]."""
    price_minor: int
    """What a piece costs, in cents."""
    restricted_category: str = ""
    """Under which age restriction they fall; empty: none."""


_BY_AGE: tuple[tuple[str, float, Floats, int], ...] = (
    ("energy_drinks", 0.10, _falling(27, 5), 149),
    ("crisps", 0.14, _falling(38, 8), 229),
    ("ready_meals", 0.10, _around(27, 9), 349),
    ("nappies", 0.04, _around(33, 6), 1299),
    ("sweets", 0.09, _around(38, 10), 199),
    ("protein_bars", 0.03, _around(29, 10), 259),
    ("dairy", 0.18, _around(42, 14), 129),
    ("bread", 0.20, _rising(48, 8), 219),
    ("flowers", 0.04, _rising(52, 7), 799),
    ("newspapers", 0.05, _rising(60, 6), 250),
    ("tea", 0.06, _rising(55, 9), 319),
    ("pet_food", 0.06, _around(56, 12), 449),
)
_ALIKE: tuple[tuple[str, float, int], ...] = (
    *(("water", 0.12, 89), ("fruit", 0.16, 279), ("vegetables", 0.18, 249), ("pasta", 0.08, 159)),
    *(("eggs", 0.07, 299), ("cheese", 0.11, 389), ("coffee", 0.06, 649), ("salt", 0.01, 69)),
    *(("toilet_paper", 0.05, 429), ("washing_powder", 0.02, 999), ("batteries", 0.01, 599)),
)
_DRINKS: tuple[tuple[str, Floats, int], ...] = (
    ("beer", _falling(45, 14), 599),
    ("wine", _rising(38, 10), 749),
    ("spirits", 0.3 * _around(30, 20), 1499),
)
"""Each customer wants one of them, by these weights."""


def _goods() -> tuple[Goods, ...]:
    all_drinks = np.sum([weights for _, weights, _ in _DRINKS], axis=0)
    return (
        *(Goods(name, weights / all_drinks, price, "alcohol") for name, weights, price in _DRINKS),
        *(Goods(name, rate * shape, price) for name, rate, shape, price in _BY_AGE),
        *(Goods(name, np.full(len(_AGES), rate), price) for name, rate, price in _ALIKE),
    )


GOODS = _goods()
"""All G categories; the drinks come first."""
RATES = {goods.name: goods.rates for goods in GOODS}
"""P(in a basket | age) of each, [101]."""


def fill(
    random: np.random.Generator, ages: Ints, offers: Sequence[frozenset[str]]
) -> list[tuple[Goods, ...]]:
    """Return what N customers buy.

    Args:
        random: where chance comes from.
        ages: true ages in completed years, [N].
        offers: the categories that each was offered, [N].
    """
    rates = np.stack([goods.rates for goods in GOODS], axis=1)[ages]
    bought = random.random(rates.shape) < rates
    drinks = len(_DRINKS)
    choice = random.random((len(ages), 1)) < np.cumsum(rates[:, :drinks], axis=1)
    bought[:, :drinks] = choice & ~np.pad(choice[:, :-1], ((0, 0), (1, 0)))
    offered = np.array([[goods.name in some for goods in GOODS] for some in offers], bool)
    bought |= offered.reshape(bought.shape) & (random.random(rates.shape) < TEMPTED)
    return [tuple(GOODS[place] for place in np.flatnonzero(row)) for row in bought]
