"""What opens below the Model board: versions, distributions, quality, and the cards it runs on."""

from dashboards.shared import (
    limit,
    of,
)
from modelwatch.board import SELECTED, Line, Link, Panel, Row
from modelwatch.catalogue.drift import DRIFT
from modelwatch.catalogue.exposed import REQUEST_DURATION
from modelwatch.catalogue.inventory import GPU_MODEL
from modelwatch.catalogue.recorded import (
    BATCH_SIZE_MEAN,
    ENGINE_BUCKETS,
    FLAGS,
    POOL_UTILIZATION,
    SCORE,
    VERSION_ERROR_RATIO,
    VERSION_LATENCY,
    VERSION_REQUESTS,
)
from modelwatch.promql import on, rate, total

_ENVIRONMENT = "{{environment}}"
_SEE_BELOW = "no data; the last row says what the engine does not expose"
_PER_POOL = f"{of(GPU_MODEL)} * {on('environment', 'pool')} group_left () {POOL_UTILIZATION}"

VERSIONS = Row(
    title="Versions",
    collapsed=True,
    panels=(
        Panel(
            title="Requests by version",
            question="Which version serves the traffic? A canary should have its share.",
            unit="reqps",
            lines=(Line(query=of(VERSION_REQUESTS), legend="{{version}} / {{environment}}"),),
        ),
        Panel(
            title="Failed requests by version",
            question="Does only one version fail? Roll it back.",
            unit="percentunit",
            lines=(Line(query=of(VERSION_ERROR_RATIO), legend="{{version}} / {{environment}}"),),
            no_data="no traffic",
        ),
        Panel(
            title="Duration p95 by version",
            question="Is the new version slower? Roll it back or accept it knowingly.",
            unit="s",
            lines=(Line(query=of(VERSION_LATENCY), legend="{{version}} / {{environment}}"),),
            no_data="no traffic",
        ),
    ),
)


def _heatmap(title: str, signal: str, question: str) -> Panel:
    return Panel(
        title=title,
        question=question,
        type="heatmap",
        unit="s",
        width=12,
        lines=(Line(query=total(of(ENGINE_BUCKETS[signal]), by=("le",)), legend="{{le}}"),),
        no_data="the engine exposes no buckets",
    )


DISTRIBUTION = Row(
    title="Distribution and traces",
    collapsed=True,
    panels=(
        _heatmap(
            "Request duration distribution",
            "request_duration",
            "Are all answers slower, or is there a second, slow group? Two bands mean two causes.",
        ),
        _heatmap(
            "Time to first token distribution",
            "time_to_first_token",
            "Is the first token late for everybody or only for some prompts?",
        ),
        Panel(
            title="Batch size",
            question="Does the engine batch as it should? A batch of one wastes the card.",
            unit="none",
            width=12,
            signals=("batch_size",),
            lines=(Line(query=of(BATCH_SIZE_MEAN), legend=f"mean {_ENVIRONMENT}"),),
            no_data=_SEE_BELOW,
        ),
        Panel(
            title="Duration with traces",
            question="Which single requests are slow? Open the trace behind a dot. Dots need an "
            "application that exposes our own histogram with exemplars.",
            unit="s",
            width=12,
            lines=(
                Line(
                    query="histogram_quantile($quantile, "
                    + total(
                        rate(REQUEST_DURATION.bucket, over="$__rate_interval", where=SELECTED),
                        by=("le", "environment"),
                    )
                    + ")",
                    legend=f"quantile {_ENVIRONMENT}",
                    exemplar=True,
                ),
            ),
            no_data="no application exposes our own histogram",
        ),
    ),
)

QUALITY = Row(
    title="Quality and drift",
    collapsed=True,
    panels=(
        Panel(
            title="Scores",
            question="Are answers worse than what was agreed to be good?",
            unit="none",
            lines=(
                Line(query=of(SCORE), legend="{{score}} / {{environment}}"),
                limit("~quality_below|quality_above", by=("score",)),
            ),
            links=(Link(title="Open the quality", board="modelwatch-quality", labels=()),),
            no_data="nothing is scored",
        ),
        Panel(
            title="Flagged answers",
            question="Does it refuse, hallucinate or offend more often than before?",
            unit="percentunit",
            lines=(Line(query=of(FLAGS), legend="{{flag}} / {{environment}}"),),
            no_data="no answers are flagged",
        ),
        Panel(
            title="Drift",
            question="Which input moved away from its baseline? Find out what changed upstream.",
            unit="none",
            lines=(
                Line(query=of(DRIFT), legend="{{feature_name}} {{method}} / {{environment}}"),
                limit("drift", by=("feature_name", "method")),
            ),
            no_data="no drift watched",
        ),
    ),
)

GPU = Row(
    title="GPUs under this model",
    collapsed=True,
    panels=(
        Panel(
            title="Pool utilisation",
            question="Are its cards busy? Slow answers on idle cards are no capacity problem.",
            unit="percentunit",
            width=24,
            lines=(Line(query=_PER_POOL, legend="{{pool}} / {{environment}}"),),
            links=(
                Link(title="Open the pool", board="modelwatch-gpu", labels=("pool", "environment")),
            ),
            no_data="the inventory gives it no pool",
        ),
    ),
)
