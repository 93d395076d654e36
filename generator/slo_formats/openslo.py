"""OpenSLO v1: SLO, SLI, AlertPolicy and the other kinds, which may refer to each other."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from generator.slo_formats import Foreign, Format, Indicator, Promise, Query
from generator.slo_formats.fields import (
    inner,
    labels_left,
    number,
    percent,
    query_under,
    several,
    share,
    team_of,
    text,
    unread,
)
from modelwatch.tree import Block

_API = "openslo/v1"
_OURS = ("model", "environment", "slo", "limit", "score", "good", "sources")
_ADVICE = {
    "AlertPolicy": "burn alerts of modelwatch look at 1h, 6h, 1d and 3d, for every model",
    "AlertCondition": "burn alerts of modelwatch look at 1h, 6h, 1d and 3d, for every model",
    "AlertNotificationTarget": "write it under `receivers`, with the address",
    "DataSource": "modelwatch reads the Prometheus that its rules are loaded in",
}
_KEYS = (
    "description",
    "service",
    "indicator",
    "indicatorRef",
    "timeWindow",
    "budgetingMethod",
    "objectives",
    "alertPolicies",
)
_UNITS = {"d": 1, "w": 7, "M": 30, "Q": 90, "Y": 365}
_BELOW = ("lt", "lte")
_RATE = re.compile(r"\b(?:rate|increase|irate)\s*\(")


@dataclass(slots=True)
class _Known:
    """Objects that others refer to, by kind and name."""

    found: dict[tuple[str, str], tuple[Foreign, Block]] = field(default_factory=dict)

    def __getitem__(self, key: tuple[str, str]) -> tuple[Foreign, Block] | None:
        return self.found.get(key)


def _recognises(root: Block) -> bool:
    return root.text("apiVersion").startswith("openslo/")


def _read(documents: Sequence[Foreign]) -> Iterator[Promise]:
    known = _Known()
    for document in documents:
        root = document.root
        if root.text("apiVersion") != _API:
            document.wrong(
                root.at("apiVersion"),
                f"'{root.text('apiVersion')}' is not read",
                f"convert it to {_API}",
            )
            continue
        name = text(document, inner(document, root, "metadata"), "name")
        known.found[root.text("kind"), name] = (document, root)
    for (kind, name), (document, root) in known.found.items():
        if kind == "SLO":
            yield from _promises(document, root, known)
        elif kind in _ADVICE:
            if not _is_ours(root):
                said = f"{kind} '{name}'{_burning(root)} is not carried over"
                document.left(root.place, said, _ADVICE[kind])
        elif kind not in {"Service", "SLI"}:
            document.wrong(root.at("kind"), f"'{kind}' is no kind of OpenSLO", "see its spelling")


def _burning(root: Block) -> str:
    """The burn rate of a condition, or of the one that is written in a policy."""
    specs = [root.block("spec")]
    specs += [
        one.block("spec") for one in specs[0].items_of("conditions") if isinstance(one, Block)
    ]
    for condition in (spec.block("condition") for spec in specs):
        if "threshold" in condition:
            return f", {condition.text('threshold')} times over {condition.text('lookbackWindow')},"
    return ""


def _is_ours(root: Block) -> bool:
    """What `export` derives from the inventory needs no telling."""
    return root.block("metadata").block("annotations").text("written-by") == "modelwatch"


def _promises(document: Foreign, root: Block, known: _Known) -> Iterator[Promise]:
    metadata, spec = root.block("metadata"), inner(document, root, "spec")
    name = metadata.text("name")
    facts = metadata.block("annotations")
    own = _is_ours(root)
    service = text(document, spec, "service")
    labels = _labels(metadata, service, known)
    team, key = team_of(labels)
    if not own:
        labels_left(document, labels, f"'{name}'", key)
        labels_left(document, facts, f"'{name}'", noun="annotation")
        for policy in several(document, spec, "alertPolicies", required=False):
            if not known["AlertPolicy", policy.text("alertPolicyRef")]:
                _policy(document, policy, name)
    unread(document, spec, _KEYS, f"'{name}'")
    method = text(document, spec, "budgetingMethod")
    if method and method != "Occurrences":
        document.left(
            spec.at("budgetingMethod"),
            f"'{name}' counts {method}; modelwatch counts events",
            "compare the budgets before you trust either",
        )
    window = _window(document, spec, name)
    objectives = several(document, spec, "objectives")
    for more in objectives[1:]:
        document.left(
            more.place,
            f"a further objective of '{name}' is left out",
            "a model promises one share of each kind",
        )
    if any("indicator" in one or "indicatorRef" in one for one in objectives):
        document.left(
            spec.key_at("objectives"),
            f"'{name}' is left out: it is composed of several indicators",
            "write an objective for each of them",
        )
        return
    indicator = _indicator(document, spec, name, known)
    for objective in objectives[:1]:
        target = (
            percent(document, objective, "targetPercent")
            if "targetPercent" in objective
            else share(document, objective, "target")
        )
        found = _compared(document, objective, indicator, name)
        if target is None or found is None or not service:
            continue
        yield Promise(
            name=name,
            service=service,
            path=document.report.path,
            place=root.place,
            objective=target,
            window=window,
            description=text(document, spec, "description", required=False),
            team=team,
            indicator=found,
            facts={key: facts.text(key) for key in _OURS if own and key in facts},
        )


def _labels(metadata: Block, service: str, known: _Known) -> Block:
    """Those of the objective; where it has none, those of its service."""
    of_service = known["Service", service]
    if metadata.block("labels") or of_service is None:
        return metadata.block("labels")
    return of_service[1].block("metadata").block("labels")


def _window(document: Foreign, spec: Block, name: str) -> str:
    """The window in days, such as `28d`; empty where none is said."""
    for window in several(document, spec, "timeWindow", required=False)[:1]:
        duration, place = text(document, window, "duration"), window.at("duration")
        if not duration:
            return ""
        if duration[:-1].isdigit() and duration[-1] in {"m", "h"}:
            return duration
        if not duration[:-1].isdigit() or duration[-1] not in _UNITS:
            document.wrong(place, f"'{duration}' is no duration", "write something like 28d or 4w")
            return ""
        if "calendar" in window:
            document.left(
                window.key_at("calendar"),
                f"'{name}' begins anew with the calendar; modelwatch looks back",
                "the budget does not jump back at the beginning of a month",
            )
        return f"{int(duration[:-1]) * _UNITS[duration[-1]]}d"
    return ""


def _policy(document: Foreign, policy: Block, name: str) -> None:
    ref = policy.text("alertPolicyRef") or policy.block("metadata").text("name")
    document.left(
        policy.place,
        f"alert policy '{ref}' of '{name}' is not carried over",
        "burn alerts of modelwatch are the same for every model; see its tier and severity",
    )


def _indicator(document: Foreign, spec: Block, name: str, known: _Known) -> Indicator | None:
    ref = spec.text("indicatorRef")
    if ("indicator" in spec) == bool(ref):
        document.wrong(
            spec.key_at("indicator") if ref else spec.place,
            f"'{name}' needs exactly one of indicator, indicatorRef",
            "keep one",
        )
        return None
    if not ref:
        return _measured(document, inner(document, spec.block("indicator"), "spec"), name)
    found = known["SLI", ref]
    if found is None:
        document.wrong(
            spec.at("indicatorRef"), f"there is no SLI '{ref}'", "import its file as well"
        )
        return None
    where, root = found
    return _measured(where, inner(where, root, "spec"), name)


def _measured(document: Foreign, sli: Block, name: str) -> Indicator | None:
    ways = [way for way in ("ratioMetric", "thresholdMetric") if way in sli]
    if len(ways) != 1:
        document.wrong(
            sli.place,
            f"the indicator of '{name}' needs exactly one of ratioMetric, thresholdMetric",
            "keep one",
        )
        return None
    if ways == ["thresholdMetric"]:
        value = _query(document, sli, "thresholdMetric")
        return Indicator(value=value) if value else None
    return _ratio(document, inner(document, sli, "ratioMetric"), name)


def _ratio(document: Foreign, ratio: Block, name: str) -> Indicator | None:
    if "raw" in ratio:
        raw = _query(document, ratio, "raw")
        failed = text(document, ratio, "rawType") == "failure"
        if raw is None:
            return None
        return Indicator(error_ratio=raw) if failed else Indicator(success_ratio=raw)
    sides = [side for side in ("good", "bad") if side in ratio]
    if len(sides) != 1:
        document.wrong(ratio.place, f"'{name}' needs exactly one of good, bad", "keep one")
        return None
    part, total = _query(document, ratio, sides[0]), _query(document, ratio, "total")
    if part is None or total is None:
        return None
    of_gauges = not ratio.flag("counter", default=True) and not _RATE.search(part.text)
    if "bad" in ratio:
        return Indicator(bad=part, total=total, of_gauges=of_gauges)
    return Indicator(good=part, total=total, of_gauges=of_gauges)


def _query(document: Foreign, block: Block, key: str) -> Query | None:
    source = block.block(key).block("metricSource")
    kind = source.text("type")
    if kind and kind.lower() != "prometheus":
        document.left(
            source.at("type"),
            f"a query of {kind} is not read",
            "modelwatch reads Prometheus; see what supplies the same there",
        )
        return None
    return query_under(document, block, key, "metricSource", "spec", "query")


def _compared(
    document: Foreign, objective: Block, indicator: Indicator | None, name: str
) -> Indicator | None:
    """A value is good on one side of what the objective says."""
    if indicator is None or indicator.value is None:
        return indicator
    limit = number(document, objective, "value")
    side = text(document, objective, "op")
    if side and side not in _BELOW:
        document.left(
            objective.at("op"), f"'{name}' is left out: it is good above a value", "see `quality`"
        )
        return None
    if limit is None:
        return None
    return Indicator(value=indicator.value, limit=limit)


FORMAT = Format(name="openslo", title="OpenSLO", recognises=_recognises, read=_read)
