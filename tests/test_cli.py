"""The command line as a user meets it: what is printed where, and the exit code."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from generator import listing
from generator.definitions import definitions
from generator.init import SCHEMA
from generator.opening import inventory_at
from tests.command import Said, run
from tests.inventory_texts import MODEL, ROOT

BROKEN = MODEL.replace("page: on-call", "page: on-cal").replace("engine: vllm", "engine: vlm")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "models.yaml"
    path.write_text(MODEL, encoding="utf-8")
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN, encoding="utf-8")
    return path


# check


def test_check_says_what_is_in_an_inventory_without_problems(good: Path) -> None:
    said = run("check", good)
    assert said.code == 0
    assert re.fullmatch(
        r".*/models\.yaml: no problems; 1 model, 1 team; at most \d+ series\n", said.out
    )
    assert said.err == ""


@pytest.mark.parametrize(("form", "out"), [("json", "[]\n"), ("github", "")])
def test_programs_are_told_that_nothing_is_wrong(good: Path, form: str, out: str) -> None:
    said = run("check", good, "--format", form)
    assert (said.code, said.out, said.err) == (0, out, "")


def test_check_tells_every_problem_with_its_place_on_standard_error(broken: Path) -> None:
    said = run("check", "broken.yaml")
    assert said.code == 1
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0] == ("broken.yaml:2:18: there is no receiver 'on-cal'; did you mean 'on-call'?")
    assert lines[1] == "      assist: {page: on-cal}"
    assert lines[2] == " " * 21 + "^"
    assert lines[3].startswith("broken.yaml:8:24: there is no engine 'vlm'; did you mean 'vllm'?")
    assert lines[-1] == "2 problems found"
    assert broken.read_text(encoding="utf-8") == BROKEN


def test_problems_as_json_are_a_list_of_objects_with_the_same_keys(broken: Path) -> None:
    said = run("check", broken, "--format", "json")
    first, second = json.loads(said.out)
    assert said.code == 1
    assert said.err == ""
    assert first == {
        "path": str(broken),
        "line": 2,
        "column": 18,
        "message": "there is no receiver 'on-cal'",
        "advice": "did you mean 'on-call'?",
    }
    assert second["line"] == 8


@pytest.mark.usefixtures("broken")
def test_problems_for_github_are_annotations() -> None:
    said = run("check", "broken.yaml", "--format", "github")
    assert said.code == 1
    first, second = said.out.splitlines()
    assert first == (
        "::error file=broken.yaml,line=2,col=18::"
        "there is no receiver 'on-cal'; did you mean 'on-call'?"
    )
    assert second.startswith("::error file=broken.yaml,line=8,col=24::")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (MODEL, 0, "<stdin>: no problems"),
        (BROKEN, 1, "<stdin>:2:18: there is no receiver"),
        ("", 1, "<stdin>:1:1: the file is empty"),
        (b"\xff\x00\xfe", 1, "<stdin>:1:1: "),
    ],
    ids=["good", "broken", "empty", "binary"],
)
def test_a_dash_is_standard_input(text: str | bytes, code: int, words: str) -> None:
    said = run("check", "-", stdin=text)
    assert said.code == code
    assert words in said.out + said.err


# What is no inventory.


def _folder(path: Path) -> None:
    path.mkdir()


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path)


NO_INVENTORY: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "a folder": (_folder, 2, "is a directory"),
    "nothing": (lambda _: None, 2, "does not exist"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), 2, "does not exist"),
    "a link to itself": (_link_to_itself, 2, "does not exist"),
    "unreadable": (lambda path: path.symlink_to("/proc/self/mem"), 1, "cannot read"),
    "empty": (lambda path: path.touch(), 1, "the file is empty"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\x00"), 1, "UTF-8"),
    "other characters": (lambda path: path.write_bytes("a: ü".encode("latin-1")), 1, "UTF-8"),
    "wide characters": (lambda path: path.write_bytes("a: 1".encode("utf-16")), 1, "UTF-16"),
    "zeros": (lambda path: path.write_bytes(bytes(100)), 1, "cannot be shown"),
    "a list": (lambda path: path.write_text("- 1\n"), 1, ":1:1: "),
    "a word": (lambda path: path.write_text("hello"), 1, ":1:1: "),
    "half a bracket": (lambda path: path.write_text("models: ["), 1, "x.yaml:1:"),
}
READING = ("check", "generate", "list", "explain", "up")


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("what", NO_INVENTORY)
def test_what_is_no_inventory_is_told_in_words(tmp_path: Path, what: str, command: str) -> None:
    make, code, words = NO_INVENTORY[what]
    make(tmp_path / "x.yaml")
    before, after = {
        "generate": ((), ("-o", "out")),
        "list": (("models",), ()),
        "explain": (("ModelLatencyHigh",), ()),
    }.get(command, ((), ()))
    said = run(command, *before, "x.yaml", *after)
    assert said.code == code
    assert words in said.err
    assert said.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["chekc"],
        ["check"],
        ["check", "models.yaml", "--format", "xml"],
        ["generate", "models.yaml"],
        ["generate", "models.yaml", "-o", "models.yaml"],
        ["list", "nonsense", "models.yaml"],
        ["completion", "powershell"],
        ["init", "."],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("good")
def test_wrong_usage_is_2_and_says_where_help_is(arguments: list[str]) -> None:
    said = run(*arguments)
    assert said.code == 2
    assert "--help' for help." in said.err


# init


def test_init_writes_a_starter_that_passes_check_unchanged(tmp_path: Path) -> None:
    said = run("init")
    assert said.code == 0
    assert said.out.splitlines()[-1] == (
        "next: edit it, then modelwatch generate models.yaml -o out"
    )
    assert run("check", "models.yaml").code == 0
    assert json.loads((tmp_path / SCHEMA).read_text(encoding="utf-8"))["$schema"]
    first = (tmp_path / "models.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA}"


def test_init_overwrites_no_inventory(good: Path) -> None:
    said = run("init", "models.yaml")
    assert said.code == 1
    assert said.err == "error: models.yaml is already there; choose another name\n"
    assert good.read_text(encoding="utf-8") == MODEL
    assert run("init", "another.yaml").code == 0


def test_init_tells_a_folder_that_is_not_there() -> None:
    said = run("init", "missing/models.yaml")
    assert said.code == 1
    assert said.err == "error: cannot write missing/models.yaml: No such file or directory\n"


# generate


@pytest.mark.usefixtures("good")
def test_generate_says_what_it_wrote_and_what_to_do_next(tmp_path: Path) -> None:
    said = run("generate", "models.yaml", "-o", "out")
    assert said.code == 0
    first, last = said.out.splitlines()
    assert re.fullmatch(r"out: (\d+) files, \1 new", first)
    assert last == "next: promtool test rules out/prometheus/tests/*.yml"
    assert (tmp_path / "out/prometheus/prometheus.yml").exists()
    again = run("generate", "models.yaml", "-o", "out").out
    assert again.splitlines()[0].endswith("files, nothing changed")


def test_check_of_generate_shows_a_small_diff_writes_nothing_and_is_1(good: Path) -> None:
    limit = "    limits: {latency: p95 > 3s for 5m}\n"
    good.write_text(MODEL + limit, encoding="utf-8")
    assert run("generate", good, "-o", "out").code == 0
    assert run("generate", good, "-o", "out", "--check").code == 0
    good.write_text(MODEL + limit.replace("3s", "4s"), encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")}
    said = run("generate", good, "-o", "out", "--check")
    assert said.code == 1
    lines = said.out.splitlines()
    assert [line for line in lines if line.startswith("+++ ")] == [
        "+++ prometheus/rules/inventory.yml (new)",
        "+++ prometheus/tests/latency_test.yml (new)",
        "+++ runbooks/ModelLatencyHigh.md (new)",
    ]
    (removed,) = [line for line in lines if line.startswith("-") and 'limit: "3s"' in line]
    assert (
        removed.replace("vector(3)", "vector(4)").replace("3s", "4s").replace("-", "+", 1) in lines
    )
    assert re.search(r"\(3 changed\); run: modelwatch generate \S+ -o out\n", said.err)
    assert {path: path.stat().st_mtime_ns for path in Path("out").rglob("*")} == before
    assert run("generate", good, "-o", "out").code == 0
    assert run("generate", good, "-o", "out", "--check").code == 0


def test_check_of_generate_where_nothing_was_generated_is_1(tmp_path: Path, good: Path) -> None:
    said = run("generate", good, "-o", "out", "--check")
    assert said.code == 1
    assert not (tmp_path / "out").exists()


def test_generate_reads_standard_input(tmp_path: Path) -> None:
    assert run("generate", "-", "-o", "out", stdin=MODEL).code == 0
    assert (tmp_path / "out/prometheus/prometheus.yml").exists()


# list


@pytest.mark.parametrize("what", ["models", "alerts", "series", "boards"])
def test_lists_are_tables_for_people_and_the_same_rows_as_json(good: Path, what: str) -> None:
    rows = getattr(listing, what)(inventory_at(str(good)), definitions())
    as_json, as_text = run("list", what, good, "--format", "json"), run("list", what, good)
    assert as_json.code == as_text.code == 0
    assert json.loads(as_json.out) == rows
    head, *lines = as_text.out.splitlines()
    assert head.split() == list(rows[0])
    assert len(lines) == len(rows) > 0
    for line, row in zip(lines, rows, strict=True):
        assert str(next(iter(row.values()))) in line


def test_every_list_has_something_to_say() -> None:
    example = inventory_at(str(ROOT / "examples/demo.yaml"))
    names = {row["alert"] for row in listing.alerts(example, definitions())}
    assert names == {alert.name for alert in definitions().every_alert()}
    uids = {row["uid"] for row in listing.boards(example, definitions())}
    assert uids == {board.uid for board in definitions().boards}
    chat = listing.models(example, definitions())[0]
    assert chat == {
        "model": "chat",
        "environment": "production",
        "team": "assist",
        "tier": 1,
        "engines": "vLLM, modelwatch metrics",
        "objectives": "availability 99.9%, latency 95% under 5s, "
        "time_to_first_token 95% under 500ms, quality 95%",
    }


def test_an_alert_without_a_limit_says_that_it_is_not_in_use(good: Path) -> None:
    rows = {row["alert"]: row for row in listing.alerts(inventory_at(str(good)), definitions())}
    assert rows["ModelLatencyHigh"]["hold"] == "not in use: no limit is set"


# explain


def test_explain_puts_the_numbers_of_the_model_into_the_expression(good: Path) -> None:
    good.write_text(MODEL + "    limits: {latency: p95 > 3s for 5m}\n", encoding="utf-8")
    said = run("explain", "ModelLatencyHigh", good, "--model", "chat")
    assert said.code == 0
    assert said.out.startswith("ModelLatencyHigh: ")
    assert "> 3\n" in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ModelLatencyHig"], "there is no alert ModelLatencyHig; did you mean ModelLatencyHigh?"),
        (["modellatencyhigh"], "did you mean ModelLatencyHigh?"),
        (["Xyz"], "there is no alert Xyz"),
        (["ModelLatencyHigh", "--model", "caht"], "has no model caht; did you mean chat?"),
        (["ModelLatencyHigh", "--model", "qqqq"], "has no model qqqq"),
    ],
)
def test_explain_suggests_the_closest_name(good: Path, arguments: list[str], words: str) -> None:
    said = run("explain", arguments[0], good, *arguments[1:])
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert words in said.err


# down and demo, as far as nothing runs


def test_ending_what_never_ran_is_no_error(good: Path) -> None:
    assert run("down", good) == Said(code=0, out=f"nothing of {good} was running\n", err="")
    assert run("demo", "--stop") == Said(code=0, out="no demo was running\n", err="")


def test_a_demo_without_its_inventory_says_so() -> None:
    said = run("demo", "missing.yaml")
    assert said.code == 1
    assert said.err == "error: missing.yaml is not there; name an inventory for the demo\n"


def test_programs_that_are_missing_are_3(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = run("up", good)
    assert said.code == 3
    assert "error: not on PATH: " in said.err


def test_a_reader_that_goes_away_is_no_traceback(good: Path) -> None:
    program = Path(sys.executable).parent / "modelwatch"
    done = subprocess.run(
        ["bash", "-c", f"{program} list alerts {good} | head -1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr
