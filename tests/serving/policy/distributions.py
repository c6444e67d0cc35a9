"""Age distributions for tests."""

from __future__ import annotations

from hypothesis import strategies as st

from agelane_serving.policy import AgeDistribution

AGES = range(101)
_UNIT = 2**20


def normalised(weights: list[float]) -> AgeDistribution:
    """Return the distribution with these relative weights."""
    total = sum(weights)
    return AgeDistribution(tuple(weight / total for weight in weights))


def certain(age_years: int) -> AgeDistribution:
    """Return the distribution of a model that has no doubt."""
    return AgeDistribution(tuple(float(age == age_years) for age in AGES))


_WEIGHTS = st.floats(0, 1).map(lambda weight: weight if weight > 1e-9 else 0.0)


@st.composite
def distributions(draw: st.DrawFn) -> AgeDistribution:
    """Draw any distribution, dense or sparse."""
    sparse = draw(st.booleans())
    if sparse:
        places = draw(st.dictionaries(st.integers(0, 100), st.floats(0.01, 1), min_size=1))
        return normalised([places.get(age, 0.0) for age in AGES])
    weights = draw(st.lists(_WEIGHTS, min_size=101, max_size=101))
    return normalised([*weights[:-1], weights[-1] + 0.01])


@st.composite
def older_pairs(draw: st.DrawFn) -> tuple[AgeDistribution, AgeDistribution]:
    """Draw a distribution and one that arises from it by moving probability to higher ages.

    Both are made of whole 2**-20ths, so that no rounding blurs which of them is older.
    """
    weights = draw(st.lists(st.integers(0, 10_000), min_size=101, max_size=101))
    weights[draw(st.integers(0, 100))] += _UNIT - sum(weights)
    moved = list(weights)
    for _ in range(draw(st.integers(0, 5))):
        source = draw(st.integers(0, 100))
        target = draw(st.integers(source, 100))
        amount = draw(st.integers(0, moved[source]))
        moved[source] -= amount
        moved[target] += amount
    younger, older = (AgeDistribution(tuple(w / _UNIT for w in each)) for each in (weights, moved))
    return younger, older
