"""What every exporter of ours says about itself."""

from modelwatch.catalogue.metric import Layer, Metric


def _own(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_exporter_{name}",
        help=text,
        unit=unit,
        labels=("exporter", *labels),
        layer=Layer.EXPOSED,
        kind=kind,
    )


EXPORTER_BUILD_INFO = _own(
    "build_info", "gauge", "info", "Version of the exporter and of Python.", "version", "python"
)
EXPORTER_UP = _own(
    "up", "gauge", "bool", "1 when the collector answered in the last scrape.", "collector"
)
EXPORTER_SCRAPE_DURATION = _own(
    "scrape_duration_seconds",
    "gauge",
    "seconds",
    "Time that the collector took in the last scrape.",
    "collector",
)
EXPORTER_LAST_SUCCESS = _own(
    "last_success_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the collector last answered, in seconds since 1970; 0 for never.",
    "collector",
)
EXPORTER_RELOADED = _own(
    "config_last_reload_successful", "gauge", "bool", "1 when the last reload worked."
)
EXPORTER_RELOADED_AT = _own(
    "config_last_reload_success_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the configuration in force was read, in seconds since 1970.",
)
EXPORTER_REJECTED_TOTAL = _own(
    "requests_rejected_total", "counter", "requests", "Requests refused by reason.", "reason"
)
EXPORTER_OVERFLOW_TOTAL = _own(
    "label_overflow_total",
    "counter",
    "samples",
    "Samples counted under the label value other, because there were too many values.",
    "label",
)
