"""Scraping: who is asked for metrics, under exactly the labels that the rules read.

Rules join on `job` and `instance`. Prometheus Operator would name a job after its object, and add
labels such as `pod` that change with each restart: both is put right by relabelling.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from generator.kubernetes.kustomization import Component
from generator.kubernetes.objects import Object, manifest, metadata, slug
from generator.prometheus import INVENTORY_JOB, LIMITS, pace, page_path, scraped
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory, Settings, Source

HONOR_TIMESTAMPS = False  # samples of a target whose clock is wrong would be dropped without a word
ADDED = "namespace|service|pod|container|endpoint|node"
"""Labels that the operator puts on targets of monitors."""

_FIELDS = {
    "body_size_limit": "bodySizeLimit",
    "sample_limit": "sampleLimit",
    "label_limit": "labelLimit",
    "label_name_length_limit": "labelNameLengthLimit",
    "label_value_length_limit": "labelValueLengthLimit",
}


def component(
    name: str, title: str, inventory: Inventory, engines: Mapping[str, Engine], *, ours: bool
) -> tuple[Component, ...]:
    """Everything that the inventory names by target: `ours` or other people's; none if nothing."""
    found = [
        source
        for sources in scraped(inventory).values()
        for source in sources
        if is_ours(source) is ours
    ]
    if not found:
        return ()
    text = manifest(_scrape_configs(found, inventory.settings, engines))
    return (
        Component(
            name=name,
            title=title,
            files={"scrape-configs.yaml": text},
            resources=("scrape-configs.yaml",),
        ),
    )


def is_ours(source: Source) -> bool:
    """Whether one of our exporters is behind it. An application with our metrics is not ours."""
    return source.engine.startswith("modelwatch") and source.engine != "modelwatch"


def limits(job: str) -> Object:
    """Limits of a page, in the words of the operator."""
    return {} if job == INVENTORY_JOB else {_FIELDS[name]: value for name, value in LIMITS.items()}


def _scrape_configs(
    sources: Iterable[Source], settings: Settings, engines: Mapping[str, Engine]
) -> Iterator[Object]:
    """One object per job, scheme and path; several of them under one job are no second job."""
    interval, timeout = pace(settings)
    seen: Counter[str] = Counter()

    def where(source: Source) -> tuple[str, str, str]:
        return source.scraped_job, source.scheme, page_path(source, engines)

    for (job, scheme, path), found in groupby(sorted(sources, key=where), key=where):
        together = list(found)
        name = f"modelwatch-{slug(job.removeprefix('modelwatch-'))}"
        seen[name] += 1
        if seen[name] > 1:
            name = f"{name}-{seen[name]}"
        targets = dict.fromkeys(target for one in together for target in one.targets)
        lists = dict.fromkeys(one.file_sd for one in together if one.file_sd)
        yield {
            "apiVersion": "monitoring.coreos.com/v1alpha1",
            "kind": "ScrapeConfig",
            "metadata": metadata(name, "scraping"),
            "spec": {
                "jobName": job,
                "scheme": scheme.upper(),
                "metricsPath": path,
                "scrapeInterval": interval,
                "scrapeTimeout": timeout,
                **({"honorLabels": True} if together[0].engine.startswith("modelwatch") else {}),
                "honorTimestamps": HONOR_TIMESTAMPS,
                **limits(job),
                **({"staticConfigs": [{"targets": list(targets)}]} if targets else {}),
                **({"fileSDConfigs": [{"files": list(lists)}]} if lists else {}),
            },
        }
