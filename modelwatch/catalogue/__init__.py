"""The one place where a metric is named: its unit, its meaning, the labels it may carry."""

from types import ModuleType

from modelwatch.catalogue import (
    accuracy,
    drift,
    exporters,
    exposed,
    forecast,
    gpu,
    gpu_usage,
    inventory,
    labels,
    own_past,
    probe,
    quality,
    recorded,
    seasonal,
    spend,
    stack,
    steps,
    version_scores,
)
from modelwatch.catalogue.metric import Layer, Metric

OUTCOMES = ("success", "client_error", "server_error", "rate_limited", "timeout", "cancelled")
FAILURES = ("server_error", "rate_limited", "timeout")
"""Outcomes that break an availability objective; client errors and cancellations do not count."""
TOKEN_KINDS = ("input", "cached_input", "output", "reasoning")
QUANTILES = ("0.5", "0.9", "0.95", "0.99")
FLAGS = ("refusal", "guardrail", "hallucination", "toxicity")
_FILES = (
    exposed,
    gpu,
    gpu_usage,
    quality,
    probe,
    drift,
    labels,
    accuracy,
    exporters,
    inventory,
    spend,
    recorded,
    own_past,
    seasonal,
    forecast,
    version_scores,
    steps,
    stack,
)


def metrics() -> tuple[Metric, ...]:
    """Every metric of the catalogue, in the order of its files."""
    return tuple(
        metric
        for module in _FILES
        for value in vars(module).values()
        for metric in _metrics_in(value)
    )


def _metrics_in(value: object) -> tuple[Metric, ...]:
    if isinstance(value, Metric):
        return (value,)
    if isinstance(value, dict) and not isinstance(value, ModuleType):
        return tuple(entry for entry in value.values() if isinstance(entry, Metric))
    return ()


__all__ = [
    "FAILURES",
    "FLAGS",
    "OUTCOMES",
    "QUANTILES",
    "TOKEN_KINDS",
    "Layer",
    "Metric",
    "metrics",
]
