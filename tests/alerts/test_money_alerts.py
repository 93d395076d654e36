"""Alerts on cost, budgets and business figures."""

from pathlib import Path

import pytest

from alerts import budget as budgets
from alerts import cost, kpi
from tests.alerts.staging import Scene, budget, chat, complaints

REQUESTS = chat("model:requests:rate1h")
ENOUGH = {REQUESTS: 1, chat("model:floor:events", signal="requests"): 20}
FEW = {REQUESTS: 0.0055}  # 19.8 in an hour


def limit(signal: str, value: float, hold: str, text: str, **labels: str) -> dict[str, float]:
    name = chat("model:threshold:value", signal=signal, hold=hold, limit=text, **labels)
    return {name: value}


COST_NOW = chat("model:seasonal:now", signal="cost")
PER_1K = chat("model:cost_usd_per_1k_tokens:ratio_rate1h")
PER_REQUEST = chat("model:tokens_per_request:mean1h")
CACHED = chat("model:cache_hit:ratio_rate1h")
CACHED_BEFORE = chat("model:week_before:value", signal="cache_hit")
UNPRICED = chat("model:unpriced_tokens:rate5m")
MEMBER = chat("modelwatch_budget_member_ratio", budget="assist")

COST_SCENES = [
    Scene(
        alert="ModelCostSpike",
        hold="30m",
        summary="chat spends 5 times what it spent at this hour of the weeks before, over its "
        "limit of 2 times.",
        labels={"limit": "2 times"},
        fires={
            COST_NOW: 0.01,
            chat("model:seasonal:baseline", signal="cost"): 0.002,
            **limit("cost_spike", 2, "30m", "2 times"),
            **ENOUGH,
        },
        silent={
            "just at the limit": {COST_NOW: 0.004},
            "little traffic": FEW,
            "no past": {chat("model:seasonal:baseline", signal="cost"): ""},
            "a past without spend": {chat("model:seasonal:baseline", signal="cost"): 0},
        },
    ),
    Scene(
        alert="ModelCostPerTokenHigh",
        hold="1h",
        summary="A thousand tokens of chat cost 1.5 times what they cost a week ago, over its "
        "limit of 1.3 times.",
        labels={"limit": "1.3 times"},
        fires={
            PER_1K: 0.003,
            chat("model:week_before:value", signal="cost_per_1k_tokens"): 0.002,
            **limit("cost_per_1k_tokens", 1.3, "1h", "1.3 times"),
            **ENOUGH,
        },
        silent={"a small rise": {PER_1K: 0.0025}, "little traffic": FEW},
    ),
    Scene(
        alert="ModelTokensPerRequestHigh",
        hold="1h",
        summary="A request to chat takes 3 times the tokens it took at this hour of the weeks "
        "before, over its limit of 2 times.",
        labels={"limit": "2 times"},
        fires={
            PER_REQUEST: 1800,
            chat("model:seasonal:baseline", signal="tokens_per_request"): 600,
            **limit("tokens_per_request", 2, "1h", "2 times"),
            **ENOUGH,
        },
        silent={"less than twice": {PER_REQUEST: 1190}, "little traffic": FEW},
    ),
    Scene(
        alert="ModelCacheHitsLost",
        hold="1h",
        summary="chat lost 75% of its prompt cache hits since a week ago, over its limit of 50%.",
        labels={"limit": "50%"},
        fires={
            CACHED: 0.15,
            CACHED_BEFORE: 0.6,
            **limit("cache_hit_drop", 0.5, "1h", "50%"),
            **ENOUGH,
        },
        silent={
            "less than half is lost": {CACHED: 0.31},
            "hardly anything was cached": {CACHED: 0, CACHED_BEFORE: 0.09},
            "little traffic": FEW,
        },
    ),
    Scene(
        alert="ModelTokensUnpriced",
        hold="1h",
        summary="chat uses 120 tokens per second that have no price, so its budget shows too "
        "little; the limit is none.",
        fires={UNPRICED: 120, MEMBER: 0.7},
        silent={"all have a price": {UNPRICED: 0}, "no budget asks": {MEMBER: ""}},
    ),
]

MONTHLY = budget("modelwatch_budget_usd", period="month", limit="3000 USD per month")
DAILY = budget("modelwatch_budget_usd", period="day", limit="50 USD per day")


def burn(window: str) -> str:
    return budget(f"budget:burn:ratio{window}")


SPENT = budget("budget:spent:ratio")
FORECAST = budget("budget:forecast:ratio")
MARKS = {
    budget("modelwatch_budget_share_ratio", share=f"{share}%"): share / 100
    for share in (50, 80, 100)
}
RUNAWAY = (
    "Budget assist is spent {} times as fast as planned over 1h; the limit is 5 % of a monthly "
    "budget in an hour (36 times), half of a daily one (12 times)."
)


def marked(spent: float, share: str, summary: str) -> Scene:
    return Scene(
        alert="BudgetShareSpent",
        hold="2m",
        summary=summary,
        labels={"share": share},
        fires={SPENT: spent, **MARKS},
        silent={"less than the first mark": {SPENT: 0.499}},
    )


BUDGET_SCENES = [
    Scene(
        alert="BudgetRunaway",
        hold="2m",
        summary=RUNAWAY.format(40),
        fires={burn("1h"): 40, burn("5m"): 37, MONTHLY: 3000},
        silent={
            "a burst that is over": {burn("5m"): 20},
            "a burst that just began": {burn("1h"): 20},
            "at the limit": {burn("1h"): 36, burn("5m"): 36},
        },
    ),
    Scene(
        alert="BudgetRunaway",
        hold="2m",
        summary=RUNAWAY.format(13),
        fires={burn("1h"): 13, burn("5m"): 13, DAILY: 50},
        silent={"working hours": {burn("1h"): 4}, "a month's budget": {DAILY: "", MONTHLY: 3000}},
    ),
    Scene(
        alert="BudgetBurnFast",
        hold="10m",
        summary="Budget assist is spent 7 times as fast as planned over 6h; the limit is 5 % of a "
        "monthly budget in six hours (6 times).",
        fires={burn("6h"): 7, burn("1h"): 8, MONTHLY: 3000},
        silent={
            "under it": {burn("6h"): 5.9},
            "over by now": {burn("1h"): 5.9},
            "a daily budget": {MONTHLY: "", DAILY: 50},
        },
    ),
    Scene(
        alert="BudgetBurnSteady",
        hold="1h",
        summary="Budget assist is spent 1.6 times as fast as planned over 3d; the limit is half "
        "as much again as an even spend (1.5 times).",
        fires={burn("3d"): 1.6, burn("1d"): 1.7, MONTHLY: 3000},
        silent={"as planned": {burn("3d"): 1}, "over by now": {burn("1d"): 1.4}},
    ),
    marked(0.5, "50%", "Budget assist is 50% spent, past its mark of 50%."),
    marked(0.85, "80%", "Budget assist is 85% spent, past its mark of 80%."),
    marked(1.2, "100%", "Budget assist is 120% spent, past its mark of 100%."),
    Scene(
        alert="BudgetForecastOver",
        hold="1h",
        summary="As spend goes now, budget assist will end its period at 140%, over its limit of "
        "100%.",
        fires={FORECAST: 1.4, SPENT: 0.3},
        silent={
            "it will last": {FORECAST: 1},
            "too early to say": {SPENT: 0.09},
            "spent already": {SPENT: 1.01},
        },
    ),
]

CLICKS = chat("model:kpi:value", kpi="ctr")
CLICKS_BEFORE = chat("model:kpi_week_before:value", kpi="ctr")
VOLUME = chat("model:kpi_opportunities:rate1d", kpi="ctr")
OTHER = chat("model:kpi_opportunities:rate1d", kpi="orders")

DROPPED: dict[str, float | str] = {
    CLICKS: 0.03,
    CLICKS_BEFORE: 0.05,
    VOLUME: 1,
    OTHER: 0.0001,
    chat("model:floor:events", signal="kpi", score="ctr"): 1000,
    chat("model:floor:events", signal="kpi", score="orders"): 1000,
    **limit("kpi_drop", 0.2, "1h", "20%", kpi="ctr"),
}


def dropped(fed: dict[str, float | str], silent: dict[str, dict[str, float | str]]) -> Scene:
    return Scene(
        alert="ModelKpiDropped",
        hold="1h",
        summary="The ctr of chat is 40% lower than a week ago, over its limit of 20%.",
        labels={"kpi": "ctr", "limit": "20%"},
        fires=fed,
        silent=silent,
    )


KPI_SCENES = [
    dropped(
        DROPPED,
        {
            "a small drop": {CLICKS: 0.041},
            "little volume": {VOLUME: 0.0115},
            "a first week": {CLICKS_BEFORE: ""},
            "nothing a week ago": {CLICKS_BEFORE: 0},
        },
    ),
    # A KPI that is a gauge has no volume.
    dropped({**DROPPED, VOLUME: ""}, {"a rise": {CLICKS: 0.06}}),
]


@pytest.mark.real
@pytest.mark.parametrize("scene", COST_SCENES, ids=str)
def test_a_cost_alert_fires_and_stays_silent(promtool: Path, scene: Scene, tmp_path: Path) -> None:
    assert not complaints(promtool, cost.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", BUDGET_SCENES, ids=str)
def test_a_budget_alert_fires_once_and_stays_silent(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, budgets.ALERTS, scene, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("scene", KPI_SCENES, ids=("a share", "a gauge"))
def test_a_kpi_is_compared_with_the_week_before(
    promtool: Path, scene: Scene, tmp_path: Path
) -> None:
    assert not complaints(promtool, kpi.ALERTS, scene, tmp_path)


@pytest.mark.parametrize("module", [cost, budgets, kpi], ids=lambda module: module.__name__)
def test_every_money_alert_has_a_scene(module: object) -> None:
    scenes = {scene.alert for scene in (*COST_SCENES, *BUDGET_SCENES, *KPI_SCENES)}
    assert {alert.name for alert in module.ALERTS} <= scenes  # type: ignore[attr-defined]
