"""Captured pages in a real Prometheus: their series over an hour, our rules, and what comes out.

Each page becomes a scrape job of its own name. Counters grow by the page's value every hour, so a
rate is the page's value per hour; gauges stand still.
"""

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from generator.engine_rules import groups
from generator.inventory_series import constants
from generator.verify.pages import FOLDER, Labels, Sample
from generator.verify.pages import samples as lines
from modelwatch.catalogue.inventory import GPU_SOURCE, SOURCE
from modelwatch.discovery import constants_named
from modelwatch.engine import Engine, Page
from modelwatch.inventory import Inventory, Model, Pool, Settings, Source
from modelwatch.supply import metrics_read
from tests.real import program

PAGES = Path(__file__).parent / "pages"
"""What the captured pages mean; the pages themselves are in the package."""
ENGINES: dict[str, Engine] = constants_named("exporters.engines", "ENGINE")
CAPTURED: list[tuple[Engine, Page]] = [
    (engine, page) for engine in ENGINES.values() for page in engine.pages
]
MINUTES = 70
VERSION = "declared"
INSTANCE = "host-1.example:8000"


def stem(page: Page) -> str:
    """The name of a page, which is also its job and, unless it says otherwise, environment."""
    return page.file.removesuffix(".prom")


def samples(file: str) -> list[Sample]:
    """The lines of a captured page."""
    return lines((FOLDER / file).read_text("utf-8"))


def expected(page: Page) -> dict[str, Any]:
    """What the page means, written by hand."""
    path = PAGES / f"{stem(page)}.expected.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def inventory(models: Iterable[Model] = (), pools: Iterable[Pool] = (), **more: Any) -> Inventory:
    """An inventory of these models and pools and nothing else."""
    return Inventory(
        path="inventory.yaml",
        settings=Settings(),
        teams={},
        receivers={},
        models=tuple(models),
        pools=tuple(pools),
        budgets=(),
        severities={},
        thresholds=(),
        floors={},
        **more,
    )


def model(name: str, environment: str, *sources: Source) -> Model:
    """A model of which only the sources matter."""
    return Model(
        name=name, environment=environment, team="t", tier=1, policy="tier-1", sources=sources
    )


def pool(name: str, environment: str, *sources: Source) -> Pool:
    """A GPU pool of which only the sources matter."""
    return Pool(
        name=name, environment=environment, team="t", tier=1, policy="tier-1", sources=sources
    )


def everything_captured() -> Inventory:
    """One scrape job per page, with the models that its expectation names."""
    models, pools = [], []
    for engine, page in CAPTURED:
        job = stem(page)
        if engine.kind != "model":
            pools.append(pool("a100", job, Source(engine=engine.name, job=job)))
            continue
        for written, name in expected(page)["models"].items():
            engine_model, _, environment = written.partition("@")
            source = Source(engine=engine.name, engine_model=engine_model, job=job, version=VERSION)
            models.append(model(name, environment or job, source))
    return inventory(models, pools)


def rules(fleet: Inventory, engines: Mapping[str, Engine] = ENGINES) -> dict[str, Any]:
    """The alias series and the engine layer as a rule file, evaluated every second."""
    aliases = [
        {"record": row.metric.name, "expr": f"vector({row.value})", "labels": dict(row.labels)}
        for row in constants(fleet, engines)
        if row.metric in (SOURCE, GPU_SOURCE)
    ]
    layers = [
        {
            "name": group.name,
            "interval": "1s",
            "rules": [
                {"record": rule.metric.name, "expr": rule.expr, "labels": dict(rule.labels)}
                for rule in group.records
            ],
        }
        for group in groups(fleet, engines)
    ]
    return {"groups": [{"name": "aliases", "interval": "1s", "rules": aliases}, *layers]}


def stored_by_three(le: str) -> str:
    """The text under which Prometheus 3 stores a boundary, whatever was exposed."""
    if le == "+Inf":
        return le
    exponent = f"{float(le):.17e}".partition("e")[2]
    digits = repr(float(le)).replace(".", "").split("e")[0].strip("0") or "0"
    if -4 <= int(exponent) < 6:
        plain = f"{Decimal(repr(float(le))):f}"
        return plain if "." in plain else f"{plain}.0"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{exponent}"


def openmetrics(until: float, *, le_of_three: bool = False) -> Iterator[str]:
    """Every page that an engine reads, minute by minute."""
    begin = until - 60 * MINUTES
    for engine, page in CAPTURED:
        read = metrics_read(engine)
        target = f'job="{stem(page)}",instance="{INSTANCE}"'
        for sample in samples(page.file):
            if sample.name not in read:
                continue
            own = "".join(
                f',{name}="{stored_by_three(text) if le_of_three and name == "le" else text}"'
                for name, text in sample.labels
            )
            for minute in range(MINUTES + 1):
                value = sample.value * (1 + minute / 60) if sample.grows else sample.value
                yield f"{sample.name}{{{target}{own}}} {value!r} {begin + 60 * minute:.3f}\n"
    yield "# EOF\n"


@contextmanager
def prometheus(
    folder: Path,
    rule_file: Mapping[str, Any],
    *,
    path: str | None = None,
    le_of_three: bool = False,
    lines: Iterable[str] = (),
) -> Iterator[str]:
    """The address of a Prometheus that has these lines, or all pages, and evaluates the rules."""
    metrics = folder / "pages.om"
    with metrics.open("w") as written:
        written.writelines(lines or openmetrics(time.time(), le_of_three=le_of_three))
    subprocess.run(
        [
            program("promtool", path),
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            metrics,
            folder / "data",
        ],
        check=True,
        capture_output=True,
    )
    (folder / "rules.yml").write_text(yaml.safe_dump(rule_file))
    (folder / "prometheus.yml").write_text("rule_files: [rules.yml]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                program("prometheus", path),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(30)


def asked(url: str, **parameters: str) -> Any:
    """The `data` of a reply."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    with urllib.request.urlopen(f"{url}{query}", timeout=10) as reply:  # noqa: S310 - loopback
        return json.load(reply)["data"]


def recorded(address: str, *, patience_s: float = 60) -> dict[tuple[str, Labels], float]:
    """All recorded series, once every rule has run on complete input."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and not _settled(address):
        time.sleep(0.5)
    found = asked(f"{address}/api/v1/query", query='{__name__=~"(engine|gpu):.+"}')["result"]
    return {
        (
            row["metric"].pop("__name__"),
            tuple(sorted(row["metric"].items())),
        ): float(row["value"][1])
        for row in found
    }


def _settled(address: str) -> bool:
    """Whether the aliases have been there for so many rounds that all else saw them."""
    query = f"min(count_over_time({SOURCE}[1h]))"
    try:
        rounds = asked(f"{address}/api/v1/query", query=query)["result"]
    except OSError:  # not up yet
        return False
    return bool(rounds) and float(rounds[0]["value"][1]) >= 4


def failures(address: str) -> list[str]:
    """Rules that Prometheus could not evaluate."""
    return [
        f"{rule['name']}: {rule.get('lastError', rule['health'])}"
        for group in asked(f"{address}/api/v1/rules")["groups"]
        for rule in group["rules"]
        if rule["health"] != "ok"
    ]
