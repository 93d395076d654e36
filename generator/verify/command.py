"""The command that says of every selector whether it finds anything, and why not."""

import re
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from generator.asking import Prometheus
from generator.build import build
from generator.connecting import Access, access_options, session, web_address
from generator.definitions import definitions
from generator.opening import inventory_at
from generator.text_files import text_of
from generator.verify import reports, running
from generator.verify.pages import Captured, default_pages, of_versions, own_pages
from generator.verify.progress import Progress
from generator.verify.reading_boards import boards
from generator.verify.reading_rules import rules
from generator.verify.running import Read
from modelwatch.inventory import Inventory
from modelwatch.problems import ModelwatchError
from modelwatch.promql import duration_seconds

_RULES = (".yml", ".yaml")
_BOARDS = (".json",)
_PAGES = (".prom", ".txt")
_DURATION = re.compile(r"(?:\d+(?:ms|s|m|h))+")


def _versions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    known = definitions().engines
    found = {}
    for value in values:
        engine, sign, version = value.partition("=")
        if not sign or not re.search(r"\d", version):
            raise click.BadParameter("write an engine and its version, such as vllm=0.11")
        if engine not in known:
            raise click.BadParameter(f"there is no engine {engine}")
        found[engine] = version
    return found


def _duration(_: click.Context, __: click.Parameter, value: str) -> float:
    if value and not (_DURATION.fullmatch(value) and re.search("[1-9]", value)):
        raise click.BadParameter("write a duration such as 15s or 1m")
    return float(duration_seconds(value)) if value else 0.0


def _skipped(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    known = running.questions() if values else {}
    for value in values:
        if value not in known:
            raise click.BadParameter(f"there is no {value}; there are {', '.join(known)}")
    return frozenset(values)


@click.command()
@click.argument(
    "inventory", type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=False
)
@click.option(
    "--pages",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Captured pages of yours, such as vllm-0.33.prom; they count instead of ours.",
)
@click.option(
    "--engine-version",
    "versions",
    multiple=True,
    callback=_versions,
    metavar="ENGINE=VERSION",
    help="What you run, such as vllm=0.11; may be repeated.  [default: every captured version]",
)
@click.option(
    "--rules",
    "rule_paths",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="Rules of your own, or a folder of them; may be repeated.",
)
@click.option(
    "--dashboards",
    "board_paths",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="Dashboards of your own, or a folder of them; may be repeated.",
)
@click.option(
    "--target-label",
    "target_labels",
    multiple=True,
    metavar="LABEL",
    help="A label that your scrape configuration adds; may be repeated.",
)
@click.option(
    "--scrape-interval",
    callback=_duration,
    default="",
    metavar="DURATION",
    help="How often targets are read.  [default: the inventory's, else 15s]",
)
@click.option(
    "--prometheus",
    "url",
    callback=web_address,
    metavar="URL",
    help="Look at real data instead of pages.",
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, max=366),
    default=7.0,
    show_default=True,
    help="With --prometheus: how far back to look for alerts that would have fired; 0 for none.",
)
@click.option(
    "--patience",
    callback=_duration,
    default="60s",
    show_default=True,
    metavar="DURATION",
    help="With --prometheus: how long to look for them; what was not reached is named.",
)
@click.option(
    "--format", "form", type=click.Choice(list(reports.FORMATS)), default="text", show_default=True
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write there, and only a summary here.",
)
@click.option(
    "--skip",
    "skipped",
    multiple=True,
    callback=_skipped,
    metavar="QUESTION",
    help="Leave a question out, such as back-test; may be repeated.",
)
@click.option("--strict", is_flag=True, help="Let warnings fail as well.")
@click.option("--notes", is_flag=True, help="Show notes too: what is fine to be silent, and why.")
@access_options
def verify(
    inventory: str | None,
    *,
    pages: Path | None,
    versions: dict[str, str],
    rule_paths: tuple[Path, ...],
    board_paths: tuple[Path, ...],
    target_labels: tuple[str, ...],
    scrape_interval: float,
    url: str | None,
    days: float,
    patience: float,
    form: str,
    output: Path | None,
    skipped: frozenset[str],
    strict: bool,
    notes: bool,
    access: Access,
) -> None:
    """Say which rules and panels can never show anything, and why.

    Example: modelwatch verify models.yaml
    """
    if inventory is None and not rule_paths and not board_paths:
        raise click.UsageError("name an inventory, or files after --rules or --dashboards")
    if url is None and access != Access():
        raise click.UsageError("who you are matters to a --prometheus only")
    progress = Progress(stream=sys.stderr, clock=time.monotonic)
    fleet = inventory_at(inventory) if inventory is not None else None
    engines = definitions().engines_of(fleet) if fleet else definitions().engines
    setting = running.Setting(
        engines=engines,
        pages=_pages(pages, versions),
        target_labels=frozenset(target_labels),
        scrape_interval_s=scrape_interval,
        days=days,
        patience_s=patience,
        progress=progress,
        skipped=skipped,
        prometheus=Prometheus(url=url, session=session(access)) if url else None,
        now=time.time(),
    )
    files = build(fleet, definitions()) if fleet else {}
    own = Read.of(
        (
            *(rules(str(path), text_of(path)) for path in _files(rule_paths, _RULES)),
            *(boards(str(path), text_of(path)) for path in _files(board_paths, _BOARDS)),
        )
    )
    try:
        found, asked = running.verified(fleet, files, own, setting)
    finally:
        progress.end()
    report = reports.Report(
        subject=_subject(fleet, rule_paths, board_paths, url),
        found=found,
        asked=asked,
        strict=strict,
        notes=notes,
    )
    _write(report, form, output)
    if report.fails:
        sys.exit(1)


def _subject(
    fleet: Inventory | None,
    rule_paths: Iterable[Path],
    board_paths: Iterable[Path],
    url: str | None,
) -> str:
    named = [*([fleet.path] if fleet else []), *map(str, (*rule_paths, *board_paths))]
    shown = ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
    return f"{shown} at {Prometheus(url=url).shown}" if url else shown


def _pages(folder: Path | None, versions: dict[str, str]) -> tuple[Captured, ...]:
    """The pages that count: of engines on a page of the folder only these, of others ours."""
    known = definitions().engines
    given: list[Captured] = []
    if folder is not None:
        paths = _files((folder,), _PAGES)
        try:
            given = list(own_pages(paths, known))
        except (OSError, UnicodeDecodeError) as failure:
            raise ModelwatchError(f"cannot read a page in {folder}: {failure}") from failure
    engines_given = {page.engine for page in given}
    others = default_pages(one for name, one in known.items() if name not in engines_given)
    return of_versions((*given, *others), versions)


def _files(paths: Iterable[Path], endings: tuple[str, ...]) -> list[Path]:
    """The files, and those of folders with one of the endings.

    Raises:
        ModelwatchError: a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(one for one in path.rglob("*") if one.suffix in endings and one.is_file())
        if not below:
            raise ModelwatchError(f"{path} has no file that ends in {' or '.join(endings)}")
        found += below
    return found


def _write(report: reports.Report, form: str, output: Path | None) -> None:
    text = reports.FORMATS[form](report)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise ModelwatchError(f"cannot write {output}: {failure.strerror}") from failure
    click.echo(reports.as_text(replace(report, notes=False)).splitlines()[0])
    click.echo(f"{output}: written")
