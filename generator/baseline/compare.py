"""The command that says how far rows, or another baseline, are from a baseline."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from exporters.drift.baseline import Baseline, parsed, read
from exporters.drift.comparing import DECIDES, Comparison, compared, limits
from exporters.drift.from_rows import Counted, counted_rows, parts
from exporters.drift.kinds import Roles
from exporters.drift.rebinning import rebinned
from generator import listing
from generator.baseline.build import role_options
from generator.baseline.streams import opened
from modelwatch.catalogue.drift import METHODS, RATES
from modelwatch.problems import ModelwatchError

_BEGIN = 200
_SCHEMA_VERSION = re.compile(rb'\s*\{\s*"schema_version"')


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("rows")
@role_options
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=DECIDES,
    show_default=True,
    help="The distance that decides, beside missing, unseen and out of range values.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def compare(  # noqa: PLR0917
    file: Path, rows: str, score: str, predicted: str, method: str, form: str
) -> None:
    """Compare rows, or another baseline, with a baseline; exit 1 when something drifted.

    Example: modelwatch baseline compare baseline.json rows.csv
    """
    baseline = read(file)
    found = _seen(baseline, rows, Roles(score=score, predicted=predicted))
    comparisons = [
        compared(feature, seen, method=method, predicted=predicted)
        for feature, predicted, seen in found
    ]
    click.echo(_json(comparisons) if form == "json" else _text(comparisons))
    if any(one.reasons for one in comparisons):
        sys.exit(1)


def _seen(baseline: Baseline, path: str, roles: Roles) -> Counted:
    """What is in the file, in the bins of the baseline."""
    with opened(path) as (name, stream):
        if _SCHEMA_VERSION.match(stream.peek(_BEGIN)[:_BEGIN]):
            return _other_baseline(baseline, parsed(name, stream.read()), name)
        return counted_rows(name, stream, baseline, roles)


def _other_baseline(baseline: Baseline, other: Baseline, path: str) -> Counted:
    known = {(feature.name, predicted): feature for feature, predicted in parts(other)}
    found = []
    for feature, predicted in parts(baseline):
        there = known.get((feature.name, predicted))
        counts = rebinned(there, feature) if there else None
        if counts:
            found.append((feature, predicted, counts))
        else:
            click.echo(
                f"note: {path} has no {_title(feature.name, predicted)} to compare", err=True
            )
    if not found:
        raise ModelwatchError(f"{path} has no feature of the baseline")
    click.echo(
        f"note: {path} is a baseline: distances are rough where its bins differ, and nothing is "
        "known of out of range values",
        err=True,
    )
    return tuple(found)


def _json(comparisons: Sequence[Comparison]) -> str:
    rows = [
        {
            **{name: value for name, value in asdict(one).items() if name != "statistics"},
            "drifted": [reason.method for reason in one.reasons],
            "statistics": {
                found.method: {"value": found.value, "floor": found.floor, "limit": found.limit}
                for found in one.statistics
            },
        }
        for one in comparisons
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _text(comparisons: Sequence[Comparison]) -> str:
    """A table of all distances; `!` marks those above both their limit and chance."""
    allowed = limits()
    head = {"feature": "(limit)", "values": "", "chance": ""}
    rows = [head | {name: f"{allowed[name]:g}" for name in (*METHODS, *RATES)} | {"drifted": ""}]
    rows += [_row(one) for one in comparisons]
    return f"{listing.table(rows)}\n\n{_sentence(comparisons)}"


def _row(one: Comparison) -> dict[str, str]:
    by_name = {found.method: found for found in one.statistics}
    decides = by_name.get(one.deciding)
    enough = max(one.samples, one.observations) >= one.fewest
    verdict = "yes" if one.reasons else "no" if enough else "too few"
    return {
        "feature": _title(one.name, one.predicted),
        "values": str(one.samples),
        "chance": f"{decides.floor:.4f}" if decides else "",
        **{
            name: f"{by_name[name].value:.4f}{'!' * by_name[name].far}" if name in by_name else ""
            for name in (*METHODS, *RATES)
        },
        "drifted": verdict,
    }


def _sentence(comparisons: Sequence[Comparison]) -> str:
    drifted = [one for one in comparisons if one.reasons]
    few = [one for one in comparisons if max(one.samples, one.observations) < one.fewest]
    refused = {one.name: one.refused for one in comparisons if one.refused}
    said = [f"{len(drifted) or 'none'} of {len(comparisons)} drifted"]
    said += [
        f"{_title(one.name, one.predicted)}: "
        + ", ".join(
            f"{reason.method} {reason.value:.3g} above {reason.limit:g}" for reason in one.reasons
        )
        for one in drifted
    ]
    if few:
        said.append(f"{len(few)} had fewer than {few[0].fewest} values, too few to tell")
    said += [f"{count} values of {name} were of another kind" for name, count in refused.items()]
    return "; ".join(said)


def _title(name: str, predicted: str) -> str:
    return f"{name} of {predicted}" if predicted else name
