"""Charts are drawings that any figures fit into."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from agelane_serving.console.charts import Bar, Limits, Point, Whisker, bars, funnel, whiskers
from agelane_serving.console.charts.axis import Axis, rounded_up

SHARES = st.floats(0, 1)
FIGURES = st.floats(-1e6, 1e6)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> ElementTree.Element:
    """Return a chart, read as a browser does; every figure in it lies on the drawing."""
    chart = ElementTree.fromstring(text)
    width, height = map(float, chart.attrib["viewBox"].split()[2:])
    for element in chart.iter():
        for name, most in (("x", width), ("cx", width), ("y", height), ("cy", height)):
            assert 0 <= float(element.get(name, 0)) <= most
    assert chart.attrib["aria-label"]
    return chart


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=30))
def test_any_counts_make_bars(counts: list[tuple[float, float]]) -> None:
    """Each says in words what it is."""
    shown = [Bar("h", (("allow", one), ("refuse", other)), "words") for one, other in counts]
    chart = drawn(bars(shown, "counts", str))
    assert len(chart.findall(f"{SVG}g/{SVG}title")) == len(counts)


@given(st.lists(st.tuples(FIGURES, FIGURES, FIGURES), min_size=1, max_size=12))
def test_any_estimates_make_whiskers(figures: list[tuple[float, float, float]]) -> None:
    """One below the other."""
    rows = []
    for low, value, high in map(sorted, figures):
        rows.append(Whisker("<&>", value, low, high, "words", beside=value))
    chart = drawn(whiskers(rows, "estimates", str, reference=0))
    assert len(chart.findall(f".//{SVG}circle")) == len(figures)


@given(st.lists(st.tuples(st.integers(1, 10**6), SHARES), max_size=30), SHARES)
def test_any_cashiers_make_a_funnel(cashiers: list[tuple[int, float]], target: float) -> None:
    """Each is a link."""
    points = [
        Point(checks, rate, "<words>", "/cashier?a=1&b=2", False) for checks, rate in cashiers
    ]
    limits = [Limits(1, (0, 1), (0, 1)), Limits(100, (0.5, 1), (0.4, 1))]
    chart = drawn(funnel(points, limits, target, ("funnel", "checks"), str, str))
    assert len(chart.findall(f"{SVG}a")) == len(cashiers)


@given(FIGURES, st.floats(1e-6, 1e6))
def test_marks_are_few_and_on_the_axis(low: float, width: float) -> None:
    """So that they can be read."""
    axis = Axis(low, low + width, 0, 100) if low + width > low else Axis(0, 1, 0, 100)
    ticks = list(axis.ticks())
    assert len(ticks) <= 12
    assert all(0 <= axis.place(tick) <= 100 for tick in ticks)


@given(st.floats(0, 1e9))
def test_an_axis_of_counts_ends_at_a_round_number(most: float) -> None:
    """At or above the largest."""
    assert rounded_up(most) >= max(1, most) * (1 - 1e-9)
