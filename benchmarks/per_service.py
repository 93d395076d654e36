"""The other shape: rules per service and objective, as generators of SLO rules write them.

Seventeen rules for each objective in three groups: the error ratio over eight windows, seven series
that describe the objective, and two alerts on several windows at once. Every short window reads the
raw counters, the longest one averages the shortest. Written here for comparison only.
"""

from collections.abc import Iterator

from benchmarks import fleet, pages
from benchmarks.history import Past
from generator.yaml_text import flow
from modelwatch.promql import select

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
PERIOD_DAYS = 30
RULES_PER_OBJECTIVE = len(WINDOWS) + 1 + 7 + 2
OBJECTIVES = {"availability": 0.999, "latency": 0.95}

PAGE = (("5m", "1h", 14.4), ("30m", "6h", 6.0))
TICKET = (("2h", "1d", 3.0), ("6h", "3d", 1.0))
"""Short window, long window, times the error budget. Source: the SRE workbook, chapter 5."""


def rules(models: int) -> str:
    """The rule file for the fleet of `fleet.inventory(models)`."""
    groups = (
        line
        for number in range(1, models + 1)
        for slo in OBJECTIVES
        for line in _groups(fleet.name(number), slo)
    )
    return "groups:\n" + "".join(f"{line}\n" for line in groups)


def past(models: int, past_s: int) -> Iterator[Past]:
    """What the rule over the whole period reads: the error ratios recorded so far."""
    for slo in OBJECTIVES:
        yield Past(
            name=_ratio("5m"),
            series=[{"service": fleet.name(number), "slo": slo} for number in range(1, models + 1)],
            value=lambda _: 0.001,
            window_s=past_s,
            step_s=30,
        )


def _groups(model: str, slo: str) -> Iterator[str]:
    own = {"service": model, "slo": slo}
    yield f"  - name: errors-{model}-{slo}"
    yield "    rules:"
    for window in WINDOWS:
        bad, whole = _events(model, slo, window)
        yield _recording(_ratio(window), f"({bad}) / ({whole})", own)
    recent = select(_ratio("5m"), own)
    period = f"{PERIOD_DAYS}d"
    averaged = f"sum_over_time({recent}[{period}]) / count_over_time({recent}[{period}])"
    yield _recording(_ratio(period), averaged, own)
    yield f"  - name: objective-{model}-{slo}"
    yield "    rules:"
    for name, expr in _description(slo, own).items():
        yield _recording(name, expr, own)
    yield f"  - name: alerts-{model}-{slo}"
    yield "    rules:"
    for severity, conditions in (("page", PAGE), ("ticket", TICKET)):
        expr = " or ".join(_burns(*condition, slo, own) for condition in conditions)
        yield f"      - alert: ErrorBudgetBurns\n        expr: '{expr}'"
        yield f"        labels: {flow({**own, 'severity': severity})}"


def _events(model: str, slo: str, window: str) -> tuple[str, str]:
    """Bad and all events of a model per second, from its own counters."""
    if slo == "availability":
        whole = f'vllm:request_success_total{{model_name="{model}"'
        bad = f'sum(rate({whole},finished_reason="error"}}[{window}]))'
        return bad, f"sum(rate({whole}}}[{window}]))"
    metric, _ = pages.buckets("request_duration")
    le = float(fleet.LATENCY_BOUNDARY_S)
    good = f'sum(rate({metric}_bucket{{model_name="{model}",le="{le}"}}[{window}]))'
    whole = f'sum(rate({metric}_count{{model_name="{model}"}}[{window}]))'
    return f"{whole} - {good}", whole


def _description(slo: str, own: dict[str, str]) -> dict[str, str]:
    allowed = select("service:error_budget:ratio", own)
    now, whole = select(_ratio("5m"), own), select(_ratio(f"{PERIOD_DAYS}d"), own)
    spent = select("service:period_burn:ratio", own)
    return {
        "service:objective:ratio": f"vector({OBJECTIVES[slo]})",
        "service:error_budget:ratio": f"vector(1 - {OBJECTIVES[slo]})",
        "service:period:days": f"vector({PERIOD_DAYS})",
        "service:current_burn:ratio": f"{now} / on (service, slo) group_left () {allowed}",
        "service:period_burn:ratio": f"{whole} / on (service, slo) group_left () {allowed}",
        "service:error_budget_left:ratio": f"1 - {spent}",
        "service:objective:info": "vector(1)",
    }


def _burns(short: str, long: str, factor: float, slo: str, own: dict[str, str]) -> str:
    limit = f"({factor} * (1 - {OBJECTIVES[slo]}))"
    windows = [f"{select(_ratio(window), own)} > {limit}" for window in (short, long)]
    return f"({' and '.join(windows)})"


def _ratio(window: str) -> str:
    return f"service:error:ratio_rate{window}"


def _recording(name: str, expr: str, labels: dict[str, str]) -> str:
    return f"      - record: {name}\n        expr: '{expr}'\n        labels: {flow(labels)}"
