"""One mistake per file: the first lines of each say what must be told, and where."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from modelwatch.problems import Problem, as_github, as_json, render
from modelwatch.reading import problems
from tests.inventory_texts import BAD, ENGINES, MODEL, TOP, messages, problems_of

_EXPECTED = re.compile(r"# (\d+):(\d+) (.+)")
_JARGON = re.compile(
    r"\b(None|dict|str|int|list\[|tuple|NoneType|regex|pattern|schema|object|array|additional"
    r"|mapping|sequence|scalar|node|token '|Decimal|instance of)\b|\^\[|\\d|\(\?"
)


def _expected(path: Path) -> list[str]:
    return [
        f"{path.name}:{found[1]}:{found[2]}: {found[3]}"
        for line in path.read_text("utf-8").splitlines()
        if (found := _EXPECTED.fullmatch(line))
    ]


def _found(path: Path) -> Sequence[Problem]:
    return problems(path.name, path.read_bytes(), ENGINES)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_mistake_is_told_with_its_place_and_what_to_do(path: Path) -> None:
    expected = _expected(path)
    assert expected, f"{path} does not say what is expected"
    assert [str(problem) for problem in _found(path)] == expected


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_message_has_advice_and_no_word_of_our_tools(path: Path) -> None:
    for problem in _found(path):
        assert problem.advice
        assert not _JARGON.search(str(problem).partition(": ")[2])


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_caret_stands_under_the_mistake(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    for problem in _found(path):
        _, source, caret = render(problem).splitlines()
        assert source[4:].startswith(
            lines[problem.line - 1].replace("\t", " ")[: problem.column - 1]
        )
        assert caret.index("^") == problem.column + 3


def test_there_are_many_kinds_of_mistakes() -> None:
    assert len(BAD) >= 45


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = MODEL.replace("team: assist", "team: asist\n    tier: 7\n    colour: red")
    found = problems_of(f"{text}budgets:\n  - {{name: B, team: nobody, amount: 5}}\n")
    assert [problem.line for problem in found] == [7, 8, 9, 12, 12]


def test_one_mistake_does_not_make_others_of_what_refers_to_it() -> None:
    text = TOP.replace("{page: on-call}", "{page: on-call, hours: often}")
    models = MODEL.removeprefix(TOP).replace("{engine: vllm", "{engine: vlm")
    found = messages(f"{text}{models}    slo: {{latency: 95% under 4s}}\n")
    assert len(found) == 2
    assert "'hours' in teams.assist is 'often'" in found[0]
    assert "there is no engine 'vlm'" in found[1]


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        ("teams", MODEL.replace("teams:\n  assist: {page: on-call}", "teams: assist")),
        ("receivers", MODEL.replace("receivers:\n  on-call: {webhook", "receivers:\n- {webhook")),
        ("models", f"{TOP}models: {{name: chat}}\nbudgets:\n"
         "  - {name: all, team: assist, amount: 5 USD per day}\n"),
    ],
    ids=["teams", "receivers", "models"],
)  # fmt: skip
def test_names_of_a_section_that_cannot_be_read_are_not_called_unknown(
    lost: str, text: str
) -> None:
    (message,) = messages(text)
    assert f"'{lost}'" in message


def test_a_problem_behind_an_alias_is_told_once() -> None:
    second = MODEL.removeprefix(f"{TOP}models:\n").replace("chat", "other").replace("gpu1", "gpu2")
    text = f"{MODEL}    slo: &it {{availability: 200%}}\n{second}    slo: *it\n"
    assert len(messages(text)) == 1


def test_a_secret_is_not_shown_by_the_message_about_it() -> None:
    secret = "0123456789abcdef"  # noqa: S105 - the test is about it not being shown
    for receiver in (
        f"{{pagerduty: {{routing_key: {secret}}}}}",
        f'{{webhook: {{url_file: "https://hooks.example.com/{secret}"}}}}',
        f'{{webhook: {{url: "https://hooks.example.com/{secret}"}}}}',
        f'{{webhook: {{url: "http://localhost/?key={secret}"}}}}',
        f'{{slack: {{channel: "#a", url: "https://hooks.example.com/{secret}"}}}}',
    ):
        found = problems_of(MODEL.replace("{webhook: {url_file: secrets/url}}", receiver))
        assert len(found) == 1, receiver
        assert secret not in render(found[0]) + as_json(found) + as_github(found[0])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9406/on-call",
        "http://alerts:8080",
        "https://hook.svc.internal/a",
        "http://[::1]:1",
    ],
)
def test_an_address_within_the_own_network_is_no_secret(url: str) -> None:
    assert not messages(MODEL.replace("url_file: secrets/url", f'url: "{url}"'))


def test_a_known_name_that_is_close_is_suggested() -> None:
    (message,) = messages(MODEL.replace("engine: vllm", "engine: tritn"))
    assert message.endswith("did you mean 'triton'?")


def test_engines_are_listed_when_no_name_is_close() -> None:
    (message,) = messages(MODEL.replace("engine: vllm", "engine: xyzzy"))
    assert all(name in message for name in ("litellm", "triton", "vllm"))


def test_long_values_are_cut_in_messages() -> None:
    (message,) = messages(MODEL.replace("name: chat", f"name: {'X' * 5000}"))
    assert len(message) < 300


def test_a_long_line_is_shown_around_its_mistake() -> None:
    (problem,) = problems_of(
        MODEL.replace('["gpu1:8000"]', f'["gpu1:8000", {" " * 3000}"http://x"]')
    )
    _, source, caret = render(problem).splitlines()
    assert len(source) < 200
    assert source[caret.index("^") :].startswith('"http://x"')


def test_a_tab_before_the_mistake_does_not_move_the_caret() -> None:
    problem = Problem(path="a", line=1, column=4, message="m", source="a:\tb")
    assert render(problem) == "a:1:4: m\n    a: b\n       ^"


def test_problems_for_programs_have_all_parts() -> None:
    problem = Problem(path='a"b.yaml', line=3, column=7, message="wrong", advice="correct it")
    assert '"path": "a\\"b.yaml"' in as_json([problem])
    assert '"advice": "correct it"' in as_json([problem])


def test_problems_for_github_are_escaped() -> None:
    problem = Problem(path="a,b:c.yaml", line=3, column=7, message="50%\nof it", advice="x")
    assert as_github(problem) == "::error file=a%2Cb%3Ac.yaml,line=3,col=7::50%25%0Aof it; x"


def test_of_very_many_mistakes_the_first_thousand_are_told() -> None:
    colours = "".join(f"    colour-{number}: red\n" for number in range(5000))
    found = problems_of(MODEL + colours)
    assert len(found) == 1001
    assert found[-1].message == "there are more than 1000 problems"


def test_a_suggestion_among_thousands_of_names_is_still_found() -> None:
    teams = "".join(f"  team-{number}: {{page: on-call}}\n" for number in range(3000))
    text = MODEL.replace("  assist: {page: on-call}\n", teams).replace("assist", "taem-2999")
    (message,) = messages(text)
    assert message.endswith("did you mean 'team-2999'?")
