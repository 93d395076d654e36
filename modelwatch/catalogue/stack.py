"""Series of Prometheus and Alertmanager themselves that our alerts and boards read."""

from modelwatch.catalogue.metric import Layer, Metric


def _stack(name: str, unit: str, text: str, *labels: str, kind: str = "gauge") -> Metric:
    return Metric(name=name, help=text, unit=unit, labels=labels, layer=Layer.STACK, kind=kind)


UP = _stack("up", "bool", "1 when the last scrape of the target worked.", "job", "instance")
ALERTS = _stack(
    "ALERTS",
    "bool",
    "1 while an alert is pending or firing.",
    "alertname",
    "alertstate",
    "severity",
    "model",
    "environment",
    "team",
    "signal",
    "signal_class",
    "urgency",
    "confidence",
    "tier",
    "pool",
    "budget",
    "modelwatch",
)
SCRAPE_DURATION = _stack(
    "scrape_duration_seconds", "seconds", "Time of a scrape.", "job", "instance"
)
SCRAPE_SAMPLES = _stack(
    "scrape_samples_scraped", "samples", "Samples of the target's last page.", "job", "instance"
)
HEAD_SERIES = _stack(
    "prometheus_tsdb_head_series", "series", "Series in memory.", "job", "instance"
)
WAL_CORRUPTIONS = _stack(
    "prometheus_tsdb_wal_corruptions_total",
    "count",
    "Corruptions found in the write-ahead log.",
    "job",
    "instance",
    kind="counter",
)
RULE_FAILURES = _stack(
    "prometheus_rule_evaluation_failures_total",
    "count",
    "Rule evaluations that failed.",
    "job",
    "instance",
    "rule_group",
    kind="counter",
)
RULE_MISSED = _stack(
    "prometheus_rule_group_iterations_missed_total",
    "count",
    "Rounds that a rule group missed because it was slow.",
    "job",
    "instance",
    "rule_group",
    kind="counter",
)
RULE_DURATION = _stack(
    "prometheus_rule_group_last_duration_seconds",
    "seconds",
    "Time that the last round of a rule group took.",
    "job",
    "instance",
    "rule_group",
)
RULE_INTERVAL = _stack(
    "prometheus_rule_group_interval_seconds",
    "seconds",
    "Interval of a rule group.",
    "job",
    "instance",
    "rule_group",
)
CONFIG_RELOADED = _stack(
    "prometheus_config_last_reload_successful",
    "bool",
    "1 when the last reload of Prometheus worked.",
    "job",
    "instance",
)
NOTIFICATIONS_DROPPED = _stack(
    "prometheus_notifications_dropped_total",
    "count",
    "Alerts that never reached an Alertmanager.",
    "job",
    "instance",
    kind="counter",
)
NOTIFICATIONS_FAILED = _stack(
    "alertmanager_notifications_failed_total",
    "count",
    "Notifications that a receiver refused.",
    "job",
    "instance",
    "integration",
    kind="counter",
)
ALERTMANAGER_RELOADED = _stack(
    "alertmanager_config_last_reload_successful",
    "bool",
    "1 when the last reload of Alertmanager worked.",
    "job",
    "instance",
)
RECORDED_SERIES = _stack(
    "stack:recorded_series:count",
    "series",
    "Series that our rules keep; what engines and exporters expose is not counted.",
)
