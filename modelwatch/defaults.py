"""What holds where an inventory says nothing: limits, floors and severity policies.

Each limit is one row: the key in the inventory, the signal it becomes, and the fleet's own value
with the time it must last. Rows without a value are watched only where somebody sets a limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelwatch import quantities
from modelwatch.inventory import Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitKind:
    """What a key of `limits` means.

    `measure` is seconds (of a quantile), share, number, times or silence. `needs` is the signal
    that a source must expose. `value` and `hold` are the fleet's default, in the words of the file.
    """

    key: str
    signal: str
    measure: str
    value: str = ""
    hold: str = "5m"
    needs: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """Which flag or statistic it limits, where one signal has several."""
        return part(self.labels)


def part(labels: Mapping[str, str]) -> str:
    """The flag or statistic in the labels of a limit."""
    return labels.get("flag") or labels.get("method", "")


def _kind(key: str, measure: str, value: str = "", hold: str = "5m", **facts: str) -> LimitKind:
    return LimitKind(
        key=key,
        signal=facts.get("signal", key),
        measure=measure,
        value=value,
        hold=hold,
        needs=facts.get("needs", ""),
        labels={name: facts[name] for name in ("flag", "method") if name in facts},
    )


def _by_key(*kinds: LimitKind) -> dict[str, LimitKind]:
    return {kind.key: kind for kind in kinds}


LIMITS = _by_key(
    _kind("latency", "seconds", signal="request_duration", needs="request_duration"),
    _kind("time_to_first_token", "seconds", needs="time_to_first_token"),
    _kind("inter_token_latency", "seconds", needs="inter_token_latency"),
    _kind("queue_time", "seconds", signal="queue_duration", needs="queue_duration"),
    _kind("waiting_requests", "number", "20", "10m", needs="requests_waiting"),
    _kind("kv_cache", "share", "95%", "10m", needs="kv_cache_usage"),
    _kind("preemptions", "number", "0.2", "10m", needs="preemptions"),
    _kind("concurrency", "number", hold="10m", needs="requests_running"),
    _kind("error_ratio", "share", "5%", "10m", needs="requests"),
    _kind("rate_limited", "share", "5%", "5m", signal="rate_limited_ratio", needs="requests"),
    _kind("provider_burst", "share", "10%", "2m", signal="provider_burst_ratio", needs="requests"),
    _kind("traffic_drop", "share", "90%", "15m", needs="requests"),
    _kind("traffic_surge", "times", "3 times", "15m", needs="requests"),
    _kind("silent", "silence", "for 15m", "15m", needs="requests"),
    _kind("version_regression", "times", "2 times", "15m", needs="requests"),
    _kind("anomaly", "number", "4", "30m"),
    _kind("cost_spike", "times", "2 times", "30m"),
    _kind("cost_per_1k_tokens", "times", "1.3 times", "1h", needs="tokens"),
    _kind("cache_hit_drop", "share", "50%", "1h", needs="tokens"),
    _kind("tokens_per_request", "times", "2 times", "1h", needs="tokens"),
    _kind("feedback_down", "share", "30%", "1h"),
    _kind("refusals", "share", "10%", "1h", signal="answer_flag", flag="refusal"),
    _kind("guardrails", "share", "10%", "1h", signal="answer_flag", flag="guardrail"),
    _kind("hallucinations", "share", "5%", "1h", signal="answer_flag", flag="hallucination"),
    _kind("toxicity", "share", "1%", "1h", signal="answer_flag", flag="toxicity"),
    _kind("retrieval_empty", "share", "20%", "30m"),
    _kind("retrieval_top_score", "share", "15%", "1h"),
    _kind("reranker_score", "share", "15%", "1h"),
    # 0.1 and 0.2 are the bands of credit scoring for a small and a large shift of the PSI.
    _kind("drift_psi", "number", "0.2", "30m", signal="drift", method="psi"),
    # A tenth of all values lies elsewhere: the effect, since every p-value falls with the count.
    _kind("drift_ks", "number", "0.1", "30m", signal="drift", method="ks"),
    # Evidently's thresholds of Jensen-Shannon (natural logarithm) and Wasserstein over sigma.
    _kind("drift_js", "number", "0.1", "30m", signal="drift", method="js"),
    _kind("drift_wasserstein", "number", "0.1", "30m", signal="drift", method="wasserstein"),
    # Cramer's V, both sides weighed alike: 0.1 is a small effect for Cohen, whose w it is.
    _kind("drift_chi2", "number", "0.1", "30m", signal="drift", method="chi2"),
    _kind("drift_missing", "share", "5%", "30m", signal="drift", method="missing"),
    _kind("drift_unseen", "share", "1%", "30m", signal="drift", method="unseen"),
    _kind("drift_out_of_range", "share", "5%", "30m", signal="drift", method="out_of_range"),
    # Evidently's thresholds of embeddings: distance, share of components, MMD, classifier.
    _kind("drift_cosine", "number", "0.1", "30m", signal="drift", method="cosine"),
    _kind("drift_euclidean", "number", "0.2", "30m", signal="drift", method="euclidean"),
    _kind("drift_shifted", "share", "20%", "30m", signal="drift", method="shifted"),
    _kind("drift_mmd", "number", "0.015", "30m", signal="drift", method="mmd"),
    _kind("drift_auc", "number", "0.55", "30m", signal="drift", method="auc"),
    _kind("drift_own_past", "number", "0.2", "30m"),
    _kind("drift_share", "share", "30%", "30m"),
    _kind("drift_silent", "silence", "for 6h", "15m"),
    _kind("baseline_age", "number", "180", "1h"),
    # Two points are four errors for three, of a model that is right in 94 of 100.
    _kind("accuracy_drop", "share", "2%", "30m"),
    _kind("label_delay", "number", "7", "1h"),
    _kind("labels_missing", "share", "20%", "1h"),
    _kind("concept_drift", "share", "2%", "30m"),
    _kind("probe_failures", "share", "50%", "5m"),
    _kind("probe_wrong", "share", "50%", "30m"),
    _kind("probe_silent", "silence", "for 15m", "15m"),
    _kind("probe_latency", "seconds", signal="probe_duration"),
    _kind("probe_time_to_first_token", "seconds"),
    _kind("retirement", "number", "30", "1h"),
)

OF_PROBES = tuple(key for key in LIMITS if key.startswith("probe_"))
"""Limits of which only a model with probes knows anything."""

POOL_LIMITS = _by_key(
    _kind("temperature", "number", "85", "5m", signal="gpu_temperature"),
    _kind("memory", "share", "95%", "10m", signal="gpu_memory"),
    _kind("power", "share", "98%", "15m", signal="gpu_power"),
    _kind("throttled", "share", "10%", "10m", signal="gpu_throttled"),
    _kind("idle", "share", "5%", "30m", signal="gpu_idle"),
    _kind("utilization_drop", "share", "80%", "15m", signal="gpu_utilization_drop"),
)

FLOORS = {
    "requests": 20,  # per 5 minutes
    "errors": 20,  # requests per 5 minutes
    "quality": 30,  # answers behind a score
    "judgements": 20,  # per day
    "feedback": 30,  # votes per hour
    "retrieval": 30,  # per hour
    "kpi": 1000,  # per day
    "version": 50,  # requests per 30 minutes and version
    "slo": 5,  # bad events per long window
    "drift": 500,  # values per window: fifty for each of ten bins
    "accuracy": 200,  # predictions or labels: 95 % is then certain to three points
}

POLICIES: Mapping[str, Mapping[str, str]] = {
    "tier-1": {"now": "page", "soon": "ticket", "watch": "ticket"},
    "tier-2": {"now": "ticket", "soon": "ticket", "watch": "dashboard"},
    "tier-3": {"now": "ticket", "soon": "dashboard", "watch": "dashboard"},
}

ENVIRONMENT = "production"
TIER = 2
SLO_WINDOW = "30d"
SLO_WINDOWS = ("7d", "28d", "30d", "90d")
"""Windows that rules are recorded for."""
EVALUATED_EVERY = "1d"
MINIMUM_SAMPLES = 30
KPI_HOLD = "1h"
BUDGET_SHARES = ("50%", "80%", "100%")
QUANTILE = "0.95"
"""The quantile of a latency limit that names none."""
PROBED_EVERY = "1m"
PROBE_TIMEOUT = "30s"
PROBE_TOKENS_PER_DAY = 100_000
PROBE_USD_PER_DAY = "1 USD"
OWN_PAST = ("prompt_length", "output_length", "time_to_first_token", "scores")
"""Distributions that are compared with their own past where nothing else is said."""
PROMPT_TOKENS = 16
"""Longest answer to a golden prompt that names no length."""


def threshold(kind: LimitKind, limit: quantities.Limit) -> Threshold:
    """The limit as a threshold, with the default hold and quantile filled in."""
    labels = dict(kind.labels)
    if kind.measure == "seconds":
        labels["quantile"] = limit.quantile or QUANTILE
    return Threshold(
        signal=kind.signal, limit=limit.value, hold=limit.hold or kind.hold, labels=labels
    )


def fleet(kinds: Mapping[str, LimitKind]) -> dict[str, tuple[Threshold, ...]]:
    """The fleet's own thresholds by key, of those kinds that have a value."""
    return {
        kind.key: (threshold(kind, quantities.limit(kind.value, kind.measure)),)
        for kind in kinds.values()
        if kind.value
    }
