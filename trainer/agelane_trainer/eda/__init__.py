"""Exploratory data analysis: what is in a data set, before anything learns from it."""

from agelane_trainer.eda.explore import explore

__all__ = ["explore"]
