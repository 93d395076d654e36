"""Annotation text is what Prometheus itself prints."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from modelwatch.problems import DefinitionError
from modelwatch.templates import asked, labels_used, render, unasked
from tests.real import program

NUMBERS = [
    "0",
    "1",
    "12",
    "0.19",
    "1000",
    "999.96",
    "1234567",
    "123456789",
    "123456",
    "0.0001",
    "0.00001",
    "0.000012345",
    "-0.5",
    "-90",
    "3661",
    "90061.5",
    "59.996",
    "60",
    "86400",
    "0.9999",
    "0.99999",
    "1e-30",
    "1700000000",
    "1700000000.123",
    "1024",
    "1048576",
    "1e300",
    "0.30000000000000004",
    "1234.5678",
    "1000000",
    "NaN",
    "Inf",
    "-Inf",
]

TEMPLATES = {
    "value": "{{ $value }}",
    "humanize": "{{ $value | humanize }}",
    "humanize1024": "{{$value|humanize1024}}",
    "duration": "{{ $value | humanizeDuration }}",
    "percentage": "a {{ $value | humanizePercentage }} b",
    "printf": '{{ printf "%.2f" $value }}',
    "piped": '{{ $value | printf "%.3e" }}',
    "shortest": '{{ printf "%g %%" $value }}',
    "label": "[{{ $labels.absent }}]{{ $labels.number }} costs {{ $labels.limit }}",
    "label number": "{{ $labels.ratio | humanizePercentage }}",
}
LABELS = {"limit": "5 USD", "ratio": "0.995"}


def proved(tmp_path: Path, templates: dict[str, str], numbers: list[str]) -> str:
    """What promtool says of the texts that we expect."""
    inputs = [
        {
            "series": f'x{{limit="5 USD",ratio="0.995",number="{index}"}}',
            "values": f"{number} {number}",
        }
        for index, number in enumerate(numbers)
    ]
    names = {f"text_{index}": text for index, text in enumerate(templates.values())}
    expected = [
        {
            "exp_labels": {**LABELS, "number": str(index)},
            "exp_annotations": {
                name: render(text, {**LABELS, "number": str(index)}, float(number))
                for name, text in names.items()
            },
        }
        for index, number in enumerate(numbers)
    ]
    rule = {"alert": "A", "expr": "x == x or x != x", "annotations": names}
    check = {"eval_time": "1m", "alertname": "A", "exp_alerts": expected}
    test = {"interval": "1m", "input_series": inputs, "alert_rule_test": [check]}
    rules = {"groups": [{"name": "g", "rules": [rule]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(tests), encoding="utf-8")
    done = subprocess.run(
        [program("promtool"), "test", "rules", tmp_path / "test.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


# Not every number for every function: seconds beyond 292 years overflow inside Prometheus.
CASES = {
    name: (text, [n for n in NUMBERS if name != "duration" or n != "1e300"])
    for name, text in TEMPLATES.items()
}


@pytest.mark.real
@pytest.mark.parametrize(("template", "numbers"), CASES.values(), ids=CASES.keys())
def test_text_is_printed_as_promtool_prints_it(
    tmp_path: Path, template: str, numbers: list[str]
) -> None:
    assert not proved(tmp_path, {"text": template}, numbers)


@pytest.mark.real
def test_a_time_is_printed_as_promtool_prints_it(tmp_path: Path) -> None:
    numbers = ["0", "1700000000.123", "1700000000", "-90", "59.996", "0.00001", "NaN", "Inf"]
    assert not proved(tmp_path, {"time": "{{ $value | humanizeTimestamp }}"}, numbers)


@pytest.mark.real
def test_promtool_refuses_a_text_that_differs_by_one_digit(tmp_path: Path) -> None:
    rules = {"rule": "{{ $value | humanize }}"}
    assert not proved(tmp_path, rules, ["0.19"])
    wrong = (tmp_path / "test.yml").read_text(encoding="utf-8").replace("190m", "191m")
    (tmp_path / "test.yml").write_text(wrong, encoding="utf-8")
    done = subprocess.run(
        [program("promtool"), "test", "rules", tmp_path / "test.yml"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1


@pytest.mark.parametrize(
    "template",
    [
        "{{ $externalURL }}",
        "{{ $value | toUpper }}",
        "{{ query `up` }}",
        '{{ printf "%d" $value }}',
        '{{ printf "%.2f" }}',
        '{{ printf "%s" $labels.model }}',
        "{{ with $value }}{{ . }}{{ end }}",
        "{{ $labels.model | humanize }}",
        "{{ $value",
    ],
)
def test_anything_outside_the_portable_subset_is_refused(template: str) -> None:
    with pytest.raises(DefinitionError):
        render(template, {"model": "chat"}, 1.0)


def test_the_labels_that_a_text_prints_are_known() -> None:
    text = "{{ $labels.model }} has {{ $value }} of {{ $labels.limit | humanize }}"
    assert labels_used(text) == {"model", "limit"}


CLAUSE = asked("model:x:y", "model", "part", text="; of {{ humanize }} values")


def test_an_annotation_can_have_a_number_of_another_series_with_labels_of_the_alert() -> None:
    fed: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {
        ("model:x:y", (("model", "chat"), ("part", ""))): 1200.0
    }

    def lookup(name: str, labels: Mapping[str, str]) -> float | None:
        return fed.get((name, tuple(sorted(labels.items()))))

    text = "{{ $value | humanize }}" + CLAUSE + "."
    assert render(text, {"model": "chat"}, 2, lookup) == "2; of 1.2k values."
    assert render(text, {"model": "other"}, 2, lookup) == "2."
    assert labels_used(text) == {"model", "part"}


def test_a_number_of_another_series_can_be_left_out() -> None:
    assert unasked(f"a{CLAUSE}.") == "a."
    assert unasked(f"a{CLAUSE}.", "<number>") == "a; of <number> values."
