"""Limits: from where on is a signal bad, and from how many events on is it believed?

A model's own limit, else the fleet's. Models times defaults is no join that PromQL has, so that
each default is a rule of its own; their number does not grow with the models.
"""

from collections.abc import Mapping

from alerts.recorded.windows import MID
from modelwatch.catalogue import FLAGS, QUANTILES
from modelwatch.catalogue.drift import EMBEDDING_METHODS, METHODS, RATES
from modelwatch.catalogue.inventory import (
    FLOOR,
    FLOOR_DEFAULT,
    MODEL_INFO,
    THRESHOLD,
    THRESHOLD_DEFAULT,
)
from modelwatch.catalogue.recorded import DISTRIBUTIONS, FLOOR_EVENTS, LIMIT
from modelwatch.promql import largest, on, select
from modelwatch.quantities import OFF
from modelwatch.rules import Record, RecordGroup

SIGNALS = (
    "waiting_requests",
    "kv_cache",
    "preemptions",
    "concurrency",
    "error_ratio",
    "rate_limited_ratio",
    "provider_burst_ratio",
    "traffic_drop",
    "traffic_surge",
    "silent",
    "version_regression",
    "anomaly",
    "cost_spike",
    "cost_per_1k_tokens",
    "cache_hit_drop",
    "tokens_per_request",
    "feedback_down",
    "retrieval_empty",
    "retrieval_top_score",
    "reranker_score",
)
"""Signals for which the fleet can have one default limit."""

OF_DRIFT = ("drift_own_past", "drift_share", "drift_silent", "baseline_age")
"""The same, of drift; its statistics have a limit each."""

OF_PROBES = ("probe_failures", "probe_wrong", "probe_silent", "retirement")
"""The same, of what our own requests and the calendar say."""

TIMES_OF_PROBES = ("probe_duration", "probe_time_to_first_token")
"""Distributions of our own requests."""

FLOORS = (
    "requests",
    "errors",
    "version",
    "slo",
    "quality",
    "judgements",
    "feedback",
    "retrieval",
    "kpi",
    "drift",
)
"""Signals for which the fleet can have a default floor."""

_SET = f"!{OFF}"
"""`limit` of rows that are limits; the others refuse the fleet's default."""


def _own_limits() -> Record:
    return Record(
        metric=LIMIT,
        expr=largest(select(THRESHOLD, limit=_SET), by=LIMIT.labels),
    )


def _default_limit(labels: Mapping[str, str], *, instead: Mapping[str, str]) -> Record:
    """A fleet limit for every model without own rows that match `instead`."""
    default = largest(select(THRESHOLD_DEFAULT, labels, limit=_SET), by=("hold", "limit"))
    return Record(
        metric=LIMIT,
        labels=labels,
        expr=f"""
            (0 * {largest(MODEL_INFO)} unless {on()} {select(THRESHOLD, instead)})
            + on () group_left (hold, limit)
            topk(1, {default})
        """,
    )


def _default_quantile_limit(signal: str, quantile: str) -> Record:
    """A model's limit of any quantile takes the place of the fleet's, of whichever quantile."""
    labels = {"signal": signal, "quantile": quantile}
    return _default_limit(labels, instead={"signal": signal})


def _own_floors() -> Record:
    """Without the floors of single objectives, which `slo.py` reads."""
    return Record(metric=FLOOR_EVENTS, expr=largest(select(FLOOR, slo=""), by=FLOOR_EVENTS.labels))


def _default_floor(signal: str) -> Record:
    own = select(FLOOR, signal=signal, slo="")
    return Record(
        metric=FLOOR_EVENTS,
        labels={"signal": signal},
        expr=f"""
            (0 * {largest(MODEL_INFO)} unless {on()} {own})
            + on () group_left ()
            max({select(FLOOR_DEFAULT, signal=signal)})
        """,
    )


GROUPS = (
    RecordGroup(
        name="modelwatch-limits-mid",
        interval=MID,
        records=(
            _own_limits(),
            *(
                _default_quantile_limit(signal, quantile)
                for signal in DISTRIBUTIONS
                for quantile in QUANTILES
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-limits-signals-mid",
        interval=MID,
        records=tuple(
            _default_limit({"signal": signal}, instead={"signal": signal})
            for signal in SIGNALS[:15]
        ),
    ),
    RecordGroup(
        name="modelwatch-limits-answers-mid",
        interval=MID,
        records=(
            *(
                _default_limit({"signal": signal}, instead={"signal": signal})
                for signal in SIGNALS[15:]
            ),
            *(
                _default_limit(labels, instead=labels)
                for labels in ({"signal": "answer_flag", "flag": flag} for flag in FLAGS)
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-limits-drift-mid",
        interval=MID,
        records=(
            *(
                _default_limit({"signal": signal}, instead={"signal": signal})
                for signal in OF_DRIFT
            ),
            *(
                _default_limit(labels, instead=labels)
                for labels in (
                    {"signal": "drift", "method": method}
                    for method in (*METHODS, *RATES, *EMBEDDING_METHODS)
                )
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-limits-probes-mid",
        interval=MID,
        records=(
            *(
                _default_limit({"signal": signal}, instead={"signal": signal})
                for signal in OF_PROBES
            ),
            *(
                _default_quantile_limit(signal, quantile)
                for signal in TIMES_OF_PROBES
                for quantile in QUANTILES
            ),
        ),
    ),
    RecordGroup(
        name="modelwatch-floors-mid",
        interval=MID,
        records=(_own_floors(), *(_default_floor(signal) for signal in FLOORS)),
    ),
)
