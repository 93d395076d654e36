"""prometheus.yml and the target files of the sources that we scrape ourselves."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from generator.rule_files import header
from generator.yaml_text import dump
from modelwatch import promql
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory, Source

SAMPLE_LIMIT = 100_000
"""Samples per page above which a scrape is refused: a label gone wild must not fill the disk."""

LABEL_VALUE_LIMIT = 512
"""Characters of a label value above which a scrape is refused: prompts are no labels."""


def files(inventory: Inventory, engines: Mapping[str, Engine]) -> dict[str, str]:
    """Paths below `prometheus/` and their text."""
    scraped = _scraped(inventory)
    return {
        "prometheus.yml": _configuration(inventory, scraped),
        **{
            f"targets/{job}.json": _targets(sources, engines)
            for job, sources in scraped.items()
            if not sources[0].file_sd
        },
    }


def _scraped(inventory: Inventory) -> dict[str, list[Source]]:
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


def _configuration(inventory: Inventory, scraped: Mapping[str, list[Source]]) -> str:
    settings = inventory.settings
    interval = promql.shortened(settings.scrape_interval, settings.time_compression)
    document = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": _timeout(interval),
            "evaluation_interval": promql.shortened("30s", settings.time_compression),
        },
        "rule_files": ["rules/*.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": list(settings.alertmanagers)}]}]
        },
        "scrape_configs": [
            *_stack(inventory),
            *(_scrape_config(job, sources[0]) for job, sources in scraped.items()),
        ],
    }
    return dump(document, header=header(settings))


def _timeout(interval: str) -> str:
    """Ten seconds as usual, or the interval where it is shorter."""
    return min("10s", interval, key=promql.duration_seconds)


def _stack(inventory: Inventory) -> Iterator[dict[str, Any]]:
    """Jobs of the monitoring stack itself: what it cannot be without, and what is declared."""
    settings = inventory.settings
    jobs = {
        "prometheus": Source(engine="prometheus", targets=(_host(settings.prometheus_url),)),
        "alertmanager": Source(engine="alertmanager", targets=settings.alertmanagers),
        **{source.engine: source for source in inventory.stack_sources if source.targets},
    }
    for job, source in jobs.items():
        yield {
            "job_name": job,
            **({"metrics_path": source.path} if source.path else {}),
            **({"scheme": source.scheme} if source.scheme != "http" else {}),
            "static_configs": [{"targets": list(source.targets)}],
        }


def _host(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0]


def _scrape_config(job: str, source: Source) -> dict[str, Any]:
    """A job that reads its targets from a file, so that a new one needs no reload.

    Metrics under our own names carry the labels `model` and `environment` themselves: these win
    over labels of the target, or every join would break.
    """
    return {
        "job_name": job,
        **({"honor_labels": True} if source.engine == "modelwatch" else {}),
        "sample_limit": SAMPLE_LIMIT,
        "label_value_length_limit": LABEL_VALUE_LIMIT,
        "file_sd_configs": [{"files": [source.file_sd or f"targets/{job}.json"]}],
    }


def _targets(sources: list[Source], engines: Mapping[str, Engine]) -> str:
    """Targets by scheme and path; a target that serves several models stands once."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source in sources:
        path = source.path or engines[source.engine].path
        groups[source.scheme, path].extend(source.targets)
    document = [
        {
            "targets": list(dict.fromkeys(targets)),
            "labels": {"__scheme__": scheme, "__metrics_path__": path},
        }
        for (scheme, path), targets in sorted(groups.items())
    ]
    return json.dumps(document, indent=2) + "\n"
