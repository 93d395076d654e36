from decimal import Decimal
from pathlib import Path

import pytest

from modelwatch.inventory import Inventory, Model, Quantity, Threshold
from modelwatch.reading import read
from tests.inventory_texts import ENGINES, GOOD, HERE, MODEL, ROOT, TOP, messages, read_text


def _model(extra: str, text: str = MODEL) -> Model:
    return read_text(f"{text}{extra}").models[0]


def _good(name: str) -> Inventory:
    path = HERE / "good" / f"{name}.yaml"
    return read(str(path), path.read_bytes(), ENGINES)


def _demo() -> Inventory:
    path = ROOT / "examples/demo.yaml"
    return read(str(path), path.read_bytes(), ENGINES)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_every_good_inventory_reads_without_a_problem(path: Path) -> None:
    assert read(str(path), path.read_bytes(), ENGINES).models


def test_the_minimal_inventory_has_ten_lines_at_the_most() -> None:
    lines = (ROOT / "examples/minimal.yaml").read_text("utf-8").splitlines()
    assert len([line for line in lines if not line.startswith("#")]) <= 10


def test_a_minimal_model_gets_every_default() -> None:
    inventory = read_text(MODEL)
    (model,) = inventory.models
    assert (model.environment, model.tier, model.policy) == ("production", 2, "tier-2")
    assert model.sources[0].engine_model == "chat"
    assert inventory.teams["assist"].ticket == ("on-call",)
    assert inventory.settings.stack_team == "assist"
    assert inventory.settings.production == ("production",)
    assert inventory.floors["requests"] == 20
    assert {row.signal for row in inventory.thresholds} >= {"kv_cache", "error_ratio", "silent"}


def test_the_demo_has_its_five_models_and_their_ports() -> None:
    models = {model.name: model for model in _demo().models}
    assert {name: model.sources[0].targets for name, model in models.items()} == {
        "chat": ("127.0.0.1:9401",),
        "vision": ("127.0.0.1:9402",),
        "chat-hosted": ("127.0.0.1:9403",),
        "summarize": ("127.0.0.1:9403",),
        "agent": ("127.0.0.1:9404",),
    }
    assert models["chat-hosted"].sources[0].engine_model == "gpt-4o-mini"


def test_objectives_are_exact_and_keep_their_words() -> None:
    model = _model(
        "    slo: {availability: 99.95%, latency: p95 < 2.5s, freshness: 99% within 2h}\n"
    )
    by_kind = {slo.kind: slo for slo in model.slos}
    assert by_kind["availability"].objective == Quantity(value=Decimal("0.9995"), text="99.95%")
    assert by_kind["latency"].words == "95% under 2.5s"
    assert by_kind["freshness"].limit == Quantity(value=Decimal(7200), text="2h")
    assert {slo.window_days for slo in model.slos} == {30}


@pytest.mark.parametrize(
    "slo",
    ["99% over 7d", "{objective: 99%, window: 7d}"],
    ids=["text", "block"],
)
def test_a_window_is_said_in_the_text_or_in_the_block(slo: str) -> None:
    assert _model(f"    slo: {{availability: {slo}}}\n").slos[0].window_days == 7


def test_a_floor_of_an_objective_is_its_own() -> None:
    model = _model("    slo: {availability: {objective: 99%, floor: 0}}\n")
    assert model.slos[0].floor_events == 0
    assert _model("    slo: {availability: 99%}\n").slos[0].floor_events is None


def test_the_only_score_is_the_one_of_the_quality_objective() -> None:
    model = _model("    slo: {quality: 95%}\n    quality: {tone: {good: below 0.3}}\n")
    assert model.slos[0].score == "tone"
    assert (model.scores[0].direction, model.scores[0].good.value) == ("lower", Decimal("0.3"))


def test_limits_become_thresholds_of_their_signal() -> None:
    model = _model(
        "    limits:\n"
        "      latency: [p50 > 1s for 10m, p95 > 200ms]\n"
        "      refusals: 12.5% for 2h\n"
        "      silent: off\n"
    )
    assert model.thresholds == (
        Threshold(
            signal="request_duration",
            limit=Quantity(value=Decimal(1), text="1s"),
            hold="10m",
            labels={"quantile": "0.5"},
        ),
        Threshold(
            signal="request_duration",
            limit=Quantity(value=Decimal("0.2"), text="200ms"),
            hold="5m",
            labels={"quantile": "0.95"},
        ),
        Threshold(
            signal="answer_flag",
            limit=Quantity(value=Decimal("0.125"), text="12.5%"),
            hold="2h",
            labels={"flag": "refusal"},
        ),
        Threshold(
            signal="silent", limit=Quantity(value=Decimal(0), text="off"), hold="15m", labels={}
        ),
    )


def test_a_default_limit_that_is_off_is_no_threshold_at_all() -> None:
    inventory = read_text(f"defaults: {{limits: {{kv_cache: off, anomaly: 6}}}}\n{MODEL}")
    by_signal = {row.signal: row for row in inventory.thresholds}
    assert "kv_cache" not in by_signal
    assert (by_signal["anomaly"].limit.text, by_signal["anomaly"].hold) == ("6", "30m")


def test_defaults_hold_for_the_fleet_then_the_team_then_the_model() -> None:
    text = (
        "defaults: {tier: 3, slo_window: 90d, slo: {availability: 99%}}\n"
        + MODEL.replace(
            "{page: on-call}",
            "{page: on-call, defaults: "
            "{slo_window: 7d, limits: {concurrency: 9}, floors: {slo: 7}}}",
        )
        + "    floors: {errors: 8}\n"
    )
    model = _model("", text)
    assert (model.tier, model.policy) == (3, "tier-3")
    assert (model.slos[0].kind, model.slos[0].window_days) == ("availability", 7)
    assert [(row.signal, row.limit.text) for row in model.thresholds] == [("concurrency", "9")]
    assert model.floors == {"slo": 7, "errors": 8}


def test_an_objective_of_the_defaults_can_be_taken_back() -> None:
    text = f"defaults: {{slo: {{availability: 99%}}}}\n{MODEL}    slo: {{availability: off}}\n"
    assert _model("", text).slos == ()


def test_a_model_in_two_environments_is_two_models_with_their_own_sources() -> None:
    sources = """\
    environments: [production, staging]
    sources:
      - {engine: vllm, targets: ["gpu1:8000"], environment: production}
      - {engine: vllm, targets: ["gpu2:8000"], environment: staging}
"""
    inventory = read_text(f"{TOP}models:\n  - name: chat\n    team: assist\n{sources}")
    assert [(model.key, model.sources[0].targets) for model in inventory.models] == [
        (("chat", "production"), ("gpu1:8000",)),
        (("chat", "staging"), ("gpu2:8000",)),
    ]


def test_a_source_of_an_endpoint_is_that_endpoint_with_the_models_name() -> None:
    sources = {model.name: model.sources for model in _good("canary").models}
    gateway = sources["chat"][2]
    assert (gateway.engine, gateway.job, gateway.engine_model) == (
        "litellm",
        "litellm",
        "llama-fallback",
    )
    assert sources["chat"][0].instances == ("gpu1:8000",)
    assert [source.version for source in sources["chat"][:2]] == ["1", "2"]


def test_text_and_numbers_stay_as_they_were_written() -> None:
    inventory = _good("scalars")
    (model,) = inventory.models
    assert (model.name, model.team, model.version) == ("007", "no", "1.10")
    assert (model.owner, model.description, model.sources[0].version) == ("0x1F", "1_000", "1e3")
    assert inventory.teams["no"].on_call == "12:30"
    assert model.drift
    assert model.drift.limit == Quantity(value=Decimal("0.01"), text="1e-2")


def test_prices_are_per_single_token_and_fall_back_to_the_kind_they_are_part_of() -> None:
    model = _model(
        "    price: {input: 0.15 USD per million tokens, output: 5 per million tokens, "
        "image: 0.04 USD per image}\n"
    )
    assert {kind: price.value for kind, price in model.prices.tokens.items()} == {
        "input": Decimal("0.00000015"),
        "cached_input": Decimal("0.00000015"),
        "output": Decimal("0.000005"),
        "reasoning": Decimal("0.000005"),
    }
    assert model.prices.image == Quantity(value=Decimal("0.04"), text="0.04 USD per image")
    assert model.prices.request is None


@pytest.mark.parametrize(
    ("scope", "members", "team"),
    [
        ("model: chat", {"chat": "1"}, "assist"),
        ("team: assist", {"chat": "1", "chat-hosted": "1", "summarize": "1"}, "assist"),
        ("feature: search", {"chat": "0.3"}, "assist"),
        ("environment: production, owner: vision", None, "vision"),
    ],
)
def test_a_budget_counts_the_models_of_its_scope(
    scope: str, members: dict[str, str] | None, team: str
) -> None:
    text = (ROOT / "examples/demo.yaml").read_text("utf-8").partition("budgets:")[0]
    inventory = read_text(f"{text}budgets:\n  - {{name: b, amount: 50 USD per day, {scope}}}\n")
    (budget,) = inventory.budgets
    names = {model.name: "1" for model in inventory.models} if members is None else members
    assert budget.members == {(name, "production"): Decimal(share) for name, share in names.items()}
    assert (budget.scope, budget.subject) == tuple(scope.partition(",")[0].split(": "))
    assert (budget.team, budget.environment, budget.period) == (team, "production", "day")
    assert budget.shares == (Decimal("0.5"), Decimal("0.8"), Decimal(1))


def test_a_model_with_cards_of_a_priced_pool_needs_no_other_price() -> None:
    pool = "gpus:\n  - {pool: a100, team: assist, cards: 4, price: 2 USD per hour}\n"
    budget = "budgets:\n  - {name: b, model: chat, amount: 50 USD per day}\n"
    assert not messages(f"{MODEL}    pool: a100\n    cards: 2\n{pool}{budget}")
    assert "no price" in messages(f"{MODEL}    pool: a100\n{pool}{budget}")[0]


def test_an_engine_that_reports_cost_needs_no_price() -> None:
    text = MODEL.replace("engine: vllm", "engine: litellm")
    assert not messages(f"{text}budgets:\n  - {{name: b, model: chat, amount: 5 USD per day}}\n")


def test_a_policy_of_a_models_own_is_one_of_the_severities() -> None:
    inventory = read_text(f"{MODEL}    severity: {{now: page, soon: page, watch: ticket}}\n")
    policy = inventory.models[0].policy
    assert inventory.severities[policy] == {"now": "page", "soon": "page", "watch": "ticket"}
    assert set(inventory.severities) == {"tier-1", "tier-2", "tier-3", policy}


def test_a_pool_has_every_limit_but_those_that_are_off() -> None:
    pools = "gpus:\n  - {pool: a100, team: assist, limits: {temperature: 80 for 2m, idle: off}}\n"
    (pool,) = read_text(f"{MODEL}{pools}").pools
    by_signal = {row.signal: row for row in pool.thresholds}
    assert "gpu_idle" not in by_signal
    assert (by_signal["gpu_temperature"].limit.text, by_signal["gpu_temperature"].hold) == (
        "80",
        "2m",
    )
    assert by_signal["gpu_memory"].limit.value == Decimal("0.95")


def test_hours_are_written_as_alertmanager_takes_them() -> None:
    hours = "{days: monday to friday, from: 9:00, to: 17:30, timezone: Europe/Berlin}"
    text = MODEL.replace("{page: on-call}", f"{{page: on-call, hours: {hours}}}")
    found = read_text(text).teams["assist"].hours
    assert found
    assert (found.days, found.start, found.end) == ("monday:friday", "09:00", "17:30")


def test_an_engine_of_the_inventory_is_used_like_any_other() -> None:
    inventory = _good("own-engine")
    engine = inventory.engines["ranker"]
    assert [signal.metric for signal in engine.signals] == [
        "ok_total",
        "failed_total",
        "latency_milliseconds",
    ]
    assert engine.signals[0].value == "success"


def test_parts_of_the_stack_are_scraped_under_their_own_job() -> None:
    text = f"settings: {{stack_sources: [{{job: grafana, targets: ['grafana:3000']}}]}}\n{MODEL}"
    (source,) = read_text(text).stack_sources
    assert (source.scraped_job, source.targets) == ("grafana", ("grafana:3000",))


def test_a_model_knows_its_line() -> None:
    assert read_text(MODEL).models[0].line == 6


def test_the_same_bytes_give_the_same_inventory() -> None:
    assert _demo() == _demo()
