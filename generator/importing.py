"""`modelwatch import`: the promises of other formats as a draft of an inventory."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import click

from generator.definitions import definitions
from generator.draft_inventory import Left, draft
from generator.opening import content_of
from generator.slo_formats import Foreign, Format, Promise, formats, one_line
from generator.slo_meaning import Watched, watched
from generator.slo_meaning.terms import NotUnderstoodError
from modelwatch.loading import load_all
from modelwatch.problems import InventoryError, ModelwatchError, Problem
from modelwatch.reading import read
from modelwatch.tree import Block, Items


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; left out, the draft is printed.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(formats())),
    help="Whose documents these are; left out, each document says it.",
)
def import_(files: tuple[str, ...], output: Path | None, form: str | None) -> None:
    """Draft an inventory from objectives in OpenSLO, Sloth or Pyrra files.

    Example: modelwatch import slos.yaml -o imported.yaml
    """
    if output and output.exists():
        raise ModelwatchError(f"{output} is already there; choose another name")
    documents = _documents(files)
    promises, notes = _promises(documents, form)
    found, left = _understood(promises)
    made = draft(found, frozenset(definitions().engines))
    notes += [_note(one) for one in (*left, *made.left)]
    for note in sorted(notes):
        click.echo(f"note: {note}", err=True)
    if not made.count:
        raise ModelwatchError("none of these promises could be understood; see the notes")
    text = made.text + _remarks(notes)
    if output is None:
        click.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as failure:
            raise ModelwatchError(f"cannot write {output}: {failure.strerror}") from failure
        click.echo(f"wrote {output}: {_said(made.count, 'objective')}, {_said(len(notes), 'note')}")
        click.echo(f"next: look at each line marked `confirm`, then modelwatch check {output}")
    read(str(output or "<stdout>"), text.encode(), definitions().engines)


def _documents(files: tuple[str, ...]) -> list[Foreign]:
    """The documents of all files.

    Raises:
        InventoryError: files that cannot be read as YAML.
    """
    documents: list[Foreign] = []
    problems: list[Problem] = []
    for path in files:
        notes: list[Problem] = []
        name = "<stdin>" if path == "-" else path
        try:
            loaded = load_all(name, content_of(path))
        except InventoryError as error:
            problems += error.problems
            continue
        problems += loaded.report.found
        report = replace(loaded.report, found={})
        documents += [
            Foreign(root=root, report=report, notes=notes)
            for outer in loaded.roots
            for root in _flat(outer)
        ]
    if problems:
        raise InventoryError(problems)
    return documents


def _flat(root: Block) -> list[Block]:
    """The objects of a list of Kubernetes, or the one that this is."""
    items = root.get("items")
    if root.text("kind").endswith("List") and isinstance(items, Items):
        return [item for item in items if isinstance(item, Block)]
    return [root]


def _promises(documents: list[Foreign], form: str | None) -> tuple[list[Promise], list[Problem]]:
    by_format: dict[str, list[Foreign]] = defaultdict(list)
    for document in documents:
        chosen = formats()[form] if form else _recognised(document)
        if chosen:
            by_format[chosen.name].append(document)
        else:
            document.left(
                document.root.place,
                "the document is of no format that is read here",
                f"formats: {', '.join(one.title for one in formats().values())}; "
                "say which with --format",
            )
    promises = [
        promise for name, several in by_format.items() for promise in formats()[name].read(several)
    ]
    problems = {problem for document in documents for problem in document.report.found}
    if problems:
        raise InventoryError(tuple(problems))
    return promises, list(dict.fromkeys(note for one in documents for note in one.notes))


def _recognised(document: Foreign) -> Format | None:
    return next((one for one in formats().values() if one.recognises(document.root)), None)


def _understood(promises: list[Promise]) -> tuple[list[Watched], list[Left]]:
    found, left = [], []
    for promise in promises:
        try:
            found.append(watched(promise, definitions().engines))
        except NotUnderstoodError as error:
            left.append(Left(promise=promise, why=str(error)))
    return found, left


def _note(left: Left) -> Problem:
    line, column = left.promise.place
    return Problem(
        path=left.promise.path,
        line=line,
        column=column,
        message=one_line(f"'{left.promise.name}' is left out: {left.why}"),
    )


def _remarks(notes: list[Problem]) -> str:
    """What the inventory does not say, at its end: whoever gets the file sees it too."""
    if not notes:
        return ""
    lines = "".join(f"# - {note}\n" for note in sorted(notes))
    return f"\n# Not carried over:\n{lines}"


def _said(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
