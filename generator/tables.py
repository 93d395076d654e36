"""Markdown tables, and the marked places in a page that are written by a program."""

from collections.abc import Iterable

MARK = "<!-- {name}: written by `make docs` -->\n"
END = "<!-- /{name} -->\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; bars and line breaks in cells are escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def filled(page: str, name: str, text: str) -> str:
    """The page with the text between the two marks of this name; unchanged without the marks."""
    before, start, rest = page.partition(MARK.format(name=name))
    _, end, after = rest.partition(END.format(name=name))
    return f"{before}{start}\n{text}\n\n{end}{after}" if start and end else page
