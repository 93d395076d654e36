"""Each way in which a document can measure something, and what it becomes."""

from pathlib import Path

import pytest

from generator.definitions import definitions
from modelwatch.inventory import Inventory
from modelwatch.reading import read
from tests.command import Said
from tests.imported_text import of_text

HEAD = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: it}
spec:
  service: shop
  budgetingMethod: Occurrences
"""


def source(query: str) -> str:
    return f"{{metricSource: {{type: Prometheus, spec: {{query: '{query}'}}}}}}"


def openslo(sli: str, *, objective: str = "target: 0.99", more: str = "") -> str:
    return (
        f"{HEAD}  indicator: {{metadata: {{name: it}}, spec: {{{sli}}}}}\n"
        f"  objectives: [{{{objective}}}]\n{more}"
    )


def ratio(**sides: str) -> str:
    found = ", ".join(f"{side}: {source(query)}" for side, query in sides.items())
    return openslo(f"ratioMetric: {{counter: true, {found}}}")


def threshold(query: str, *, op: str = "lte", value: str = "2") -> str:
    return openslo(
        f"thresholdMetric: {source(query)}", objective=f"target: 0.9, op: {op}, value: {value}"
    )


def pyrra(indicator: str, window: str = "28d") -> str:
    return (
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: it}\n"
        f"spec: {{target: '99', window: {window}, indicator: {indicator}}}\n"
    )


def drafted(folder: Path, text: str) -> tuple[Said, Inventory]:
    said = of_text(folder, text)
    assert said.code == 0, said.err
    return said, read("draft.yaml", said.out.encode(), definitions().engines)


def refused(folder: Path, text: str) -> str:
    said = of_text(folder, text)
    assert (said.code, said.out) == (1, "")
    return said.err


BUCKET = 'vllm:time_to_first_token_seconds_bucket{job="a",model_name="m"'
SLOW_MS = "shop_first_token_ms"


@pytest.mark.parametrize(
    ("text", "promise"),
    [
        (ratio(good="rate(ok[5m])", total="rate(all[5m])"), "availability: 99% over 30d"),
        (
            ratio(bad="sum(rate(a[5m])) + sum(rate(b[5m]))", total="rate(all[5m])"),
            "availability: 99% over 30d",
        ),
        (
            openslo(
                "ratioMetric: {counter: true, rawType: success, raw: "
                + source(
                    f'sum(rate({BUCKET},le="0.5"}}[5m])) / sum(rate({BUCKET},le="+Inf"}}[5m]))'
                )
                + "}"
            ),
            "time_to_first_token: 99% under 500ms over 30d",
        ),
        (
            ratio(
                good=f'rate({SLOW_MS}_bucket{{le=~"250|250\\\\.0"}}[5m])',
                total=f"rate({SLOW_MS}_count[5m])",
            ),
            "time_to_first_token: 99% under 250ms over 30d",
        ),
        (
            ratio(
                good='rate(shop_tpot_seconds_bucket{le="0.1"}[5m])',
                total="rate(shop_tpot_seconds_count[5m])",
            ),
            "inter_token_latency: 99% under 100ms over 30d",
        ),
        (
            threshold("histogram_quantile(0.99, sum by (le) (rate(shop_ms_bucket[5m])))"),
            "latency: p99 > 2ms for 5m",
        ),
        (
            pyrra(
                "{latencyNative: {latency: 5s, total: {metric: 'vllm:e2e_request_latency_seconds"
                '{job="a"}\'}}}'
            ),
            "latency: 99% under 5s over 28d",
        ),
        (
            pyrra("{ratio: {errors: {metric: e}, total: {metric: t}}}", window="1y"),
            "availability: 99% over 90d",
        ),
    ],
    ids=[
        "good and total of two counters",
        "two kinds of bad",
        "a share of successes, with the last bucket as all",
        "a boundary in milliseconds, spelled twice",
        "the time of a token",
        "a quantile of an own histogram",
        "a native histogram that has buckets beside it",
        "a year",
    ],
)
def test_a_measure_becomes_an_objective_or_a_limit(tmp_path: Path, text: str, promise: str) -> None:
    said, _ = drafted(tmp_path, text)
    assert f"      {promise}\n" in said.out


def test_windows_of_hours_become_the_shortest_that_is_recorded(tmp_path: Path) -> None:
    text = ratio(bad="e", total="t") + "  timeWindow: [{duration: 12h, isRolling: true}]\n"
    said, inventory = drafted(tmp_path, text)
    assert inventory.models[0].slos[0].window_days == 7
    assert "# confirm: the window is 12h in the document" in said.out


def test_further_objectives_and_inline_policies_are_listed(tmp_path: Path) -> None:
    text = openslo(
        f"ratioMetric: {{counter: true, bad: {source('e')}, total: {source('t')}}}",
        objective="target: 0.9}, {target: 0.99",
        more="  alertPolicies: [{kind: AlertPolicy, metadata: {name: loud}, spec: {}}]\n",
    )
    said, inventory = drafted(tmp_path, text)
    assert inventory.models[0].slos[0].words == "90%"
    assert "a further objective of 'it' is left out" in said.err
    assert "alert policy 'loud' of 'it' is not carried over" in said.err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (threshold("up", op="gt"), "'it' is left out: it is good above a value"),
        (threshold("up"), "'it' is left out: it reads a native histogram"),
        (threshold("a + b"), "a value is compared that is no quantile of a histogram"),
        (
            threshold("histogram_quantile(0.42, rate(shop_ms_bucket[5m]))"),
            "the quantile 0.42 is not recorded",
        ),
        (ratio(bad="e", good="g", total="t"), "'it' needs exactly one of good, bad"),
        (ratio(bad="e"), "'total' is missing"),
        (
            ratio(bad="e", total="t").replace("counter: true", "counter: false"),
            "its queries are gauges, which count no events",
        ),
        (ratio(bad="sum_over_time(e[5m])", total="t"), "`sum_over_time` counts no events"),
        (ratio(bad="é_total", total="t"), "`é_total` is not understood"),
        (openslo("description: x"), "needs exactly one of ratioMetric, thresholdMetric"),
        (
            openslo(f"ratioMetric: {{raw: {source('a')}, rawType: failure}}"),
            "the query divides no bad events by all events",
        ),
        (ratio(bad="e", total="t").replace("SLO", "SLOW"), "'SLOW' is no kind of OpenSLO"),
        (
            ratio(bad="e", total="t") + "  indicatorRef: other\n",
            "'it' needs exactly one of indicator, indicatorRef",
        ),
        (
            pyrra("{latencyNative: {latency: soon, total: {metric: a}}}"),
            "'soon' is no duration",
        ),
        (pyrra("{bool_gauge: {metric: a + b}}"), "it is more than one gauge"),
        (
            pyrra(
                "{latency: {success: {metric: 'vllm:request_queue_time_seconds_bucket{le=\"1\"}'},"
                " total: {metric: 'vllm:request_queue_time_seconds_count'}}}"
            ),
            "nothing is promised about vllm:request_queue_time_seconds",
        ),
    ],
)
def test_what_is_no_such_measure_is_told(tmp_path: Path, text: str, why: str) -> None:
    assert why in refused(tmp_path, text)
