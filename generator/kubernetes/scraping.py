"""Scraping: who is asked for metrics, under exactly the labels that the rules read.

Rules join on `job` and `instance`. Prometheus Operator would name a job after its object, and add
labels such as `pod` that change with each restart: both is put right by relabelling.
"""

import re
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


def components(inventory: Inventory, engines: Mapping[str, Engine]) -> tuple[Component, ...]:
    """Everything that the inventory names by target or by file; nothing of existing jobs."""
    found = [source for sources in scraped(inventory).values() for source in sources]
    ours = [source for source in found if runs_here(source)]
    theirs = [source for source in found if not runs_here(source)]
    parts = (
        ("scraping", "Who is scraped: targets of models and pools.", theirs),
        (
            "exporters-outside",
            "Instead of `exporters`, where they run outside of the cluster.",
            ours,
        ),
    )
    return tuple(
        Component(
            name=name,
            title=title,
            files={"scrape-configs.yaml": manifest(_objects(sources, inventory.settings, engines))},
            resources=("scrape-configs.yaml",),
        )
        for name, title, sources in parts
        if sources
    )


def runs_here(source: Source) -> bool:
    """Whether it is an exporter of ours, and no other people's list says where it is.

    An application that exposes our metrics has the engine `modelwatch`; it is not ours.
    """
    return re.match("modelwatch[-_]", source.engine) is not None and not source.file_sd


def limits(job: str) -> Object:
    """Limits of a page, in the words of the operator."""
    return {} if job == INVENTORY_JOB else {_FIELDS[name]: value for name, value in LIMITS.items()}


def _objects(
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
