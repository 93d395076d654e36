"""The inventory's promises as OpenSLO v1 documents, which read the series that our rules record.

Source: the specification of OpenSLO v1. A policy there has one condition and a condition one
window, so each of our burn alerts is a policy of its own; the short window is in its annotations.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.burn import WINDOWS, Window
from modelwatch.catalogue.recorded import SLO_BAD, SLO_TOTAL
from modelwatch.inventory import Inventory, Model, Receiver, Slo, Source, Team
from modelwatch.promql import select
from modelwatch.quantities import plain

API_VERSION = "openslo/v1"
PROMISED = {
    "availability": "Requests that do not fail.",
    "latency": "Requests that are answered in time.",
    "time_to_first_token": "Requests whose first token comes in time.",
    "inter_token_latency": "Tokens that follow in time.",
    "quality": "Judged answers that are good.",
    "freshness": "Seconds in which the newest refresh is young enough.",
}
_SOURCE = "prometheus"
_WRITTEN_BY = {"written-by": "modelwatch"}
_LONGEST_NAME = 63
_LABEL = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z._-]{0,62}")
_TOLD_NOBODY = ("dashboard", "none")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Documents in the order in which one refers to another, and what they do not say."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...]


def export(inventory: Inventory) -> Export:
    """Every promise of an inventory with its service, alert policies and receivers."""
    written = _Written(inventory=inventory)
    for model in inventory.models:
        if model.slos:
            written.model(model)
    if inventory.settings.time_compression > 1:
        written.note(
            f"settings.time_compression divides every window by "
            f"{inventory.settings.time_compression}; the documents say the nominal windows"
        )
    return Export(documents=tuple(written.in_order()), notes=tuple(written.notes))


@dataclass(slots=True, kw_only=True)
class _Written:
    """Documents so far, by kind and by what they stand for."""

    inventory: Inventory
    found: dict[str, dict[tuple[str, ...], Document]] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        self.notes[text] = None

    def in_order(self) -> Iterator[Document]:
        if self.found:
            yield _document(
                "DataSource",
                {"name": _SOURCE},
                {
                    "type": "Prometheus",
                    "connectionDetails": {"url": self.inventory.settings.prometheus_url},
                },
            )
        for kind in ("AlertNotificationTarget", "AlertCondition", "AlertPolicy", "Service", "SLO"):
            yield from self.found.get(kind, {}).values()

    def name(self, kind: str, *identity: str) -> str:
        """A name of at most 63 letters, digits and dashes that nothing else of the kind has."""
        plain_name = re.sub(r"[^a-z0-9]+", "-", "-".join(identity).lower()).strip("-")
        key = (kind, *identity)
        taken = self.names.get(f"{kind} {plain_name}", key)
        if len(plain_name) > _LONGEST_NAME or taken != key:
            digest = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:8]
            plain_name = f"{plain_name[: _LONGEST_NAME - 9].rstrip('-')}-{digest}"
        self.names[f"{kind} {plain_name}"] = key
        return plain_name

    def model(self, model: Model) -> None:
        environments = {one.environment for one in self.inventory.models if one.name == model.name}
        identity = model.key if len(environments) > 1 else (model.name,)
        service = self.name("Service", *identity)
        self.put(
            "Service",
            model.key,
            {"name": service, "displayName": model.name, **_labels(model), **_owner(model)},
            {"description": _short(model.description)} if model.description else {},
        )
        for slo in model.slos:
            policies = [
                {"alertPolicyRef": policy}
                for window in WINDOWS
                for policy in self.policy(model, slo, window)
            ]
            self.put(
                "SLO",
                (*model.key, slo.kind),
                {
                    "name": self.name("SLO", *identity, slo.kind),
                    "displayName": f"{slo.kind.replace('_', ' ')} {slo.words}",
                    **_labels(model),
                    "annotations": _facts(model, slo),
                },
                {
                    "description": PROMISED[slo.kind],
                    "service": service,
                    "indicator": _indicator(model, slo, self.name("SLI", *identity, slo.kind)),
                    "timeWindow": [{"duration": f"{slo.window_days}d", "isRolling": True}],
                    "budgetingMethod": "Occurrences",
                    "objectives": [
                        {
                            "displayName": slo.words,
                            "target": float(slo.objective.value),
                        }
                    ],
                    **({"alertPolicies": policies} if policies else {}),
                },
            )

    def policy(self, model: Model, slo: Slo, window: Window) -> Iterator[str]:
        """The name of the policy of this window; none where nobody would be told."""
        severity = self.inventory.severities[model.policy][window.urgency]
        if severity in _TOLD_NOBODY:
            self.note(
                f"policy '{model.policy}' tells nobody of what happens "
                f"{window.urgency}: no alert policy over {window.long} for its models"
            )
            return
        team = self.inventory.teams[model.team]
        in_production = model.environment in self.inventory.settings.production
        receivers = _receivers(team, pages=severity == "page" and in_production)
        if not receivers:
            self.note(f"team '{team.name}' has no receivers: its models have no alert policies")
            return
        threshold = float(f"{window.factor(slo.window_days):g}")
        condition = self.condition(window, slo.window_days, threshold, severity)
        facts = ("burn", window.long, f"{slo.window_days}d", severity)
        name = self.name("AlertPolicy", *facts, team.name, *([] if in_production else ["others"]))
        self.put(
            "AlertPolicy",
            (name,),
            {"name": name},
            {
                "description": f"Tells {team.name} when the error budget of {slo.window_days} "
                f"days goes {threshold:g} times too fast.",
                "alertWhenNoData": False,
                "alertWhenResolved": True,
                "alertWhenBreaching": True,
                "conditions": [{"conditionRef": condition}],
                "notificationTargets": [
                    {"targetRef": self.target(self.inventory.receivers[receiver])}
                    for receiver in receivers
                ],
            },
        )
        yield name

    def condition(self, window: Window, days: int, threshold: float, severity: str) -> str:
        name = self.name("AlertCondition", "burn", window.long, f"{days}d", severity)
        self.put(
            "AlertCondition",
            (name,),
            {"name": name, "annotations": {"short-window": window.short}},
            {
                "description": f"At least {window.share:.0%} of the error budget of {days} days "
                f"went in {window.long}, and more is going in {window.short}.",
                "severity": severity,
                "condition": {
                    "kind": "burnrate",
                    "op": "gt",
                    "threshold": threshold,
                    "lookbackWindow": window.long,
                    "alertAfter": "2m",
                },
            },
        )
        return name

    def target(self, receiver: Receiver) -> str:
        name = self.name("AlertNotificationTarget", receiver.name)
        self.put("AlertNotificationTarget", (name,), {"name": name}, {"target": receiver.kind})
        return name

    def put(
        self, kind: str, key: tuple[str, ...], metadata: Document, spec: Mapping[str, Any]
    ) -> None:
        self.found.setdefault(kind, {})[key] = _document(kind, metadata, spec)


def _document(kind: str, metadata: Document, spec: Mapping[str, Any]) -> Document:
    annotations = {**_WRITTEN_BY, **metadata.get("annotations", {})}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {**metadata, "annotations": annotations},
        "spec": spec,
    }


def _labels(model: Model) -> Document:
    found = {
        "model": model.name,
        "environment": model.environment,
        "team": model.team,
        "tier": str(model.tier),
    }
    return {"labels": {key: text for key, text in found.items() if _LABEL.fullmatch(text)}}


def _owner(model: Model) -> Document:
    return {"annotations": {"owner": model.owner}} if model.owner else {}


def _facts(model: Model, slo: Slo) -> dict[str, str]:
    """What a promise is besides its share, so that `modelwatch import` reads it back."""
    facts = {"model": model.name, "environment": model.environment, "slo": slo.kind}
    if slo.limit:
        facts["limit"] = slo.limit.text
    for score in model.scores:
        if score.name == slo.score:
            side = "above" if score.direction == "higher" else "below"
            facts |= {"score": score.name, "good": f"{side} {plain(score.good.value)}"}
    if model.sources:
        facts["sources"] = json.dumps([_source(source) for source in model.sources])
    return facts


def _source(source: Source) -> dict[str, Any]:
    """The source as the scrape job that it is to a Prometheus."""
    found = {
        "engine": source.engine,
        "job": source.scraped_job,
        "instances": list(source.instances or source.targets),
        "model": source.engine_model,
        "version": source.version,
    }
    return {key: value for key, value in found.items() if value}


def _indicator(model: Model, slo: Slo, name: str) -> Document:
    where = {"model": model.name, "environment": model.environment, "slo": slo.kind}
    return {
        "metadata": {"name": name},
        "spec": {
            "ratioMetric": {
                "counter": False,  # rates of the last five minutes: their sums are weighted
                "bad": _metric(select(SLO_BAD, where)),
                "total": _metric(select(SLO_TOTAL, where)),
            }
        },
    }


def _metric(query: str) -> Document:
    source = {"metricSourceRef": _SOURCE, "type": "Prometheus", "spec": {"query": query}}
    return {"metricSource": source}


def _receivers(team: Team, *, pages: bool) -> tuple[str, ...]:
    """As the routes do it: outside production everything is a ticket."""
    ways = (team.page, team.ticket) if pages else (team.ticket, team.page)
    return ways[0] or ways[1]


def _short(text: str) -> str:
    """At most what a description may have."""
    return text if len(text) <= 1050 else f"{text[:1049]}…"
