"""Help, completion and version: what the command line says about itself."""

import re
import shlex
import subprocess
from inspect import cleandoc
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from generator.cli import main
from modelwatch import __version__
from tests.command import run

_CONTEXT = click.Context(main)
COMMANDS: dict[str, click.Command] = {
    name: command
    for name in main.list_commands(_CONTEXT)
    if (command := main.get_command(_CONTEXT, name))
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_of_its_own(shell: str) -> None:
    said = run("completion", shell)
    assert said.code == 0
    assert f"_MODELWATCH_COMPLETE={shell}_complete" in said.out


def test_bash_accepts_its_script() -> None:
    done = subprocess.run(
        ["bash", "-n"], input=run("completion", "bash").out, text=True, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["che"], {"check"}),
        (["list", "ser"], {"series"}),
        (["check", "--format", "git"], {"github"}),
    ],
    ids=["a command", "a choice", "a value"],
)
def test_completion_offers_what_can_follow(typed: list[str], offered: set[str]) -> None:
    environment = {
        "_MODELWATCH_COMPLETE": "bash_complete",
        "COMP_WORDS": shlex.join(["modelwatch", *typed]),
        "COMP_CWORD": str(len(typed)),
    }
    done = CliRunner().invoke(main, [], prog_name="modelwatch", env=environment)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered


# help


def test_the_version_is_said() -> None:
    assert run("--version").out == f"modelwatch, version {__version__}\n"


def example_of(command: click.Command) -> str:
    (found,) = re.findall(r"^ *Example: (.+)$", cleandoc(command.help or ""), re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_a_sentence_and_an_example_that_stays_on_one_line(name: str) -> None:
    sentence, example = re.split(r"\n\s*\n", cleandoc(COMMANDS[name].help or ""))
    assert re.fullmatch(r"[A-Z][^.]*\.", sentence.replace("\n", " "))
    assert example.startswith("Example: ")
    assert f"  Example: {example_of(COMMANDS[name])}\n" in run(name, "--help").out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does_or_lists_its_choices(name: str) -> None:
    options = [one for one in COMMANDS[name].params if isinstance(one, click.Option)]
    assert all(option.help or isinstance(option.type, click.Choice) for option in options)


RUN_BY_OTHER_TESTS = {
    *("up", "reload", "demo", "exporter", "status", "doctor", "logs", "preview"),
    *("forecast", "backup", "restore", "push", "annotate"),
}
"""Commands that start or ask servers: here only their arguments are taken as typed."""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_works_as_typed(name: str) -> None:
    typed = shlex.split(re.sub(r"source <\((.+)\)", r"\1", example_of(COMMANDS[name])))
    assert typed[:2] == ["modelwatch", name]
    if name != "init":
        run("init", "models.yaml")
    if name == "baseline":
        Path("rows.csv").write_text("amount\n" + "1\n2\n" * 50)
    if name == "import":
        run("export", "openslo", "models.yaml", "-o", "slos.yaml")
    if name in RUN_BY_OTHER_TESTS:
        command, arguments = COMMANDS[name], typed[2:]
        if isinstance(command, click.Group):
            _, found, arguments = command.resolve_command(click.Context(command), arguments)
            assert found
            command = found
        assert command.make_context(name, arguments)
        return
    said = run(*typed[1:])
    assert said.code == 0, said.err
