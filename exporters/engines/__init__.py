"""Serving engines, gateways and device exporters: one file is one table."""
