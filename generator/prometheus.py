"""prometheus.yml and the target files of the sources that we scrape ourselves."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from generator.remote_write import remote_write
from generator.rule_files import header
from generator.yaml_text import dump
from modelwatch import promql
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory, Settings, Source

SAMPLE_LIMIT = 100_000
"""Samples per page above which a scrape is refused: a label gone wild must not fill the disk."""

LABEL_VALUE_LIMIT = 512
"""Characters of a label value above which a scrape is refused: prompts are no labels."""

LIMITS = {
    "body_size_limit": "32MB",  # twice a page of so many samples; before it is even parsed
    "sample_limit": SAMPLE_LIMIT,
    "label_limit": 64,
    "label_name_length_limit": 256,
    "label_value_length_limit": LABEL_VALUE_LIMIT,
}

INVENTORY_JOB = "modelwatch-inventory"
"""Its page is as large as the inventory is, and without it every alert is dead: no limits."""


def files(inventory: Inventory, engines: Mapping[str, Engine]) -> dict[str, str]:
    """Paths below `prometheus/` and their text."""
    by_job = scraped(inventory)
    return {
        "prometheus.yml": _configuration(inventory, by_job, engines),
        **{
            f"targets/{job}.json": _targets(sources, engines)
            for job, sources in by_job.items()
            if any(source.targets for source in sources)
        },
    }


def scraped(inventory: Inventory) -> dict[str, list[Source]]:
    """Sources with targets of our own, by the job that scrapes them."""
    by_job: dict[str, list[Source]] = defaultdict(list)
    for source in _sources(inventory):
        if source.targets or source.file_sd:
            by_job[source.scraped_job].append(source)
    return dict(sorted(by_job.items()))


def _sources(inventory: Inventory) -> Iterator[Source]:
    for model in inventory.models:
        yield from model.sources
    for pool in inventory.pools:
        yield from pool.sources
    yield from inventory.exporters.values()


def _configuration(
    inventory: Inventory, scraped: Mapping[str, list[Source]], engines: Mapping[str, Engine]
) -> str:
    settings = inventory.settings
    interval, timeout = pace(settings)
    stack = _stack(inventory)
    document = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": timeout,
            "evaluation_interval": promql.shortened("30s", settings.time_compression),
            **({"external_labels": dict(labels)} if (labels := settings.external_labels) else {}),
        },
        "rule_files": ["rules/*.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": list(settings.alertmanagers)}]}]
        },
        "scrape_configs": [
            _job(job, stack.get(job, []), scraped.get(job, []), engines)
            for job in dict.fromkeys((*stack, *scraped))
        ],
        **remote_write(settings),
    }
    return dump(document, header=header(settings))


def pace(settings: Settings) -> tuple[str, str]:
    """Interval and timeout of a scrape: ten seconds as usual, or the interval if it is shorter."""
    interval = promql.shortened(settings.scrape_interval, settings.time_compression)
    return interval, min("10s", interval, key=promql.duration_seconds)


def _stack(inventory: Inventory) -> dict[str, list[Source]]:
    """Parts of the stack itself by job: what it cannot be without, and what is declared."""
    settings = inventory.settings
    declared: dict[str, list[Source]] = defaultdict(list)
    for source in inventory.stack_sources:
        if source.targets:
            declared[source.engine].append(source)
    return {
        "prometheus": [_at(settings.prometheus_url)],
        "alertmanager": [Source(engine="alertmanager", targets=settings.alertmanagers)],
        **declared,
    }


def _at(url: str) -> Source:
    """Prometheus itself, where the inventory says that it can be reached."""
    parts = urlsplit(url)
    prefix = parts.path.rstrip("/")
    return Source(
        engine="prometheus",
        targets=(parts.netloc,),
        scheme=parts.scheme,
        path=f"{prefix}/metrics" if prefix else "",
    )


def _where(scheme: str, path: str) -> dict[str, str]:
    """How a job reaches its targets, as far as it is not the usual way."""
    usual = {"metrics_path": ("", "/metrics"), "scheme": ("", "http")}
    said = {"metrics_path": path, "scheme": scheme}
    return {key: text for key, text in said.items() if text not in usual[key]}


def _job(
    name: str, stack: list[Source], sources: list[Source], engines: Mapping[str, Engine]
) -> dict[str, Any]:
    """One job for everything of its name: Prometheus refuses a second one."""
    static = [{"targets": list(source.targets), **_labels(source)} for source in stack]
    return {
        "job_name": name,
        **(_discovered(name, sources, engines) if sources else {}),
        **({"static_configs": static} if static else {}),
    }


def _labels(source: Source) -> dict[str, Any]:
    where = {f"__{key}__": text for key, text in _where(source.scheme, source.path).items()}
    return {"labels": where} if where else {}


def _discovered(job: str, sources: list[Source], engines: Mapping[str, Engine]) -> dict[str, Any]:
    """Targets are read from files, so that a new one needs no reload.

    Metrics under our own names carry the labels `model` and `environment` themselves: these win
    over labels of the target, or every join would break. The inventory exporter gives its constants
    an empty `job` and `instance` as well, so that they look the same from whichever replica.

    Files of the user's say no scheme and path, so the job does; ours say them by target, which
    wins.
    """
    theirs = next((source for source in sources if source.file_sd), None)
    where = _where(theirs.scheme, page_path(theirs, engines)) if theirs else {}
    found = [source.file_sd or f"targets/{job}.json" for source in sources]
    return {
        **({"honor_labels": True} if sources[0].engine.startswith("modelwatch") else {}),
        **where,
        # Samples with the time of a target whose clock is wrong would be dropped without a word.
        "honor_timestamps": False,
        **({} if job == INVENTORY_JOB else LIMITS),
        "file_sd_configs": [{"files": list(dict.fromkeys(found))}],
    }


def page_path(source: Source, engines: Mapping[str, Engine]) -> str:
    """Where the page is; an exporter of ours is no engine."""
    engine = engines.get(source.engine)
    return source.path or (engine.path if engine else "/metrics")


def _targets(sources: list[Source], engines: Mapping[str, Engine]) -> str:
    """Targets by scheme and path; a target that serves several models stands once."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source in sources:
        path = page_path(source, engines)
        groups[source.scheme, path].extend(source.targets)
    document = [
        {
            "targets": list(dict.fromkeys(targets)),
            "labels": {"__scheme__": scheme, "__metrics_path__": path},
        }
        for (scheme, path), targets in sorted(groups.items())
    ]
    return json.dumps(document, indent=2) + "\n"
