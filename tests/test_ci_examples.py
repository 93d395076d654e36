"""The pipelines that users copy: their steps run as they are, in a repository of two commits."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import pytest
import yaml

from generator.cli import main
from generator.difference.pages import LONGEST_COMMENT, MARK
from tests import real
from tests.command import run
from tests.inventory_texts import MODEL, ROOT
from tests.small_site import serving
from tests.stand_ins import IMAGES

CI = ROOT / "examples" / "ci"
GITHUB: dict[Any, Any] = yaml.safe_load((CI / "github-actions.yaml").read_text(encoding="utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((CI / "gitlab-ci.yaml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = GITHUB["jobs"]["review"]["steps"]
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
"""How both run what they are told."""

# An address that is no secret: Debian's oldest amtool knows no file of it.
FIRST = MODEL.replace("url_file: secrets/url", "url: http://localhost:9000/alerts")
CHANGED = f"{FIRST}    slo: {{availability: 99.9%}}\n"


@dataclass(slots=True, kw_only=True)
class Repository:
    """A clone that a pipeline checked out: the change is its last commit."""

    folder: Path
    environment: dict[str, str]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", self.folder, *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=self.environment,
        )
        return done.stdout.strip()

    def commit(self, inventory: str | None) -> None:
        """The inventory with everything that is generated from it."""
        if inventory is not None:
            (self.folder / "models.yaml").write_text(inventory, encoding="utf-8")
            run("generate", self.folder / "models.yaml", "-o", self.folder / "out")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")

    def bash(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*BASH, script],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Empty, with modelwatch, promtool and amtool on its PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("promtool", "amtool", "git", "curl", "jq"):
        (programs / name).symlink_to(real.program(name))
    path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
    made = Repository(
        folder=tmp_path / "clone",
        environment={
            "PATH": os.pathsep.join(path),
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",  # what is installed here already is taken
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.com",
        },
    )
    made.folder.mkdir()
    made.git("init", "--quiet")
    return made


# Their form.


@pytest.mark.parametrize(
    ("name", "schema"),
    [("github-actions", "vendor.github-workflows"), ("gitlab-ci", "vendor.gitlab-ci")],
)
def test_an_example_has_the_form_that_its_system_reads(name: str, schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    if name == "gitlab-ci":
        command += ["--data-transform", "gitlab-ci"]
    done = subprocess.run(
        [*command, CI / f"{name}.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_may_read_the_code_and_write_a_comment_and_nothing_else() -> None:
    assert GITHUB["permissions"] == {}
    (job,) = GITHUB["jobs"].values()
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    (on,) = [value for key, value in GITHUB.items() if key is True]  # what YAML 1.1 makes of `on`
    assert list(on) == ["pull_request"]


def test_actions_are_named_by_commit_and_no_text_of_a_request_stands_in_a_script() -> None:
    for step in STEPS:
        assert "uses" in step or "run" in step
        assert re.fullmatch(
            r"actions/[a-z-]+@[0-9a-f]{40}", step.get("uses", "actions/a@" + "0" * 40)
        )
        assert "${{" not in step.get("run", "")


def test_a_pull_request_from_a_fork_gets_no_comment() -> None:
    (step,) = [step for step in STEPS if "GH_TOKEN" in step.get("env", {})]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in step["if"]


def test_both_ask_the_same_of_a_change() -> None:
    asked = re.compile(r"^(?:modelwatch|promtool|amtool) \S+(?: rules)?", re.MULTILINE)
    here = set(asked.findall("\n".join(step.get("run", "") for step in STEPS)))
    assert here == set(asked.findall("\n".join(_gitlab())))
    assert {"modelwatch check", "modelwatch diff", "promtool test rules"} <= here


def test_every_command_that_the_examples_run_exists() -> None:
    named = set(re.findall(r"modelwatch ([a-z]+) ", "\n".join(_gitlab())))
    assert named <= set(main.list_commands(click.Context(main)))


# GitHub.


@pytest.fixture
def comments(repository: Repository, tmp_path: Path) -> Path:
    """The comments of the pull request; `gh` is a stand-in that keeps them."""
    kept = tmp_path / "comments.json"
    kept.write_text("[]", encoding="utf-8")
    program = tmp_path / "bin" / "gh"
    source = ROOT / "tests" / "gh_stand_in.py"
    program.write_text(f"#!{sys.executable}\n{source.read_text(encoding='utf-8')}")
    program.chmod(0o755)
    repository.environment |= {
        **GITHUB["env"],
        "MODELWATCH": "modelwatch",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_REPOSITORY": "acme/models",
        "GH_COMMENTS": str(kept),
    }
    return kept


_EXPRESSIONS = {
    "${{ github.token }}": "the-token",
    "${{ github.event.pull_request.number }}": "7",
}


def on_github(
    repository: Repository, wanted: Callable[[dict[str, Any]], bool] = bool
) -> Iterator[tuple[str, subprocess.CompletedProcess[str]]]:
    """The steps that run something, with how each ended; the first failure is the last one."""
    for step in STEPS:
        script = step.get("run", "")
        if not script or not wanted(step):
            continue
        variables = {key: _EXPRESSIONS[text] for key, text in step.get("env", {}).items()}
        done = repository.bash(script, **variables)
        yield step["name"], done
        if done.returncode and not step.get("continue-on-error"):
            return


def _is_about_the_comment(step: dict[str, Any]) -> bool:
    return step.get("id") == "diff" or "GH_TOKEN" in step.get("env", {})


@pytest.mark.real
def test_every_step_of_the_workflow_passes_and_the_comment_says_what_changes(
    repository: Repository, comments: Path, tmp_path: Path
) -> None:
    repository.commit(FIRST)
    repository.commit(CHANGED)
    for name, done in on_github(repository):
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    (comment,) = json.loads(comments.read_text(encoding="utf-8"))
    assert comment["body"].startswith(
        f"{MARK}\n### modelwatch: 1 model changed; 1 promise tightened"
    )
    assert "promise availability `99.9%` (new)" in comment["body"]
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == comment["body"]


def test_the_next_run_writes_over_our_comment_and_over_no_other(
    repository: Repository, comments: Path
) -> None:
    others = [
        {"id": 1, "user": {"login": "ada"}, "body": f"{MARK}\nquoted"},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "of another workflow"},
    ]
    ours = {"id": 3, "user": {"login": "github-actions[bot]"}, "body": f"{MARK}\nof the last run"}
    comments.write_text(json.dumps([*others, ours]), encoding="utf-8")
    repository.commit(None)
    repository.commit(FIRST)
    ended = [done.returncode for _, done in on_github(repository, _is_about_the_comment)]
    assert ended == [0, 0]
    kept = json.loads(comments.read_text(encoding="utf-8"))
    assert kept[:2] == others
    assert len(kept) == 3
    assert "1 model added" in kept[2]["body"]


@pytest.mark.parametrize(
    ("inventory", "at"),
    [
        (CHANGED.replace("engine: vllm", "engine: vlm"), "The inventory has no mistakes"),
        (CHANGED, "The generated files are those of the inventory"),
    ],
    ids=["in the inventory", "generate was forgotten"],
)
def test_a_mistake_fails_the_workflow(
    repository: Repository, comments: Path, inventory: str, at: str
) -> None:
    repository.commit(FIRST)
    (repository.folder / "models.yaml").write_text(inventory, encoding="utf-8")
    repository.commit(None)
    name, done = list(on_github(repository))[-1]
    assert (name, done.returncode) == (at, 1)
    if inventory == CHANGED:
        assert "1 promise tightened" in comments.read_text(encoding="utf-8")
    else:
        assert "::error file=models.yaml,line=8,col=24::there is no engine 'vlm'" in done.stdout
        assert comments.read_text(encoding="utf-8") == "[]"


def test_programs_that_are_missing_are_taken_out_of_the_images_of_the_stack(
    repository: Repository, tmp_path: Path
) -> None:
    programs = tmp_path / "few"
    programs.mkdir()
    for name in ("bash", "mkdir"):
        (programs / name).symlink_to(real.program(name))
    (programs / "docker").write_text(_DOCKER)
    (programs / "docker").chmod(0o755)
    (step,) = [step for step in STEPS if "docker" in step.get("run", "")]
    done = repository.bash(
        step["run"],
        PATH=str(programs),
        RUNNER_TEMP=str(tmp_path),
        GITHUB_PATH=str(tmp_path / "path"),
    )
    assert done.returncode == 0, done.stderr
    taken = {path.name: path.read_text() for path in (tmp_path / "programs").iterdir()}
    assert taken == {"promtool": IMAGES["prometheus"], "amtool": IMAGES["alertmanager"]}
    assert (tmp_path / "path").read_text() == f"{tmp_path / 'programs'}\n"


_DOCKER = """\
#!/usr/bin/env bash
# An image of a stand-in holds its own name only.
case $1 in
  create) echo "$2" ;;
  cp) printf %s "${2%:*}" > "$3${2##*/}" ;;
  rm) ;;
esac
"""


# GitLab.


def _gitlab() -> list[str]:
    job = GITLAB["modelwatch"]
    return [*job["before_script"], *job["script"]]


@dataclass(slots=True)
class Notes:
    """The notes of a merge request, kept as GitLab's API does."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


@pytest.fixture
def notes(repository: Repository) -> Iterator[Notes]:
    """A server that keeps them, and the variables that lead there."""
    made = Notes()

    class Api(BaseHTTPRequestHandler):
        def _answer(self, answer: object) -> None:
            made.tokens.add(self.headers["PRIVATE-TOKEN"] or "")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def _body(self) -> str:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            (body,) = parse_qs(sent)["body"]
            return body

        def do_GET(self) -> None:
            assert urlsplit(self.path).path == "/api/projects/5/merge_requests/7/notes"
            self._answer(made.kept)

        def do_POST(self) -> None:
            assert self.path == "/api/projects/5/merge_requests/7/notes"
            made.kept.append({"id": 100 + len(made.kept), "body": self._body()})
            self._answer(made.kept[-1])

        def do_PUT(self) -> None:
            (found,) = [one for one in made.kept if self.path.endswith(f"/notes/{one['id']}")]
            found["body"] = self._body()
            self._answer(found)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Api)) as port:
        repository.environment |= {
            **{key: str(value) for key, value in GITLAB["modelwatch"]["variables"].items()},
            "MODELWATCH": "modelwatch",
            "MODELWATCH_TOKEN": "the-token",
            "CI_API_V4_URL": f"http://127.0.0.1:{port}/api",
            "CI_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": "7",
        }
        yield made


def on_gitlab(
    repository: Repository, *, to_the_note: bool = False
) -> subprocess.CompletedProcess[str]:
    """The whole job, or as far as the note: its lines are one script."""
    lines = _gitlab()
    (note,) = [number for number, line in enumerate(lines) if "$MODELWATCH_TOKEN" in line]
    repository.environment["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = repository.git("rev-parse", "HEAD^1")
    return repository.bash("\n".join(lines[: note + 1] if to_the_note else lines))


@pytest.mark.real
def test_the_job_passes_and_its_note_says_what_changes_once(
    repository: Repository, notes: Notes
) -> None:
    notes.kept.append({"id": 1, "body": "Looks good"})
    repository.commit(FIRST)
    repository.commit(CHANGED)
    for whole in (False, True):
        done = on_gitlab(repository, to_the_note=not whole)
        assert done.returncode == 0, done.stdout + done.stderr
    other, ours = notes.kept
    assert other["body"] == "Looks good"
    assert ours["body"].startswith(f"{MARK}\n### modelwatch: 1 model changed")
    assert ours["body"] == (repository.folder / "diff.md").read_text("utf-8")
    assert notes.tokens == {"the-token"}
    assert "the-token" not in done.stdout + done.stderr


def test_the_job_needs_no_token_and_no_inventory_before(
    repository: Repository, notes: Notes
) -> None:
    repository.environment["MODELWATCH_TOKEN"] = ""
    repository.commit(None)
    repository.commit(FIRST)
    done = on_gitlab(repository, to_the_note=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "There was no inventory before." in done.stdout
    assert notes.kept == []
    assert "1 model added" in (repository.folder / "diff.md").read_text("utf-8")


@pytest.mark.parametrize("wrong", ["models.yaml", "out"])
def test_a_mistake_fails_the_job(repository: Repository, notes: Notes, wrong: str) -> None:
    repository.commit(FIRST)
    text = CHANGED.replace("team: assist", "team: asist") if wrong == "models.yaml" else CHANGED
    (repository.folder / "models.yaml").write_text(text, encoding="utf-8")
    repository.commit(None)
    done = on_gitlab(repository)
    assert done.returncode == 1
    assert ("there is no team 'asist'" in done.stderr) == (wrong == "models.yaml")
    assert len(notes.kept) == (wrong == "out")


@pytest.mark.usefixtures("comments")
def test_the_old_inventory_may_have_mistakes_that_the_change_mends(
    repository: Repository, notes: Notes
) -> None:
    (repository.folder / "models.yaml").write_text(FIRST.replace("vllm", "vlm"), encoding="utf-8")
    repository.commit(None)
    repository.commit(FIRST)
    _, done = next(on_github(repository, _is_about_the_comment))
    assert "there is no engine 'vlm'" in done.stderr
    (step,) = [step for step in STEPS if step.get("id") == "diff"]
    assert step["continue-on-error"]
    assert on_gitlab(repository, to_the_note=True).returncode == 0
    assert notes.kept == []


def test_what_is_longest_fits_into_a_comment() -> None:
    assert LONGEST_COMMENT < 65_536
