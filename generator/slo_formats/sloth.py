"""Sloth: `prometheus/v1` files and PrometheusServiceLevel objects of Kubernetes.

The two differ in how keys are written, and in where the service stands.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from generator.slo_formats import Foreign, Format, Indicator, Promise
from generator.slo_formats.fields import (
    inner,
    labels_left,
    percent,
    query,
    several,
    team_of,
    text,
    unread,
)
from modelwatch.tree import Block

_FILE = "prometheus/v1"
_GROUP = "sloth.slok.dev/"
_KIND = "PrometheusServiceLevel"
_OBJECT_KEYS = ("apiVersion", "kind", "metadata", "spec", "status")
_KEYS = ("version", "service", "labels", "slos", "slo_plugins")
_SLO_KEYS = ("name", "description", "objective", "labels", "sli", "alerting", "plugins")
_WAYS = ("events", "raw", "plugin")

_Spelling = Callable[[str], str]
"""How a key of the file is written: as it is, or as Kubernetes does it."""


def _recognises(root: Block) -> bool:
    in_kubernetes = root.text("apiVersion").startswith(_GROUP) and root.text("kind") == _KIND
    return in_kubernetes or root.text("version") == _FILE


def _read(documents: Sequence[Foreign]) -> Iterator[Promise]:
    for document in documents:
        root = document.root
        if "version" in root:
            yield from _services(document, root, _as_written)
            continue
        unread(document, root, _OBJECT_KEYS, "the object")
        _labels(document, root.block("metadata"), "the object")
        yield from _services(document, inner(document, root, "spec"), _in_kubernetes)


def _as_written(key: str) -> str:
    return key


def _in_kubernetes(key: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), key)


def _services(document: Foreign, block: Block, spelled: _Spelling) -> Iterator[Promise]:
    service = text(document, block, "service")
    labels = inner(document, block, "labels", required=False)
    team, key = team_of(labels)
    labels_left(document, labels, f"service '{service}'", key)
    unread(document, block, [spelled(one) for one in _KEYS], f"service '{service}'")
    _plugins(document, block, spelled("slo_plugins"))
    for slo in several(document, block, "slos"):
        yield from _promise(document, slo, service, team, spelled)


def _promise(
    document: Foreign, slo: Block, service: str, team: str, spelled: _Spelling
) -> Iterator[Promise]:
    name = text(document, slo, "name")
    labels = inner(document, slo, "labels", required=False)
    own, key = team_of(labels)
    labels_left(document, labels, f"'{name}'", key)
    unread(document, slo, _SLO_KEYS, f"'{name}'")
    _plugins(document, slo, "plugins")
    _alerting(document, slo, name, spelled)
    objective = percent(document, slo, "objective")
    indicator = _indicator(document, inner(document, slo, "sli"), name, spelled)
    if objective is None or indicator is None or not service or not name:
        return
    yield Promise(
        name=name,
        service=service,
        path=document.report.path,
        place=slo.place,
        objective=objective,
        window="",
        description=text(document, slo, "description", required=False),
        team=own or team,
        indicator=indicator,
    )


def _indicator(document: Foreign, sli: Block, name: str, spelled: _Spelling) -> Indicator | None:
    given = [way for way in _WAYS if way in sli]
    if len(given) != 1:
        place = sli.key_at(given[1]) if given else sli.place
        document.wrong(place, f"'{name}' needs exactly one of {', '.join(_WAYS)}", "keep one")
        return None
    way = inner(document, sli, given[0])
    if given == ["plugin"]:
        options = ", ".join(f"{key}={value}" for key, value in way.block("options").items())
        document.left(
            sli.key_at("plugin"),
            f"'{name}' is left out: its queries are made by the plugin "
            f"'{way.text('id')}'" + (f" with {options}" if options else ""),
            "run `sloth generate`, and write the queries that it made under `events`",
        )
        return None
    if given == ["raw"]:
        ratio = query(document, way, spelled("error_ratio_query"))
        return Indicator(error_ratio=ratio) if ratio else None
    bad = query(document, way, spelled("error_query"))
    total = query(document, way, spelled("total_query"))
    return Indicator(bad=bad, total=total) if bad and total else None


def _alerting(document: Foreign, slo: Block, name: str, spelled: _Spelling) -> None:
    """Our alerts are the same for every model: what is special about these is told."""
    alerting = inner(document, slo, "alerting", required=False)
    own = alerting.text("name")
    if own:
        document.left(
            alerting.at("name"),
            f"the alert name '{own}' is not carried over",
            "burn alerts of modelwatch have names of their own",
        )
    _labels(document, alerting, f"alerts of '{name}'")
    for key in (spelled("page_alert"), spelled("ticket_alert")):
        alert = alerting.block(key)
        if alert.flag("disable", default=False):
            document.left(
                alert.key_at("disable"),
                f"'{name}' has no {key.removesuffix('_alert').removesuffix('Alert')} alert",
                "choose a tier or a `severity` of the model that tells nobody",
            )
        _labels(document, alert, f"{key} of '{name}'")


def _labels(document: Foreign, block: Block, where: str) -> None:
    for noun in ("label", "annotation"):
        labels_left(document, block.block(f"{noun}s"), where, noun=noun)


def _plugins(document: Foreign, block: Block, key: str) -> None:
    for plugin in several(document, block.block(key), "chain", required=False):
        document.left(
            plugin.place, f"the plugin '{plugin.text('id')}' is not run", "see what it changes"
        )


FORMAT = Format(name="sloth", title="Sloth", recognises=_recognises, read=_read)
