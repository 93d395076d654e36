"""The command that shows what is in a baseline."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from exporters.drift.baseline import Baseline, Categorical, Embedding, Feature, Numeric, read
from generator import listing


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def show(file: Path, form: str) -> None:
    """Show what is in a baseline: kinds, bins, ranges, missing and most frequent values.

    Example: modelwatch baseline show baseline.json
    """
    found = read(file)
    if form == "json":
        facts = {name: getattr(found, name) for name in ("model", "version", "created", "newest")}
        told = {**facts, "rows": found.rows, "identity": found.identity, "features": _rows(found)}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo(f"baseline {found.identity} of {found.model}, version {found.version}")
    click.echo(f"{found.rows} rows, the newest of {found.newest}; made {found.created}")
    click.echo()
    click.echo(table(found))


def table(baseline: Baseline) -> str:
    """A line per feature, and one per predicted class of a score."""
    return listing.table(_rows(baseline))


def _rows(baseline: Baseline) -> listing.Rows:
    return [row for feature in baseline.features for row in _of(feature)]


def _of(feature: Feature) -> Iterator[dict[str, Any]]:
    name, missing = feature.name, feature.missing
    if isinstance(feature, Numeric):
        inside = f"{feature.low:g} to {feature.high:g}"
        each_its_bin = feature.edges == feature.centres[:-1] and not feature.counts[-1]
        common = f"mean {feature.mean:g}, deviation {feature.deviation:g}"
        if each_its_bin:
            values = (f"{edge:g}" for edge in feature.edges)
            common = _most_frequent(dict(zip(values, feature.counts, strict=False)))
        yield _row(name, "numeric", feature.counts, missing) | {
            "range": inside,
            "most frequent": common,
        }
    elif isinstance(feature, Categorical):
        counts = (*feature.counts, feature.other)
        inside = f"{len(feature.values)} words{' and others' if feature.other else ''}"
        common = _most_frequent({**dict(zip(feature.values, counts, strict=False)), "": counts[-1]})
        yield _row(name, "categorical", counts, missing) | {
            "range": inside,
            "most frequent": common,
        }
    elif isinstance(feature, Embedding):
        inside = f"{len(feature.mean)} dimensions"
        yield _row(name, "embedding", (feature.count,), missing) | {
            "range": inside,
            "most frequent": "",
        }
    else:
        for known in feature.classes:
            label = f"{name} of {known.predicted}" if known.predicted else name
            common = _most_frequent(
                {
                    f"up to {edge:g}": count
                    for edge, count in zip(feature.edges, known.counts, strict=False)
                }
            )
            yield _row(label, "score", known.counts, missing) | {
                "range": "0 to 1",
                "most frequent": common,
            }


def _row(name: str, kind: str, counts: Sequence[int], missing: int) -> dict[str, Any]:
    return {
        "feature": name,
        "kind": kind,
        "bins": len(counts),
        "values": sum(counts),
        "missing": missing,
    }


def _most_frequent(counts: Mapping[str, int]) -> str:
    total = sum(counts.values()) or 1
    ranked = sorted(counts.items(), key=lambda entry: -entry[1])[:3]
    return ", ".join(f"{value or 'others'} {count / total:.1%}" for value, count in ranked if count)
