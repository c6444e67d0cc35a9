"""The report on a measured model: what its figures mean, as pictures and sentences."""

from agelane_trainer.evaluation.report.people import People
from agelane_trainer.evaluation.report.report import evaluation_report

__all__ = ["People", "evaluation_report"]
