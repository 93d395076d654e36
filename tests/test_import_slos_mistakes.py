"""Mistakes in the documents of others: each with its place, all at once, and nothing drafted."""

from pathlib import Path

import pytest

from tests.command import run
from tests.imported_text import of_text


def test_all_mistakes_of_all_documents_are_told_at_once(tmp_path: Path) -> None:
    said = of_text(
        tmp_path,
        """\
version: prometheus/v1
slos:
  - name: a
    objective: 0.999
    sli: {events: {error_query: x}, raw: {error_ratio_query: y}}
  - objective: often
    sli: {events: {error_query: x}}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {}
spec:
  target: "101"
  window: soon
  indicator: {ratio: {errors: {metric: x}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: b}
spec:
  service: s
  indicatorRef: gone
  budgetingMethod: Occurrences
  timeWindow: [{duration: 5x, isRolling: true}]
  objectives: [{target: 1}]
---
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: c}
""",
    )
    assert said.code == 1
    assert said.out == ""
    assert [line for line in said.err.splitlines() if line.startswith("slos.yaml:")] == [
        "slos.yaml:1:1: 'service' is missing; add `service:`",
        "slos.yaml:4:16: 0.999 is of 100; write 99.9",
        "slos.yaml:5:37: 'a' needs exactly one of events, raw, plugin; keep one",
        "slos.yaml:6:5: 'name' is missing; add `name:`",
        "slos.yaml:6:16: 'objective' is no number; write something like 99.9",
        "slos.yaml:7:19: 'total_query' is missing; add `total_query:`",
        "slos.yaml:11:11: 'name' is missing; add `name:`",
        "slos.yaml:13:11: 'target' must be more than nothing and less than everything; "
        "write a share such as 99.9%, in the unit of this format",
        "slos.yaml:14:11: 'soon' is no duration; write something like 28d",
        "slos.yaml:15:22: 'total' is missing; add `total:`",
        "slos.yaml:22:17: there is no SLI 'gone'; import its file as well",
        "slos.yaml:24:27: '5x' is no duration; write something like 28d or 4w",
        "slos.yaml:25:25: 'target' must be more than nothing and less than everything; "
        "write a share such as 99.9%, in the unit of this format",
        "slos.yaml:27:13: 'openslo/v1alpha' is not read; convert it to openslo/v1",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "slos.yaml:1:1: the file is empty"),
        ("- a\n", "slos.yaml:1:1: a document is made of keys and values"),
        ("a: [\n", "slos.yaml:1:5: a value is missing here"),
        ("a: 1\na: 2\n", "slos.yaml:2:1: the key 'a' is already in line 1"),
        ("a: 1\n", "slos.yaml:1:1: the document is of no format that is read here"),
        ("version: prometheus/v1\nservice: s\nslos: {}\n", "slos.yaml:3:7: 'slos' is no list"),
        ("version: prometheus/v1\nservice: s\nslos: [x]\n", "slos.yaml:3:8: an entry of 'slos'"),
        ("version: prometheus/v1\nservice: []\nslos: []\n", "slos.yaml:2:10: 'service' is no text"),
    ],
)
def test_a_file_that_is_none_of_these_is_told_in_words(
    tmp_path: Path, text: str, told: str
) -> None:
    said = of_text(tmp_path, text)
    assert said.code == 1
    assert said.out == ""
    assert told in said.err


def test_a_format_that_is_named_is_believed(tmp_path: Path) -> None:
    said = of_text(tmp_path, "spec: {}\n", "--format", "pyrra")
    assert said.code == 1
    assert "'metadata' is missing" in said.err


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    said = run("import", tmp_path / "none.yaml")
    assert said.code == 1
    assert "cannot read" in said.err
