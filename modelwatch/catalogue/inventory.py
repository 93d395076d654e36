"""Constant series written from the inventory: objectives, limits, ownership, prices, budgets.

They are data, so that alert and recording rules stay the same for any number of models.
"""

from modelwatch.catalogue.metric import MODEL, Layer, Metric


def _constant(name: str, unit: str, text: str, *labels: str) -> Metric:
    return Metric(
        name=f"modelwatch_{name}", help=text, unit=unit, labels=labels, layer=Layer.INVENTORY
    )


MODEL_INFO = _constant(
    "model_info",
    "info",
    "One per model and environment: who owns it, how much it matters, which version is declared, "
    "which severity policy it follows.",
    *MODEL,
    "team",
    "tier",
    "version",
    "owner",
    "policy",
)
MODEL_FEATURE = _constant(
    "model_feature_ratio",
    "ratio",
    "Share of the model that the feature is charged with, as declared.",
    *MODEL,
    "feature",
)
SOURCE = _constant(
    "source_info",
    "info",
    "Joins what a scrape job calls a model to the inventory's name of it.",
    "job",
    "instance",
    "engine",
    "engine_model",
    *MODEL,
    "version",
)
GPU_SOURCE = _constant(
    "gpu_source_info",
    "info",
    "Joins the targets of a scrape job to a GPU pool.",
    "job",
    "instance",
    "engine",
    "environment",
    "pool",
)
ENGINE_UNAVAILABLE = _constant(
    "engine_unavailable_info",
    "info",
    "A signal that the engine does not expose, and the reason in words.",
    "engine",
    "signal",
    "reason",
)
SEVERITY = _constant(
    "severity_info",
    "info",
    "Which severity an alert of this urgency has under this policy.",
    "policy",
    "urgency",
    "severity",
)
POOL_INFO = _constant(
    "pool_info",
    "info",
    "One per GPU pool: who owns it, how much it matters, which severity policy it follows.",
    "environment",
    "pool",
    "team",
    "tier",
    "policy",
)
BUDGET_INFO = _constant(
    "budget_info",
    "info",
    "One per budget: who owns it and which severity policy it follows; `scope` is model, team, "
    "feature or environment and `subject` its name.",
    "budget",
    "environment",
    "scope",
    "subject",
    "team",
    "tier",
    "policy",
)
_LIMIT = (
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
THRESHOLD = _constant(
    "threshold",
    "value",
    "A limit of one model in base units; `limit` is the text as written, `hold` how long it must "
    "be passed.",
    *MODEL,
    *_LIMIT,
)
THRESHOLD_DEFAULT = _constant(
    "threshold_default", "value", "The same for every model that sets none itself.", *_LIMIT
)
POOL_THRESHOLD = _constant(
    "pool_threshold",
    "value",
    "A limit of one GPU pool in base units.",
    "environment",
    "pool",
    "signal",
    "hold",
    "limit",
)
FLOOR = _constant(
    "floor_events",
    "events",
    "Fewest events per window at which a ratio, quantile or score of the model is believed.",
    *MODEL,
    "signal",
    "score",
    "slo",
)
FLOOR_DEFAULT = _constant(
    "floor_default_events", "events", "The same for every model that sets none itself.", "signal"
)
SLO_OBJECTIVE = _constant(
    "slo_objective_ratio",
    "ratio",
    "Share of good events that is promised; `objective` is the promise in words, `window` the days "
    "it is promised over, `score` what is judged where quality is promised.",
    *MODEL,
    "slo",
    "objective",
    "window",
    "score",
)
SLO_MAXIMUM_AGE = _constant(
    "slo_maximum_age_seconds", "seconds", "Age from which on the model is stale.", *MODEL, "slo"
)
SLO_WINDOW = _constant("slo_window_seconds", "seconds", "Length of an SLO window.", "window")
SLO_BUCKET = _constant(
    "slo_bucket_info",
    "info",
    "Bucket boundary that separates good from bad for a latency objective on this engine.",
    *MODEL,
    "engine",
    "slo",
    "le",
)
PRICE_TOKEN = _constant(
    "price_usd_per_token", "USD/token", "Price of one token of this kind.", *MODEL, "kind"
)
PRICE_REQUEST = _constant("price_usd_per_request", "USD/request", "Price of one request.", *MODEL)
PRICE_IMAGE = _constant("price_usd_per_image", "USD/image", "Price of one image.", *MODEL)
MODEL_HARDWARE_COST = _constant(
    "model_hardware_usd_per_hour",
    "USD/hour",
    "Cards that the model is given times their hourly price.",
    *MODEL,
    "pool",
)
BUDGET = _constant(
    "budget_usd",
    "USD",
    "Money that may be spent per period; `limit` is the text as written.",
    "budget",
    "environment",
    "period",
    "limit",
)
BUDGET_SHARE = _constant(
    "budget_share_ratio",
    "ratio",
    "Shares of a budget at which to tell.",
    "budget",
    "environment",
    "share",
)
BUDGET_MEMBER = _constant(
    "budget_member_ratio",
    "ratio",
    "Share of the model's spend that is charged to the budget.",
    *MODEL,
    "budget",
)
GPU_EXPECTED = _constant(
    "gpu_expected_cards", "cards", "Cards that the pool should have.", "environment", "pool"
)
GPU_PRICE = _constant(
    "gpu_price_usd_per_hour", "USD/hour", "Price of one card for one hour.", "environment", "pool"
)
GPU_SLOT = _constant(
    "gpu_slot_info",
    "info",
    "Every card that the pool should have, where the inventory names its hosts.",
    "environment",
    "pool",
    "host",
)
GPU_MODEL = _constant("gpu_model_info", "info", "Which models run in which pool.", *MODEL, "pool")
PROBE_INFO = _constant(
    "probe_info",
    "info",
    "One per probe: which model it asks, and over which API.",
    *MODEL,
    "probe",
    "api",
)
RETIRES = _constant(
    "model_retirement_timestamp_seconds",
    "timestamp",
    "When the provider retires the model, in seconds since 1970: the day's first moment in UTC.",
    *MODEL,
)
DRIFT_FEATURE = _constant(
    "drift_feature_info",
    "info",
    "A feature that is watched for drift; `critical` is true where its drift alone matters.",
    *MODEL,
    "feature_name",
    "critical",
)
DRIFT_METHOD = _constant(
    "drift_method_info",
    "info",
    "A statistic that decides whether features drifted.",
    *MODEL,
    "method",
)
OWN_PAST = _constant(
    "own_past_info",
    "info",
    "A distribution that is compared with its own past.",
    *MODEL,
    "signal",
)
SERIES_PREDICTED = _constant(
    "series_predicted",
    "series",
    "Series that the inventory was predicted to need at the most; `part` is `total` or a job.",
    "part",
)
