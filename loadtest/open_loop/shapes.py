"""Shapes of traffic, from shapes.toml."""

from __future__ import annotations

from pathlib import Path

import tomllib

from loadtest.open_loop.arrivals import Stage, Traffic

SHAPES = Path(__file__).with_name("shapes.toml")


def shape_names() -> list[str]:
    """Return the names of all shapes."""
    return list(tomllib.loads(SHAPES.read_text(encoding="utf-8")))


def traffic_of(name: str, seconds: float) -> Traffic:
    """Return the traffic of a shape over so many seconds. Raises KeyError for an unknown name."""
    shape = tomllib.loads(SHAPES.read_text(encoding="utf-8"))[name]
    return Traffic(tuple(Stage(*stage) for stage in shape["stages"]), seconds)
