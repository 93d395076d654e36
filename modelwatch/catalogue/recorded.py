"""Recorded series: `level:what_unit:operation`, where the level says which labels identify one.

The engine layer is written by engine adapters, everything else by `alerts/recorded/`. A rate is per
second over five minutes unless its name says otherwise.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric

ENGINE = (*MODEL, "engine", "version")
"""The identity of one source of a model."""


def _engine(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"engine:{name}", help=text, unit=unit, labels=(*ENGINE, *labels), layer=Layer.ENGINE
    )


def _model(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"model:{name}", help=text, unit=unit, labels=(*MODEL, *labels), layer=Layer.MODEL
    )


# Engine layer.

ENGINE_REQUESTS = _engine(
    "requests:rate5m",
    "requests/s",
    "Finished requests by outcome: success, client_error, server_error, rate_limited, timeout, "
    "cancelled.",
    "outcome",
)
ENGINE_RUNNING = _engine("requests_running:sum", "requests", "Requests being served.")
ENGINE_WAITING = _engine("requests_waiting:sum", "requests", "Requests queued.")
ENGINE_TOKENS = _engine(
    "tokens:rate5m",
    "tokens/s",
    "Tokens by kind: input (uncached), cached_input, output, reasoning; no kind contains another.",
    "kind",
)
ENGINE_COST = _engine("cost_usd:rate5m", "USD/s", "Spend as the engine itself reports it.")
ENGINE_KV_CACHE = _engine("kv_cache_usage:ratio", "ratio", "Fullest KV cache of the replicas.")
ENGINE_PREEMPTIONS = _engine("preemptions:rate5m", "preemptions/s", "Evictions from the batch.")
ENGINE_BATCH_SIZE = _engine("batch_size:mean", "requests", "Mean requests per engine step.")
ENGINE_UNDECLARED = Metric(
    name="engine:undeclared:rate5m",
    help="Traffic of models that a declared scrape job serves but the inventory does not name.",
    unit="requests/s",
    labels=("job", "engine", "engine_model"),
    layer=Layer.ENGINE,
)

DISTRIBUTIONS = (
    "request_duration",
    "time_to_first_token",
    "inter_token_latency",
    "queue_duration",
)
"""Signals in seconds that are distributions: buckets, a mean, or quantiles made by the engine."""

LENGTHS = ("prompt_length", "output_length")
"""Signals in tokens that are distributions; of these only the buckets are recorded."""

ENGINE_BUCKETS = {
    signal: _engine(
        f"{signal}_{unit}_bucket:rate5m", "events/s", f"Buckets of {signal} in {unit}.", "le"
    )
    for unit, signals in (("seconds", DISTRIBUTIONS), ("tokens", LENGTHS))
    for signal in signals
}
ENGINE_SUMS = {
    signal: _engine(f"{signal}_seconds_sum:rate5m", "seconds/s", f"Sum of {signal}.")
    for signal in DISTRIBUTIONS
}
ENGINE_COUNTS = {
    signal: _engine(f"{signal}_seconds_count:rate5m", "events/s", f"Observations of {signal}.")
    for signal in DISTRIBUTIONS
}
ENGINE_QUANTILES = {
    signal: _engine(
        f"{signal}_seconds:quantile",
        "seconds",
        f"Quantile of {signal} as the engine itself computes it.",
        "quantile",
    )
    for signal in DISTRIBUTIONS
}

# What the inventory says of each model, with the defaults filled in.

ALERT_POLICY = _model(
    "alert_policy:info",
    "info",
    "How an alert of this urgency is treated for this model.",
    "urgency",
    "severity",
    "team",
    "tier",
    "owner",
)
POOL_POLICY = Metric(
    name="gpu:alert_policy:info",
    help="How an alert of this urgency is treated for this GPU pool.",
    unit="info",
    labels=("environment", "pool", "urgency", "severity", "team", "tier"),
    layer=Layer.GPU,
)
BUDGET_POLICY = Metric(
    name="budget:alert_policy:info",
    help="How an alert of this urgency is treated for this budget.",
    unit="info",
    labels=("budget", "environment", "scope", "subject", "urgency", "severity", "team", "tier"),
    layer=Layer.BUDGET,
)
LIMIT = _model(
    "threshold:value",
    "value",
    "Limit of a signal in base units, the model's own or the fleet's default.",
    "signal",
    "quantile",
    "score",
    "kpi",
    "flag",
    "feature_name",
    "method",
    "hold",
    "limit",
)
FLOOR_EVENTS = _model(
    "floor:events",
    "events",
    "Fewest events per window at which the signal is believed, the model's own or the default.",
    "signal",
    "score",
)
UNAVAILABLE = _model(
    "signal_unavailable:info",
    "info",
    "A signal that no source of the model exposes, and the reason in words.",
    "signal",
    "reason",
)

# Model layer: traffic and latency.

REQUESTS = _model("requests:rate5m", "requests/s", "Finished requests, all outcomes.")
REQUESTS_BY_OUTCOME = _model(
    "requests_by_outcome:rate5m", "requests/s", "Finished requests by outcome.", "outcome"
)
REQUESTS_COUNTED = _model(
    "requests_counted:rate5m",
    "requests/s",
    "Requests that succeed or fail; client errors and cancellations are left out.",
)
REQUESTS_1H = _model("requests:rate1h", "requests/s", "Finished requests over an hour.")
ERROR_RATIO = _model(
    "errors:ratio_rate5m",
    "ratio",
    "Share of failed requests: server_error, timeout and rate_limited against these and success.",
)
ERROR_RATIO_1H = _model("errors:ratio_rate1h", "ratio", "Share of failed requests over an hour.")
ERRORS = _model("errors:rate5m", "requests/s", "Failed requests.")
QUANTILES = {
    signal: _model(
        f"{signal}_seconds:quantile5m",
        "seconds",
        f"Quantile of {signal}; of the slowest engine where a model has several.",
        "quantile",
    )
    for signal in DISTRIBUTIONS
}
MEANS = {
    signal: _model(f"{signal}_seconds:mean5m", "seconds", f"Mean of {signal}.")
    for signal in DISTRIBUTIONS
}
RUNNING = _model("requests_running:sum", "requests", "Requests being served.")
WAITING = _model("requests_waiting:sum", "requests", "Requests queued.")
KV_CACHE = _model("kv_cache_usage:ratio", "ratio", "Fullest KV cache of the replicas.")
PREEMPTIONS = _model("preemptions:rate5m", "preemptions/s", "Evictions from the batch.")
BATCH_SIZE_MEAN = _model("batch_size:mean", "requests", "Mean requests per engine step.")
TARGETS_UP = _model("targets_up:ratio", "ratio", "Share of the model's targets that answer.")
VERSION_REQUESTS = _model(
    "version_requests:rate30m", "requests/s", "Finished requests by version.", "version"
)
VERSION_ERROR_RATIO = _model(
    "version_errors:ratio_rate30m", "ratio", "Share of failed requests by version.", "version"
)
VERSION_LATENCY = _model(
    "version_request_duration_seconds:p95_30m", "seconds", "p95 of duration by version.", "version"
)
VERSION_SEEN = _model(
    "version_seen:steps1d",
    "count",
    "Steps of ten minutes within a day in which a version was seen that serves enough requests.",
    "version",
)
VERSION_BEFORE = _model(
    "version_before:value",
    "value",
    "The signal of the version that was seen longest, of those that serve enough requests now.",
    "signal",
)

# Model layer: tokens and cost.

TOKENS = _model("tokens:rate5m", "tokens/s", "Tokens by kind.", "kind")
TOKENS_1H = _model("tokens:rate1h", "tokens/s", "Tokens by kind over an hour.", "kind")
TOKENS_PER_REQUEST = _model("tokens_per_request:mean1h", "tokens", "Tokens per request.")
CACHE_HIT = _model("cache_hit:ratio_rate1h", "ratio", "Cached share of input tokens over an hour.")
COST = _model("cost_usd:rate5m", "USD/s", "Spend: by declared price, else as reported.")
COST_1H = _model("cost_usd:rate1h", "USD/s", "Spend over an hour.")
COST_6H = _model("cost_usd:rate6h", "USD/s", "Spend over six hours.")
COST_1D = _model("cost_usd:rate1d", "USD/s", "Spend over a day.")
COST_MONTH_TO_DATE = _model(
    "cost_usd:month_to_date", "USD", "Spend since the first of the month (UTC).", "team"
)
COST_PER_1K_TOKENS = _model(
    "cost_usd_per_1k_tokens:ratio_rate1h", "USD", "Spend per thousand tokens over an hour."
)
UNPRICED_TOKENS = _model(
    "unpriced_tokens:rate5m", "tokens/s", "Tokens that neither the inventory nor the engine prices."
)

# Model layer: quality, retrieval, KPI.

SCORE = _model("quality_score:mean", "score", "Newest value of the named score.", "score")
SCORE_SAMPLES = _model("quality_samples:sum", "count", "Answers behind the named score.", "score")
SCORE_AGE = _model("quality_age:seconds", "seconds", "Age of the newest evaluation.", "score")
JUDGEMENTS = _model(
    "judgements:rate5m", "judgements/s", "Judged answers by verdict.", "score", "verdict"
)
JUDGEMENTS_1D = _model(
    "judgements:events1d", "events", "Judged answers of a day by verdict.", "score", "verdict"
)
BAD_JUDGEMENTS_LOWER_BOUND = _model(
    "bad_judgements:wilson_lower_1d",
    "ratio",
    "Share of bad answers that is certain at 95 % (lower Wilson bound) over a day.",
    "score",
)
FEEDBACK_DOWN = _model("feedback_down:ratio_rate1h", "ratio", "Share of thumbs down.")
FEEDBACK_VOTES = _model("feedback:rate1h", "votes/s", "Votes over an hour.")
FLAGS = _model("answer_flags:ratio_rate1h", "ratio", "Share of answers with the flag.", "flag")
RETRIEVALS = _model("retrieval_queries:rate1h", "queries/s", "Retrievals over an hour.")
RETRIEVAL_EMPTY = _model("retrieval_empty:ratio_rate1h", "ratio", "Share of empty retrievals.")
RETRIEVAL_TOP_SCORE_MEAN = _model(
    "retrieval_top_score:mean1h", "score", "Mean best similarity score over an hour."
)
RERANKER_SCORE_MEAN = _model("reranker_score:mean1h", "score", "Mean reranker score over an hour.")
RETRIEVAL_RECIPROCAL_RANK_MEAN = _model(
    "retrieval_reciprocal_rank:mean1h", "ratio", "Mean reciprocal rank over an hour."
)
RETRIEVAL_LATENCY = _model(
    "retrieval_duration_seconds:quantile5m", "seconds", "Quantile of retrieval time.", "quantile"
)
TOOL_CALLS = _model("tool_calls:rate5m", "calls/s", "Tool calls by outcome.", "outcome")
AGENT_STEPS = _model("agent_steps_per_request:mean1h", "steps", "Agent steps per request.")
KPI = _model("kpi:value", "value", "The KPI over a day: a share, or the mean of a gauge.", "kpi")
KPI_VOLUME = _model("kpi_opportunities:rate1d", "events/s", "Events behind the KPI.", "kpi")
WEEK_BEFORE = _model(
    "week_before:value",
    "value",
    "Mean of a signal over the day that ended a week ago; `signal` names what it is of.",
    "signal",
)
KPI_WEEK_BEFORE = _model("kpi_week_before:value", "value", "The KPI a week ago.", "kpi")
LAST_SUCCESS_SEEN = _model(
    "last_success:timestamp",
    "timestamp",
    "When the model was last refreshed; remembered when whoever says so falls silent.",
)
HEALTH = _model(
    "health:state", "state", "0 fine, 1 a ticket is open, 2 somebody is paged, 3 no data."
)

# SLO layer: bad and total events per second of an objective.

_SLO = (*MODEL, "slo")


def _slo(name: str, unit: str, text: str) -> Metric:
    return Metric(name=f"slo:{name}", help=text, unit=unit, labels=_SLO, layer=Layer.SLO)


SLO_ALLOWED = Metric(
    name="slo:allowed:ratio",
    help="Share of bad events that the objective allows; `objective` is the promise in words.",
    unit="ratio",
    labels=(*_SLO, "objective"),
    layer=Layer.SLO,
)
SLO_DAYS = _slo("window:days", "days", "Days over which the objective is promised.")
SLO_FLOOR = _slo("floor:events", "events", "Fewest bad events before a burn alert may fire.")
SLO_BAD = _slo("bad:rate5m", "events/s", "Events that break the objective.")
SLO_TOTAL = _slo("total:rate5m", "events/s", "Events that count for the objective.")
SLO_ERROR = {
    window: _slo(f"error:ratio_rate{window}", "ratio", f"Share of bad events over {window}.")
    for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
}
SLO_SPENT = {
    window: _slo(
        f"budget_spent:ratio{window}",
        "ratio",
        f"Share of the whole window's error budget that was spent in the last {window}.",
    )
    for window in ("1h", "6h", "1d", "3d")
}
SLO_BAD_EVENTS = {
    window: _slo(f"bad:events{window}", "events", f"Bad events in the last {window}.")
    for window in ("1h", "6h", "1d", "3d")
}
SLO_ERROR_PERIOD = _slo("error:ratio_period", "ratio", "Share of bad events over the SLO window.")
SLO_BUDGET_LEFT = _slo("budget_left:ratio", "ratio", "Share of the error budget that is left.")

# Budgets in money.


def _budget(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"budget:{name}",
        help=text,
        unit=unit,
        labels=("budget", "environment", *labels),
        layer=Layer.BUDGET,
    )


BUDGET_COST = {
    window: _budget(f"cost_usd:rate{window}", "USD/s", f"Spend over {window}.")
    for window in ("5m", "1h", "6h", "1d", "3d")
}
BUDGET_SPENT = _budget(
    "spent_usd:to_date",
    "USD",
    "Spend since the period began: in the budget's time zone where the inventory exporter runs, "
    "else in UTC.",
)
BUDGET_SPENT_RATIO = _budget("spent:ratio", "ratio", "Share of the budget that is spent.")
BUDGET_FORECAST_RATIO = _budget(
    "forecast:ratio",
    "ratio",
    "Spend at the end of the period against the budget: at the rate of the last six hours, or as "
    "the week before went where the inventory exporter runs.",
)
BUDGET_BURN = {
    window: _budget(
        f"burn:ratio{window}", "ratio", f"Spend over {window} against an even spend of the budget."
    )
    for window in ("5m", "1h", "6h", "1d", "3d")
}

# GPUs and hosts.

CARD = ("environment", "pool", "host", "gpu")


def _gpu(name: str, unit: str, text: str, labels: tuple[str, ...] = CARD) -> Metric:
    return Metric(name=f"gpu:{name}", help=text, unit=unit, labels=labels, layer=Layer.GPU)


GPU_UTILIZATION = _gpu("utilization:ratio", "ratio", "Share of time the card was busy.")
GPU_MEMORY_USED = _gpu("memory_used:bytes", "bytes", "Memory of the card in use.")
GPU_MEMORY_TOTAL = _gpu("memory_total:bytes", "bytes", "Memory of the card.")
GPU_POWER = _gpu("power:watts", "watts", "Power the card draws.")
GPU_POWER_LIMIT = _gpu("power_limit:watts", "watts", "Power limit of the card.")
GPU_TEMPERATURE = _gpu("temperature:celsius", "celsius", "Temperature of the card.")
GPU_THROTTLED = _gpu("throttled:ratio", "ratio", "Share of time held back by heat or power.")
GPU_XID = _gpu("xid:code", "code", "Last XID error code; 0 is none.")
GPU_XID_ERRORS = _gpu("xid_errors:changes15m", "count", "New XID errors in 15 minutes.")
GPU_ECC = _gpu("ecc_uncorrected:increase1h", "errors", "New uncorrectable memory errors in 1 h.")

POOL = ("environment", "pool")
POOL_PRESENT = _gpu("present:cards", "cards", "Cards of the pool that report.", POOL)
POOL_UTILIZATION = _gpu("pool_utilization:ratio", "ratio", "Mean utilisation of the pool.", POOL)
POOL_UTILIZATION_1D = _gpu(
    "pool_utilization:mean1d", "ratio", "Mean utilisation of the pool over a day.", POOL
)
POOL_BUSY_MODELS = _gpu(
    "pool_busy_models:count", "count", "Models of the pool with traffic over their floor.", POOL
)
POOL_IDLE_COST = _gpu(
    "idle_cost_usd:rate1h", "USD/s", "Price of cards that were idle for an hour.", POOL
)

HOST = ("environment", "pool", "host")
HOST_CPU = _gpu("host_cpu:ratio", "ratio", "Busy share of the host's processors.", HOST)
HOST_MEMORY = _gpu("host_memory:ratio", "ratio", "Used share of the host's memory.", HOST)
HOST_DISK = _gpu("host_disk:ratio", "ratio", "Used share of the host's fullest file system.", HOST)
