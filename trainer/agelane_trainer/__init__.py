"""Training side of agelane: data, training, evaluation, calibration and export."""
