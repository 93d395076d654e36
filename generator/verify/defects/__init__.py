"""Mistakes that were published in dashboards and alerts: one file, one question."""
