"""`modelwatch export`: our promises in the documents of others."""

from pathlib import Path

import click

from generator import openslo_documents
from generator.opening import inventory_at
from generator.yaml_text import dump
from modelwatch.problems import ModelwatchError

_FORMATS = ("openslo",)


@click.command()
@click.argument("form", metavar="FORMAT", type=click.Choice(_FORMATS))
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; left out, the documents are printed.",
)
def export(form: str, inventory: str, output: Path | None) -> None:  # noqa: ARG001  # one so far
    """Write the objectives of an inventory as OpenSLO documents, which read our recorded series.

    Example: modelwatch export openslo models.yaml -o slos.yaml
    """
    found = openslo_documents.export(inventory_at(inventory))
    if not found.documents:
        raise ModelwatchError(f"{inventory} promises nothing; add `slo:` to a model")
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    text = "---\n".join(dump(document) for document in found.documents)
    if output is None:
        click.echo(text, nl=False)
        return
    text = f"# Written by `modelwatch export`; run it again after a change.\n{text}"
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise ModelwatchError(f"cannot write {output}: {failure.strerror}") from failure
    count = sum(1 for document in found.documents if document["kind"] == "SLO")
    click.echo(f"wrote {output}: {len(found.documents)} documents, {count} objectives")
    click.echo(
        "next: give them to what reads OpenSLO, with the rules of modelwatch generate loaded"
    )
