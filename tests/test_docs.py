"""The documentation says what is there, and nothing else: pages, names, commands and links."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from generator.cli import main
from generator.definitions import definitions
from generator.docs import GENERATED, documents
from generator.docs import main as write_pages
from modelwatch.catalogue import metrics
from modelwatch.problems import render
from tests.inventory_texts import ROOT, problems_of, read_text

PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
README = ROOT / "README.md"
CONTEXT = click.Context(main)
COMMANDS = main.list_commands(CONTEXT)
WITH_TABLES = ("README.md", "docs/exporters.md", "docs/incidents.md")
"""Pages that are written by hand, but for their tables."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(name="generated", scope="module")
def _generated() -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield documents()


# Generated pages.


@pytest.mark.parametrize(
    "name",
    [
        *(f"docs/{page}.md" for page in ("inventory", "metrics", "alerts", "boards", "engines")),
        *WITH_TABLES,
    ],
)
def test_a_generated_page_is_up_to_date(generated: dict[str, str], name: str) -> None:
    assert text_of(name) == generated[name], "run: make docs"


def test_every_page_that_says_it_is_generated_is(generated: dict[str, str]) -> None:
    marked = {name for name in NAMES if text_of(name).startswith(GENERATED)}
    assert marked == generated.keys() - set(WITH_TABLES)


def test_the_table_of_engines_has_its_place_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count("<!-- engines: written by `make docs` -->\n") == 1
    assert text.count("<!-- /engines -->\n") == 1


def test_writing_pages_twice_writes_them_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    for name in WITH_TABLES:
        (tmp_path / name).write_text(text_of(name), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for arguments, code in (["--check"], 1), ([], 0), (["--check"], 0):
        with pytest.raises(SystemExit) as ended:
            write_pages(arguments)
        assert ended.value.code == code
    for path, text in documents().items():
        assert (tmp_path / path).read_text(encoding="utf-8") == text


# Everything that is there is documented.


def test_every_command_is_in_the_readme() -> None:
    (table,) = [one for one in blocks(text_of("README.md"), "text") if "modelwatch check " in one]
    listed = re.findall(r"^modelwatch ([a-z]+(?:, [a-z]+)*) +\S", table, re.MULTILINE)
    named = {name for entry in listed for name in entry.split(", ")}
    assert named == set(COMMANDS)


def test_every_alert_has_a_chapter_with_all_that_it_says(generated: dict[str, str]) -> None:
    page = generated["docs/alerts.md"]
    for alert in definitions().every_alert():
        assert page.count(f"\n### {alert.name}\n") == 1
        chapter = page.partition(f"\n### {alert.name}\n")[2].partition("\n### ")[0]
        assert alert.summary in chapter
        assert alert.description in chapter
        assert alert.lies in chapter
        assert all(step in chapter for step in alert.action)


def test_every_metric_has_a_row_with_its_unit_and_meaning(generated: dict[str, str]) -> None:
    rows = generated["docs/metrics.md"].splitlines()
    for metric in metrics():
        (row,) = [line for line in rows if line.startswith(f"| `{metric.name}` |")]
        assert metric.unit in row
        assert metric.help.replace("|", "\\|") in row


def test_every_engine_is_in_the_reference_and_in_the_readme(generated: dict[str, str]) -> None:
    for name, engine in definitions().engines.items():
        assert f"\n## {engine.title}\n\n`engine: {name}`" in generated["docs/engines.md"]
        assert f"| {engine.title} | `{name}` |" in generated["README.md"]
        for reason in engine.unavailable.values():
            assert reason.replace("|", "\\|") in generated["docs/engines.md"]


def test_every_board_is_in_the_reference(generated: dict[str, str]) -> None:
    for board in definitions().boards:
        assert f"\n## {board.title}\n" in generated["docs/boards.md"]


def test_tables_have_as_many_cells_in_each_row(generated: dict[str, str]) -> None:
    for name, text in generated.items():
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            sizes = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(sizes) == 1, (name, table[:200])


# What is documented is there.


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> Iterator[str]:
    """Lines to type and `code` that begin like one."""
    for block in blocks(text, "sh"):
        yield from (line.split("#")[0].strip() for line in block.splitlines())
    yield from re.findall(r"`((?:make|modelwatch) [^`\n]+)`", text)


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {
        target
        for line in commands_in(text_of(name))
        for target in re.findall(r"^make ([a-z-]+)", line)
    }
    assert named <= targets


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_is_named_exists_and_takes_its_options(name: str) -> None:
    for line in commands_in(text_of(name)):
        if not (found := re.match(r"modelwatch ([a-z]+)(.*)", line)):
            continue
        command = main.get_command(CONTEXT, found[1])
        if isinstance(command, click.Group) and found[2].strip():
            command = command.get_command(CONTEXT, found[2].split()[0])
        assert command, line
        options = {"--help"}
        for parameter in command.params:
            options |= {*parameter.opts, *parameter.secondary_opts}
        assert set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", found[2])) <= options, line


def test_make_help_lists_every_target() -> None:
    makefile = text_of("Makefile")
    described = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split())
    assert phony - described == {"prepare"}


def test_the_readme_has_the_exit_codes() -> None:
    assert "0 fine, 1 problems found or `--check` differs, 2 wrong usage, 3 " in text_of(
        "README.md"
    )


def linked(text: str) -> list[str]:
    outside_code = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    return re.findall(r"\]\(<?([^)>\s]+)>?[^)]*\)", outside_code)


def anchors(text: str) -> set[str]:
    """The names that headings get, as the places that show Markdown make them."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_local_link_resolves(page: Path) -> None:
    for link in linked(page.read_text(encoding="utf-8")):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [README]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = linked(page.read_text(encoding="utf-8"))
        found = [(page.parent / link.partition("#")[0]).resolve() for link in links]
        waiting += [path for path in found if path.suffix == ".md" and path.exists()]
    assert set(PAGES) <= reached


# The inventory of the README is a real one, and so are its mistakes.


def shown() -> str:
    (found,) = [block for block in blocks(text_of("README.md"), "yaml") if "\nmodels:" in block]
    return found


def test_the_inventory_of_the_readme_has_no_problems() -> None:
    assert [model.name for model in read_text(shown()).models] == ["chat"]


def test_the_readme_says_how_long_its_inventory_is() -> None:
    words = {10: "Ten", 11: "Eleven", 12: "Twelve", 13: "Thirteen"}
    assert f"\n## {words[len(shown().splitlines())]} lines\n" in text_of("README.md")


def test_the_mistakes_of_the_readme_are_told_as_it_shows() -> None:
    mistaken = shown().replace("page: on-call", "page: on-cal")
    mistaken = re.sub(
        r"sources: .*", "sources: [{engine: tgi, job: tgi-production}]", mistaken
    ).replace(", time_to_first_token: 95% under 500ms", "")
    mistaken = re.sub(r" *limits: .*\n", "", mistaken)
    text = "\n".join(render(problem) for problem in problems_of(mistaken))
    assert f"```text\n{text}\n```" in text_of("README.md")
