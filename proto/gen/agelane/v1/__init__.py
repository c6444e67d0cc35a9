"""agelane.v1: CheckoutService and ReportService."""
