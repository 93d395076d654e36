"""Amazon Bedrock through CloudWatch: gauges of one-minute periods, minutes late."""

from modelwatch.engine import Counter, Engine, Page, Quantiles, Unit

PERIOD_S = 60
_CLIENT = ("aws_bedrock_invocation_client_errors_sum",)
_SERVER = ("aws_bedrock_invocation_server_errors_sum",)
_AT_AWS = "Bedrock does not show its engines"


def _percentiles(metric: str) -> dict[str, str]:
    return {f"0.{digits}": f"{metric}_p{digits.ljust(2, '0')}" for digits in ("5", "9", "95", "99")}


ENGINE = Engine(
    name="bedrock_cloudwatch",
    title="Amazon Bedrock (CloudWatch)",
    versions=("YACE 0.6x", "CloudWatch of 2026"),
    port=5000,
    model_label="dimension_ModelId or dimension_model_id or model_id",
    rows=(
        Counter(
            signal="requests",
            names=("aws_bedrock_invocations_sum",),
            value="success",
            minus=(_CLIENT, _SERVER),
            period_s=PERIOD_S,
        ),
        Counter(signal="requests", names=_CLIENT, value="client_error", period_s=PERIOD_S),
        Counter(signal="requests", names=_SERVER, value="server_error", period_s=PERIOD_S),
        Counter(
            signal="requests",
            names=("aws_bedrock_invocation_throttles_sum",),
            value="rate_limited",
            period_s=PERIOD_S,
        ),
        Quantiles(
            signal="request_duration",
            metrics=_percentiles("aws_bedrock_invocation_latency"),
            unit=Unit.MILLISECONDS,
            opt_in="ask CloudWatch for the statistics p50, p90, p95 and p99",
        ),
        Quantiles(
            signal="time_to_first_token",
            metrics=_percentiles("aws_bedrock_time_to_first_token"),
            unit=Unit.MILLISECONDS,
            opt_in="ask CloudWatch for the statistics p50, p90, p95 and p99",
        ),
        Counter(
            signal="tokens",
            names=("aws_bedrock_input_token_count_sum",),
            value="input",
            period_s=PERIOD_S,
        ),
        Counter(
            signal="tokens",
            names=("aws_bedrock_cache_read_input_tokens_sum",),
            value="cached_input",
            period_s=PERIOD_S,
        ),
        Counter(
            signal="tokens",
            names=("aws_bedrock_output_token_count_sum",),
            value="output",
            period_s=PERIOD_S,
        ),
    ),
    unavailable={
        "prompt_length": "CloudWatch has statistics of a period, no buckets",
        "output_length": "CloudWatch has statistics of a period, no buckets",
        "inter_token_latency": "CloudWatch has no time between tokens of Bedrock",
        "queue_duration": _AT_AWS,
        "requests_running": _AT_AWS,
        "requests_waiting": _AT_AWS,
        "cost": "CloudWatch has no cost per model; declare a price per token",
        "kv_cache_usage": _AT_AWS,
        "preemptions": _AT_AWS,
        "batch_size": _AT_AWS,
    },
    first_checks={
        "requests": (
            "Throttles count as rate limited: compare with the quota of the account and region.",
        ),
    },
    notes=(
        "Set the period of the exporter to 60 s: each value is taken as the count of one minute.",
        "Invocations are taken to include failed ones, as AWS documents it now.",
        "Input tokens are those not read from the cache.",
    ),
    pages=(Page(file="bedrock_cloudwatch-2026.prom", version="YACE of 2026"),),
)
