"""Pyrra: ServiceLevelObjective objects, `pyrra.dev/v1alpha1`."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from generator.slo_formats import Foreign, Format, Indicator, Promise, Query
from generator.slo_formats.fields import (
    inner,
    labels_left,
    percent,
    query,
    query_under,
    team_of,
    text,
    unread,
)
from modelwatch.promql import duration_seconds
from modelwatch.tree import Block

_API = "pyrra.dev/v1alpha1"
_KIND = "ServiceLevelObjective"
_OBJECT_KEYS = ("apiVersion", "kind", "metadata", "spec", "status")
_KEYS = ("description", "target", "window", "indicator", "alerting")
_WAYS = ("ratio", "latency", "latencyNative", "bool_gauge")
_YEARS = re.compile(r"(\d+)y")
_DURATION = re.compile(r"(\d+(ms|s|m|h|d|w|y))+")


def _recognises(root: Block) -> bool:
    return root.text("apiVersion") == _API and root.text("kind") == _KIND


def _read(documents: Sequence[Foreign]) -> Iterator[Promise]:
    for document in documents:
        yield from _promise(document)


def _promise(document: Foreign) -> Iterator[Promise]:
    root = document.root
    unread(document, root, _OBJECT_KEYS, "the object")
    metadata, spec = inner(document, root, "metadata"), inner(document, root, "spec")
    name = text(document, metadata, "name")
    labels = metadata.block("labels")
    team, key = team_of(labels)
    labels_left(document, labels, f"'{name}'", key)
    labels_left(document, metadata.block("annotations"), f"'{name}'", noun="annotation")
    unread(document, spec, _KEYS, f"'{name}'")
    _alerting(document, spec.block("alerting"), name)
    objective = percent(document, spec, "target")
    window = text(document, spec, "window")
    if window and not _DURATION.fullmatch(window):
        document.wrong(spec.at("window"), f"'{window}' is no duration", "write something like 28d")
    indicator = _indicator(document, inner(document, spec, "indicator"), name)
    if objective is None or indicator is None or not name:
        return
    yield Promise(
        name=name,
        service=name,
        path=document.report.path,
        place=root.place,
        objective=objective,
        window=_YEARS.sub(lambda found: f"{365 * int(found[1])}d", window),
        description=text(document, spec, "description", required=False),
        team=team,
        indicator=indicator,
    )


def _indicator(document: Foreign, block: Block, name: str) -> Indicator | None:
    given = [way for way in _WAYS if way in block]
    if len(given) != 1:
        place = block.key_at(given[1]) if given else block.place
        document.wrong(place, f"'{name}' needs exactly one of {', '.join(_WAYS)}", "keep one")
        return None
    way = inner(document, block, given[0])
    for label in way.texts("grouping"):
        document.left(
            way.at("grouping"),
            f"'{name}' is not told apart by '{label}'",
            "write a model for each, where each is promised something",
        )
    if given == ["ratio"]:
        bad, total = _metric(document, way, "errors"), _metric(document, way, "total")
        return Indicator(bad=bad, total=total) if bad and total else None
    if given == ["latency"]:
        good, total = _metric(document, way, "success"), _metric(document, way, "total")
        return Indicator(good=good, total=total) if good and total else None
    if given == ["latencyNative"]:
        return _native(document, way)
    up = query(document, way, "metric")
    return Indicator(up=up) if up else None


def _native(document: Foreign, way: Block) -> Indicator | None:
    total, latency = _metric(document, way, "total"), text(document, way, "latency")
    if latency and not _DURATION.fullmatch(latency):
        document.wrong(
            way.at("latency"), f"'{latency}' is no duration", "write something like 200ms"
        )
        return None
    limit = Decimal(duration_seconds(latency)) if latency else None
    return Indicator(value=total, limit=limit) if total and limit else None


def _metric(document: Foreign, way: Block, key: str) -> Query | None:
    return query_under(document, way, key, "metric")


def _alerting(document: Foreign, alerting: Block, name: str) -> None:
    for key, value in alerting.items():
        document.left(
            alerting.key_at(key),
            f"alerting.{key} of '{name}' is not carried over"
            + (f": {value}" if isinstance(value, str) else ""),
            "burn alerts of modelwatch are the same for every model; see its tier and severity",
        )


FORMAT = Format(name="pyrra", title="Pyrra", recognises=_recognises, read=_read)
