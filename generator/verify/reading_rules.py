"""Queries of rule files: Prometheus' own, and PrometheusRule objects of Kubernetes."""

import re
from collections.abc import Iterator, Mapping

from generator.verify.finding import Finding
from generator.verify.query import Query, Source, tree_of
from modelwatch.loading import load
from modelwatch.problems import InventoryError, Problem
from modelwatch.promql import duration_seconds
from modelwatch.tree import Block, as_text

_DOCUMENT = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)


def rules(
    path: str, text: str, *, generated: bool = False
) -> tuple[tuple[Query, ...], tuple[Finding, ...]]:
    """Every rule of a file, and what keeps it from being read."""
    source = Source.of(path, text)
    queries: list[Query] = []
    problems: list[Problem] = []
    for document in _documents(text):
        try:
            loaded = load(path, document.encode(), what="file of rules")
        except InventoryError as error:
            problems += error.problems
            continue
        problems += loaded.report.found
        queries += _of_document(loaded.root, source, generated=generated)
    findings = [_unreadable(problem) for problem in problems]
    if not queries and not findings:
        findings = [_empty(path, "groups of rules", "name files with `groups:` after --rules")]
    return tuple(queries), tuple(findings)


def _documents(text: str) -> Iterator[str]:
    """The documents of a file, each on the lines on which it stands."""
    begin = 0
    for found in (*_DOCUMENT.finditer(text), None):
        end = found.start() if found else len(text)
        part = text[begin:end]
        if any(line.strip() and not line.lstrip().startswith("#") for line in part.splitlines()):
            yield "\n" * text.count("\n", 0, begin) + part
        begin = found.end() if found else end


def _of_document(root: Block, source: Source, *, generated: bool) -> Iterator[Query]:
    objects = [entry for entry in root.items_of("items") if isinstance(entry, Block)] or [root]
    for one in objects:
        spec = one.block("spec") if "spec" in one else one
        for group in spec.items_of("groups"):
            if isinstance(group, Block):
                yield from _of_group(group, source, generated=generated)


def _of_group(group: Block, source: Source, *, generated: bool) -> Iterator[Query]:
    shared = _texts(group.block("labels"))
    for rule in group.items_of("rules"):
        if not isinstance(rule, Block) or "expr" not in rule:
            continue
        record, alert = rule.text("record"), rule.text("alert")
        expr = rule.text("expr")
        tree, unreadable = tree_of(expr)
        yield Query(
            subject=f"series {record}" if record else f"alert {alert}",
            kind="series" if record else "alert",
            expr=expr,
            source=source,
            place=rule.at("expr"),
            tree=tree,
            unreadable=unreadable,
            record=record,
            labels={**shared, **_texts(rule.block("labels"))},
            interval_s=float(duration_seconds(group.text("interval"))),
            generated=generated,
        )


def _texts(block: Block) -> Mapping[str, str]:
    return {name: as_text(value) for name, value in block.items()}


def _unreadable(problem: Problem) -> Finding:
    return Finding(
        level="error",
        check="readable",
        reason="unreadable",
        subject=f"file {problem.path}",
        message=problem.message,
        advice=problem.advice,
        path=problem.path,
        line=problem.line,
        column=problem.column,
    )


def _empty(path: str, what: str, advice: str) -> Finding:
    return Finding(
        level="error",
        check="readable",
        reason="nothing-to-verify",
        subject=f"file {path}",
        message=f"there are no {what} in it",
        advice=advice,
        path=path,
        line=1,
        column=1,
    )
