"""Forecasts of what models do, learned from what Prometheus remembers."""
