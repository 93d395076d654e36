"""Engine tables: every signal is a row or a reason, and every value is canonical."""

from decimal import Decimal

import pytest

from exporters.engines import litellm, tgi, triton, vllm
from modelwatch import buckets, catalogue, custom
from modelwatch.engine import (
    Counter,
    Engine,
    Expression,
    Quantiles,
    Row,
    Unit,
    boundaries,
    geometric,
)
from modelwatch.inventory import CustomEngine, CustomSignal
from modelwatch.supply import (
    SIGNALS,
    SIGNALS_OF,
    Supply,
    bucket_label,
    metrics_read,
    supply,
    unavailable,
)
from tests.engine_pages import ENGINES

EACH_ENGINE = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


@EACH_ENGINE
def test_every_signal_is_a_row_or_a_reason(engine: Engine) -> None:
    supplied = {row.signal for row in engine.rows}
    excused = set(unavailable(engine))
    assert supplied | excused == set(SIGNALS_OF[engine.kind])
    assert not supplied & excused


@EACH_ENGINE
def test_reasons_and_notes_are_words(engine: Engine) -> None:
    assert all(len(reason.split()) >= 4 for reason in unavailable(engine).values())
    assert all(note.endswith(".") for note in engine.notes)
    assert set(engine.first_checks) <= set(SIGNALS_OF[engine.kind])


@EACH_ENGINE
def test_an_engine_is_called_as_its_file_and_proved_by_pages(engine: Engine) -> None:
    assert ENGINES[engine.name] is engine
    assert engine.pages
    assert engine.versions
    assert all(
        page.file.startswith(f"{engine.name}-") or page.file.startswith("triton-")
        for page in engine.pages
    )


@EACH_ENGINE
def test_values_are_canonical_and_no_two_rows_share_one(engine: Engine) -> None:
    allowed = {"requests": catalogue.OUTCOMES, "tokens": catalogue.TOKEN_KINDS}
    for signal, values in allowed.items():
        rows = [row for row in engine.rows if row.signal == signal]
        found = [
            value
            for row in rows
            if isinstance(row, Counter)
            for value in dict.fromkeys((*row.values, row.rest, row.value))
            if value
        ]
        assert set(found) <= set(values)
        assert len(found) == len(set(found))


@EACH_ENGINE
def test_engines_that_count_requests_know_success_and_failure(engine: Engine) -> None:
    requests = supply(engine, "requests")
    if requests:
        assert {"success", "server_error"} <= set(requests.values)


@EACH_ENGINE
def test_quantiles_are_the_ones_that_limits_use(engine: Engine) -> None:
    for row in engine.rows:
        if isinstance(row, Quantiles):
            assert set(row.metrics) == set(catalogue.QUANTILES)


@EACH_ENGINE
def test_expressions_read_what_they_say(engine: Engine) -> None:
    for row in engine.rows:
        if isinstance(row, Expression):
            assert set(custom.metrics_of(row.expr)) == set(row.metrics)


@EACH_ENGINE
def test_every_signal_that_is_supplied_says_how(engine: Engine) -> None:
    for signal in SIGNALS_OF[engine.kind]:
        assert (supply(engine, signal) is None) == (signal in unavailable(engine))


def test_signals_are_named_once() -> None:
    assert len(SIGNALS) == len(set(SIGNALS))


def test_a_histogram_is_supplied_with_boundaries_in_seconds() -> None:
    found = supply(vllm.ENGINE, "inter_token_latency")
    assert found is not None
    assert (found.how, found.has_mean) == ("histogram", True)
    assert found.buckets[:3] == (Decimal("0.01"), Decimal("0.025"), Decimal("0.05"))


def test_quantiles_that_must_be_switched_on_stand_beside_a_mean() -> None:
    found = supply(triton.ENGINE, "request_duration")
    assert found == Supply(
        how="quantile",
        quantiles=("0.5", "0.9", "0.95", "0.99"),
        has_mean=True,
        opt_in="start with `--metrics-config summary_latencies=true`",
        has_default=True,
    )


def test_a_signal_that_is_not_there_is_not_supplied() -> None:
    assert supply(tgi.ENGINE, "time_to_first_token") is None
    assert "probe" in unavailable(tgi.ENGINE)["time_to_first_token"]


@pytest.mark.parametrize(
    ("engine", "signal", "seconds", "text"),
    [
        (vllm.ENGINE, "request_duration", "5", "5.0"),
        (vllm.ENGINE, "request_duration", "0.3", "0.3"),
        (vllm.ENGINE, "request_duration", "0.2", None),
        (litellm.ENGINE, "time_to_first_token", "10", "10.0"),
        (triton.ENGINE, "time_to_first_token", "0.5", "500.0e-3"),
        (triton.ENGINE, "request_duration", "0.5", None),
        (ENGINES["modelwatch"], "request_duration", "0.2", "0.2"),
        (tgi.ENGINE, "time_to_first_token", "1", None),
    ],
    ids=["integer", "fraction", "no boundary", "ten", "unit", "no buckets", "unknown", "no signal"],
)
def test_a_bucket_is_found_by_its_exact_boundary(
    engine: Engine, signal: str, seconds: str, text: str | None
) -> None:
    assert bucket_label(engine, signal, Decimal(seconds)) == text


@pytest.mark.parametrize(
    ("boundary", "unit", "text"),
    [
        ("5", Unit.SECONDS, "5.0"),
        ("0.25", Unit.SECONDS, "0.25"),
        ("0.000015", Unit.SECONDS, "0.000015"),
        ("1000000", Unit.SECONDS, "1000000.0"),
        ("200", Unit.MILLISECONDS, "200.0e-3"),
        ("2.5e6", Unit.MICROSECONDS, "2500000.0e-6"),
    ],
)
def test_a_boundary_has_one_text(boundary: str, unit: Unit, text: str) -> None:
    assert buckets.label(Decimal(boundary), unit) == text


def test_boundaries_are_read_from_text_and_multiplied_as_engines_do() -> None:
    assert boundaries("0.1 2") == (Decimal("0.1"), Decimal(2))
    assert geometric(0.0001 * 1.5, 1.5, 2) == (
        Decimal("0.00015000000000000001"),
        Decimal("0.00022500000000000002"),
    )


def test_names_are_read_from_selectors_too() -> None:
    assert "sglang:cached_tokens_total" in metrics_read(ENGINES["sglang"])
    assert "nv_trt_llm_request_metrics" in metrics_read(triton.ENGINE)
    assert "vllm:e2e_request_latency_seconds_bucket" in metrics_read(vllm.ENGINE)


@pytest.mark.parametrize(
    ("promql", "names"),
    [
        ("sum by (job, instance) (rate(x_total[5m]))", ("x_total",)),
        ('a{code="b{c}"} / on (job) group_left () c', ("a", "c")),
        ("1 - x / y", ("x", "y")),
        ("plain", ("plain",)),
        ("sum(a) by (job) or b offset 5m > 1e3", ("a", "b")),
        ("histogram_quantile(0.95, sum by (le) (rate(z_bucket[5m])))", ("z_bucket",)),
    ],
)
def test_the_metrics_of_a_query_are_found(promql: str, names: tuple[str, ...]) -> None:
    assert custom.metrics_of(promql) == names


def test_what_an_inventory_does_not_map_is_unavailable() -> None:
    described = CustomEngine(
        name="own",
        signals=(CustomSignal(signal="requests", kind="counter", metric="hits_total"),),
    )
    engine = custom.engine(described)
    assert supply(engine, "requests") == Supply(how="value", values=("success",))
    assert set(unavailable(engine)) == set(SIGNALS_OF["model"]) - {"requests"}
    assert metrics_read(engine) == {"hits_total"}


def described(*signals: CustomSignal) -> CustomEngine:
    return CustomEngine(name="own", model_label="m", signals=signals)


@pytest.mark.parametrize(
    ("signal", "parts"),
    [
        (CustomSignal(signal="cost", kind="counter", metric="a"), ("",)),
        (CustomSignal(signal="requests", kind="counter", metric="a"), ("success",)),
        (
            CustomSignal(
                signal="tokens", kind="counter", metric="a", label="k", values={"input": "in"}
            ),
            ("input",),
        ),
        (CustomSignal(signal="requests", kind="promql", promql="a", label="outcome"), ()),
        (CustomSignal(signal="queue_duration", kind="gauge", metric="a"), ("0.95",)),
        (CustomSignal(signal="queue_duration", kind="histogram", metric="a"), ("histogram",)),
    ],
    ids=["whole", "success", "mapped", "unknown", "quantile", "histogram"],
)
def test_an_entry_says_which_parts_of_a_signal_it_is(
    signal: CustomSignal, parts: tuple[str, ...]
) -> None:
    assert custom.parts(signal) == parts


@pytest.mark.parametrize(
    ("signal", "row"),
    [
        (
            CustomSignal(signal="tokens", kind="histogram", metric="n", value="input"),
            Counter(signal="tokens", names=("n_sum",), value="input"),
        ),
        (
            CustomSignal(signal="requests", kind="gauge", metric="rps"),
            Counter(signal="requests", names=("rps",), value="success", period_s=1),
        ),
        (
            CustomSignal(
                signal="queue_duration", kind="gauge", metric="q", label="p", values={"0.9": "90"}
            ),
            Quantiles(signal="queue_duration", metrics={"0.9": 'q{p=~"90"}'}),
        ),
        (
            CustomSignal(
                signal="request_duration", kind="gauge", metric="p95", unit="milliseconds"
            ),
            Quantiles(signal="request_duration", metrics={"0.95": "p95"}, unit=Unit.MILLISECONDS),
        ),
        (
            CustomSignal(signal="tokens", kind="promql", promql="x", label="kind"),
            Expression(signal="tokens", expr="x", metrics=("x",), labels=("kind",)),
        ),
    ],
    ids=["sum of a histogram", "rate in a gauge", "quantile by label", "one quantile", "query"],
)
def test_what_an_inventory_describes_becomes_a_row(signal: CustomSignal, row: Row) -> None:
    assert custom.engine(described(signal)).rows == (row,)
