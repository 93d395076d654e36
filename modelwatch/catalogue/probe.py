"""Synthetic requests to models: what the probe exporter exposes, and what is recorded of it.

Gauges are of the last run, or of the last five. They are gone when no run has ended for so long
that they say nothing about now; counters stay.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric
from modelwatch.engine import boundaries

OF_PROBE = (*MODEL, "probe")
"""The identity of a probe."""

PROBE_ENGINE = "modelwatch_probe"
"""The engine of models that are seen through probes alone."""

NO_KEY = "no_key"
"""Outcome of a run whose key file cannot be read: nothing was sent."""
OUTCOMES = (
    "success",
    "rate_limited",
    "client_error",
    "server_error",
    "timeout",
    "connect_error",
    "tls_error",
    "dns_error",
    "bad_answer",
    NO_KEY,
)
SKIPPED = ("cap", "backoff", "busy", "state", "fault")
"""Why a run that was due did not happen: the cap is used up; the server asked for patience or
failed often; the run before goes on; spending could not be written down; the probe itself broke."""
VERDICTS = ("correct", "wrong")

DURATION_BUCKETS = boundaries(
    "0.01 0.025 0.05 0.1 0.2 0.3 0.5 0.75 1 1.5 2 2.5 5 7.5 10 15 20 30 60 120"
)
FIRST_TOKEN_BUCKETS = boundaries(
    "0.01 0.02 0.04 0.06 0.08 0.1 0.15 0.2 0.25 0.3 0.5 0.75 1 1.5 2 2.5 5 7.5 10 20 40"
)
INTER_TOKEN_BUCKETS = boundaries(
    "0.005 0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 10"
)
"""Boundaries in seconds; they hold those at which limits are usually set, and never change."""


def _exposed(name: str, kind: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_probe_{name}",
        help=text,
        unit=unit,
        labels=(*OF_PROBE, *labels),
        layer=Layer.EXPOSED,
        kind=kind,
    )


# Counted since the exporter started.

PROBE_REQUESTS_TOTAL = _exposed(
    "requests_total", "counter", "requests", "Synthetic requests by outcome.", "outcome"
)
PROBE_DURATION = _exposed(
    "request_duration_seconds",
    "histogram",
    "seconds",
    "Time from the start of a synthetic request to the end of its answer, where it succeeded.",
)
PROBE_FIRST_TOKEN = _exposed(
    "time_to_first_token_seconds",
    "histogram",
    "seconds",
    "Time from the start of a synthetic request to its first token, where it succeeded.",
)
PROBE_INTER_TOKEN = _exposed(
    "inter_token_latency_seconds",
    "histogram",
    "seconds",
    "Gap between successive tokens of a streamed answer, where it succeeded.",
)
PROBE_TOKENS_TOTAL = _exposed(
    "tokens_total",
    "counter",
    "tokens",
    "Tokens of synthetic requests by kind, as the server reported them.",
    "kind",
)
PROBE_ESTIMATED_TOKENS_TOTAL = _exposed(
    "estimated_tokens_total",
    "counter",
    "tokens",
    "Tokens held against the cap as an upper estimate, because the server reported none.",
)
PROBE_COST_TOTAL = _exposed(
    "cost_usd_total",
    "counter",
    "USD",
    "Price of synthetic requests by what the server reported and what the inventory charges.",
)
PROBE_ESTIMATED_COST_TOTAL = _exposed(
    "estimated_cost_usd_total",
    "counter",
    "USD",
    "Money held against the cap as an upper estimate, because the server reported no tokens.",
)
PROBE_ANSWERS_TOTAL = _exposed(
    "answers_total",
    "counter",
    "answers",
    "Answers to golden prompts by verdict: correct or wrong.",
    "prompt",
    "verdict",
)
PROBE_SKIPPED_TOTAL = _exposed(
    "skipped_total",
    "counter",
    "runs",
    "Runs that were due and did not happen, by reason: cap, backoff, busy, state or fault.",
    "reason",
)
PROBE_LAST_RUN = _exposed(
    "last_run_timestamp_seconds",
    "gauge",
    "timestamp",
    "When a run last ended, in seconds since 1970; 0 for never.",
)

# Of the last five runs.

PROBE_RECENT_RUNS = _exposed(
    "recent_runs", "gauge", "runs", "How many of the last five runs there are."
)
PROBE_RECENT_FAILED = _exposed(
    "recent_failed_runs", "gauge", "runs", "How many of the last five runs did not succeed."
)
PROBE_RECENT_ANSWERS = _exposed(
    "recent_answers", "gauge", "answers", "How many of the last five answers there are.", "prompt"
)
PROBE_RECENT_WRONG = _exposed(
    "recent_wrong_answers",
    "gauge",
    "answers",
    "How many of the last five answers to the golden prompt were wrong.",
    "prompt",
)

# Of the last run.

PROBE_SUCCESS = _exposed("success", "gauge", "bool", "1 when the last run succeeded.")
PROBE_LAST_DURATION = _exposed(
    "last_duration_seconds", "gauge", "seconds", "Time that the last run took."
)
PROBE_LAST_FIRST_TOKEN = _exposed(
    "last_time_to_first_token_seconds",
    "gauge",
    "seconds",
    "Time to the first token of the last run, where it was streamed.",
)
PROBE_PHASE = _exposed(
    "phase_seconds",
    "gauge",
    "seconds",
    "Parts of the last run: dns, connect, tls, first_byte, body.",
    "phase",
)
PROBE_OUTPUT_SPEED = _exposed(
    "output_tokens_per_second",
    "gauge",
    "tokens/s",
    "Output tokens of the last run per second since its first token.",
)
PROBE_ANSWER_CORRECT = _exposed(
    "answer_correct",
    "gauge",
    "bool",
    "1 when the last run's answer was the one expected.",
    "prompt",
)
PROBE_SERVED_AS_ASKED = _exposed(
    "served_as_asked",
    "gauge",
    "bool",
    "1 when the newest answer names the model that was asked for, 0 when it names another.",
)
PROBE_SERVED_INFO = _exposed(
    "served_model_info",
    "gauge",
    "info",
    "The model that the newest answer names.",
    "served_model",
)
PROBE_CERTIFICATE_EXPIRY = _exposed(
    "certificate_expiry_timestamp_seconds",
    "gauge",
    "timestamp",
    "When the certificate of the server ends, in seconds since 1970.",
)

# Caps. They hold for a model and a day (UTC): what its other probes spend counts as well.

PROBE_CAP_TOKENS = _exposed(
    "cap_tokens", "gauge", "tokens", "Tokens that may be used for the model per day (UTC)."
)
PROBE_CAP_LEFT_TOKENS = _exposed(
    "cap_left_tokens", "gauge", "tokens", "Tokens that may still be used today (UTC)."
)
PROBE_CAP_USD = _exposed(
    "cap_usd", "gauge", "USD", "Money that may be spent on the model per day (UTC)."
)
PROBE_CAP_LEFT_USD = _exposed(
    "cap_left_usd", "gauge", "USD", "Money that may still be spent today (UTC)."
)
PROBE_CAP_REACHED = _exposed(
    "cap_reached", "gauge", "bool", "1 while the next request could pass a cap and is not sent."
)

# Recorded.


def _recorded(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"model:{name}", help=text, unit=unit, labels=(*MODEL, *labels), layer=Layer.MODEL
    )


PROBE_SUCCESS_RATIO = _recorded(
    "probe_success:ratio_rate5m", "ratio", "Share of synthetic requests that succeed.", "probe"
)
PROBE_FAILURES = _recorded(
    "probe_failures:ratio_last5", "ratio", "Share of the last five runs that failed.", "probe"
)
PROBE_WRONG = _recorded(
    "probe_wrong:ratio_last5",
    "ratio",
    "Share of the last five answers to the golden prompt that were wrong.",
    "probe",
    "prompt",
)
PROBE_RAN = _recorded(
    "probe_ran:bool",
    "bool",
    "1 when the declared probe brought something lately, 0 when it did not.",
    "probe",
)
PROBE_BUCKETS = {
    signal: _recorded(
        f"{signal}_seconds_bucket:rate1h",
        "events/s",
        f"Buckets of {signal} over an hour.",
        "probe",
        "le",
    )
    for signal in ("probe_duration", "probe_time_to_first_token")
}
PROBE_QUANTILES = {
    signal: _recorded(
        f"{signal}_seconds:quantile1h",
        "seconds",
        f"Quantile of {signal} over an hour, of the model's slowest probe; only where at least "
        "two runs lie beyond it.",
        "quantile",
    )
    for signal in PROBE_BUCKETS
}
PROBE_CERTIFICATE_LEFT = _recorded(
    "probe_certificate_left:seconds",
    "seconds",
    "Time until the server's certificate ends.",
    "probe",
)
RETIREMENT_LEFT = _recorded(
    "retirement_left:seconds", "seconds", "Time until the provider retires the model."
)
