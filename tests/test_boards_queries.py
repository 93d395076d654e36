"""Every query of every board: it parses, reads canonical series only, and says what it shows."""

import re
import subprocess
from pathlib import Path

import promql_parser as promql
import pytest
import yaml

from modelwatch.board import UNITS
from modelwatch.catalogue import Layer
from tests.board_files import BUILT_IN, Query, queries, substituted, used_variables
from tests.label_sets import METRICS, WrongLabelError, answered

QUERIES = tuple(queries())
DRAWN = tuple(query for query in QUERIES if query.line)
EVERY = pytest.mark.parametrize("query", QUERIES, ids=[query.name for query in QUERIES])
EVERY_LINE = pytest.mark.parametrize("query", DRAWN, ids=[query.name for query in DRAWN])


def selectors(expr: promql.Expr) -> list[str]:
    found: list[str] = []

    def note(node: object) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(str(node.name))
        if isinstance(node, promql.MatrixSelector):
            found.append(str(node.vector_selector.name))

    promql.walk(expr, note)
    return found


def labels_of(query: Query) -> frozenset[str]:
    return answered(promql.parse(substituted(query.expr))) or frozenset()


@EVERY
def test_a_query_uses_catalogue_series_with_labels_that_belong_to_them(query: Query) -> None:
    answered(promql.parse(substituted(query.expr)))


@EVERY
def test_a_query_reads_no_vendor_series_and_no_single_engine_outside_heatmaps(
    query: Query,
) -> None:
    for name in selectors(promql.parse(substituted(query.expr))):
        if METRICS[name].layer is Layer.ENGINE:
            undeclared = name.startswith("engine:undeclared")
            heatmap = query.panel is not None and query.panel.type == "heatmap"
            assert undeclared or heatmap, name


@EVERY
def test_a_query_uses_only_drop_downs_of_its_board(query: Query) -> None:
    known = {variable.name for variable in query.board.drop_downs} | set(BUILT_IN)
    assert used_variables(query.expr) <= known


@EVERY
def test_a_query_stays_in_the_portable_subset(query: Query) -> None:
    assert "@" not in query.expr
    assert "offset -" not in query.expr
    assert "seconds(" not in query.expr


@EVERY
def test_a_series_of_a_model_is_selected_by_model_and_environment(query: Query) -> None:
    """Everything else would ignore what the reader chose."""
    if "/drop-downs/" in query.name:
        return
    expr = promql.parse(substituted(query.expr))
    chosen: list[tuple[str, set[str]]] = []

    def note(node: object) -> None:
        if isinstance(node, promql.VectorSelector):
            chosen.append((str(node.name), {each.name for each in node.matchers.matchers}))

    promql.walk(expr, note)
    narrowed = any({"model", "environment"} <= labels for _, labels in chosen)
    for name, labels in chosen:
        if METRICS[name].layer in (Layer.MODEL, Layer.SLO):
            assert {"model", "environment"} <= labels or narrowed, name


@EVERY_LINE
def test_a_legend_names_labels_that_the_answer_has(query: Query) -> None:
    assert query.line is not None
    named = set(re.findall(r"\{\{(\w+)\}\}", query.line.legend))
    assert named <= labels_of(query)


@EVERY_LINE
def test_series_can_be_told_apart_by_their_legend(query: Query) -> None:
    """Grafana would otherwise write the whole label set into the legend."""
    assert query.line is not None
    assert query.panel is not None
    if query.panel.type == "table" or not labels_of(query):
        return
    assert "{{" in query.line.legend, query.expr


@EVERY_LINE
def test_a_line_has_a_unit(query: Query) -> None:
    assert query.line is not None
    assert query.panel is not None
    if query.panel.type == "table":
        assert query.line.unit or not query.line.column
    else:
        assert query.panel.unit


@EVERY_LINE
def test_a_plain_series_is_shown_in_the_unit_of_the_catalogue(query: Query) -> None:
    """Sums, maxima and quantiles keep the unit; products, ratios and counts choose their own."""
    assert query.line is not None
    assert query.panel is not None
    rows_only = query.panel.type == "table" and not query.line.column
    if rows_only or query.panel.type == "heatmap":  # its unit is the one of the buckets
        return
    expr = promql.parse(substituted(query.expr))
    while isinstance(expr, (promql.AggregateExpr, promql.ParenExpr)):
        if isinstance(expr, promql.AggregateExpr) and str(expr.op) in ("count", "avg"):
            return  # how many there are, or which share of them is true
        expr = expr.expr
    if isinstance(expr, promql.VectorSelector):
        shown = query.line.unit or query.panel.unit
        allowed = UNITS[METRICS[str(expr.name)].unit]
        assert not allowed or shown in allowed, (expr.name, shown)


@EVERY_LINE
def test_links_and_table_columns_are_labels_of_the_answer(query: Query) -> None:
    assert query.panel is not None
    assert query.line is not None
    labels = labels_of(query)
    if query.panel.type == "table":
        assert labels <= set(query.panel.columns), "a label without a column hides rows"
        return
    for link in query.panel.links:
        assert set(link.labels) <= labels, link.title


def test_the_label_check_finds_a_wrong_label() -> None:
    for wrong in (
        'model:requests:rate5m{team="a"}',
        "sum by (team) (model:requests:rate5m)",
        "model:requests:rate5m / on (model, slo) slo:allowed:ratio",
        "model:requests:rate5m / slo:allowed:ratio",
        "model:never_recorded:rate5m",
        "histogram_quantile(0.9, sum by (model) (modelwatch_request_duration_seconds_bucket))",
    ):
        with pytest.raises(WrongLabelError):
            answered(promql.parse(wrong))


@pytest.mark.real
def test_promtool_accepts_every_query(promtool: Path, tmp_path: Path) -> None:
    """Another parser, with the types checked: the one that will answer the queries."""
    rules = [
        {"record": f"board:query:{number}", "expr": substituted(query.expr)}
        for number, query in enumerate(QUERIES)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=none", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert f"{len(rules)} rules" in done.stdout
