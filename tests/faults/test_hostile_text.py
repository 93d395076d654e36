"""The worst that people and vendors write, through everything that is generated."""

import json
import os
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from compose import answers
from compose.demo import webhook
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.runbooks import NOTE
from modelwatch.inventory import Inventory, Receiver
from modelwatch.reading import read
from modelwatch.schema import inventory_syntax
from tests import real
from tests.command import run
from tests.exporters.prometheus_server import values
from tests.faults import hostile, pages
from tests.faults.hostile import LINES, WORST
from tests.faults.site import HEAD, eventually, site
from tests.small_site import serving

TAME = "some words"
NEWER = ("teams", "tickets", "service-desk")
"""Receivers of the inventory that Alertmanager 0.25 cannot have."""


def generated(*, tame: bool = False, newest: bool = True) -> dict[str, str]:
    document, _ = hostile.inventory()
    if not newest:
        document["settings"]["alertmanager_version"] = "0.25"
        for name in NEWER:
            del document["receivers"][name]
        document["teams"]["assist"] |= {
            "page": ["pagers", "chat", "mail", "hook"],
            "ticket": "jira",
        }
    if tame:
        document["teams"]["assist"] |= {"contact": TAME, "on_call": TAME}
        document["models"][0] |= {"owner": TAME, "description": TAME, "runbook": TAME}
    text = hostile.as_text(document)
    return build(read("models.yaml", text.encode(), definitions().engines), definitions())


def test_every_field_that_takes_free_text_is_tried() -> None:
    _, reached = hostile.inventory()
    free = {hostile.field(path) for path in hostile.free_texts(inventory_syntax())}
    assert free == reached, "add the field as HERE to tests/faults/hostile.yaml"


@pytest.mark.real
def test_the_programs_accept_it_and_its_proofs_hold(
    promtool: Path, amtool: Path, tmp_path: Path, search_path: str
) -> None:
    tree.write(tmp_path, generated(newest=search_path != os.environ["PATH"]))
    rules = sorted((tmp_path / "prometheus/rules").glob("*.yml"))
    proofs = sorted((tmp_path / "prometheus/tests").glob("*.yml"))
    assert accepts(promtool, "check", "config", tmp_path / "prometheus/prometheus.yml")
    assert accepts(promtool, "check", "rules", *rules)
    assert accepts(promtool, "test", "rules", *proofs)
    assert accepts(amtool, "check-config", tmp_path / "alertmanager/alertmanager.yml")


def accepts(*command: str | Path) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def test_boards_have_none_of_it() -> None:
    bad, good = generated(), generated(tame=True)
    boards = [path for path in bad if path.startswith("grafana/dashboards/")]
    assert boards
    for path in boards:
        assert json.loads(bad[path]) == json.loads(good[path])


def test_runbooks_show_the_words_and_nothing_else() -> None:
    bad, good = generated(), generated(tame=True)
    pages_ = [path for path in bad if path.startswith("runbooks/")]
    assert "runbooks/ModelEndpointDown.md" in pages_
    for path in pages_:
        assert shape(bad[path]) == shape(good[path]), path
    shown = seen(bad["runbooks/ModelEndpointDown.md"])
    document, _ = hostile.inventory()
    for words in (document["models"][0]["owner"], document["teams"]["assist"]["contact"]):
        assert plain(words) in shown
    for words in (document["models"][0]["runbook"], document["teams"]["assist"]["on_call"]):
        assert plain(words) in shown


def parsed(text: str) -> list[Token]:
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [inner for token in found for inner in (token, *(token.children or ()))]


def shape(text: str) -> Counter[tuple[str, str]]:
    """What a page is made of but for its words: headings, lists, cells, links, raw HTML."""
    words = {"text", "text_special", "softbreak", "hardbreak", "inline"}
    counted = Counter(
        (token.type, str(token.attrs.get("href", "")))
        for token in parsed(text)
        if token.type not in words
    )
    assert [one.content.strip() for one in parsed(text) if one.type.startswith("html")] == [NOTE]
    return counted


def seen(text: str) -> str:
    """The words of a page as a reader sees them."""
    kinds = {"text", "text_special", "code_inline"}
    return plain("".join(one.content if one.type in kinds else "\n" for one in parsed(text)))


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.real
@pytest.mark.servers
@real.first_on("3.x")
def test_the_model_and_its_alert_arrive_as_they_are_written(
    tmp_path: Path, native_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = LINES.replace("\\", "/")
    page = "".join(
        f'shelf_running{{m="{exposed(name)}"}} {number}\n'
        for name, number in ((LINES, 7), (near, 9))
    )
    model = {
        "name": "chat",
        "owner": LINES[:200],
        "sources": [
            {"engine": "shelf", "targets": ["127.0.0.1:PORT"], "model": LINES},
        ],
    }
    pool = {"pool": "l4", "cards": 1, "sources": [{"engine": "dcgm_exporter", "job": WORST}]}
    with serving(pages.fixed(page)) as port:
        entry = hostile.as_text(model).replace("PORT", str(port))
        text = f"{HEAD}models:\n  - {entry}\ngpus:\n  - {hostile.as_text(pool)}\n"
        with site(tmp_path, text, native_path, change=told_by_slack, add=scrape_the_job) as where:
            eventually(lambda: running(where.prometheus) == [7.0], "the series of the model")
            (owner,) = {dict(one)["owner"] for one in values(where.prometheus, MODEL_INFO)}
            assert owner == LINES[:200]
            assert not answers.rule_errors(where.prometheus)
            sentence = f"Target 127.0.0.1:1 of job {WORST} does not answer scrapes."
            eventually(lambda: slack_told(where.inbox, sentence), "the notification")
            told, text = slack_told(where.inbox, sentence)[0]
            assert told["channel"] == WORST
            assert f"Owner: assist, {LINES[:200]}" in text
            monkeypatch.chdir(tmp_path)
            said = run("preview", "models.yaml", "--prometheus", where.prometheus, "-o", "p.html")
            assert said.code == 0, said.err
            assert "<script>alert(1)" not in (tmp_path / "p.html").read_text()


MODEL_INFO = "modelwatch_model_info"


def exposed(text: str) -> str:
    """A label value as a page has it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def running(url: str) -> list[float]:
    return list(values(url, "sum by (model) (model:requests_running:sum)").values())


def told_by_slack(fleet: Inventory, inbox: str) -> Inventory:
    """Tickets go to a Slack whose address is the inbox, and whose channel has a bad name."""
    file = Path(fleet.path).parent / "slack-url"
    file.write_text(f"{inbox}/slack")
    slack = Receiver(
        name="tickets", kind="slack", settings={"channel": WORST, "url_file": str(file)}
    )
    team = replace(fleet.teams["assist"], contact=LINES[:200])
    return replace(fleet, receivers={**fleet.receivers, "tickets": slack}, teams={"assist": team})


def scrape_the_job(config: Path) -> None:
    """A job of the user's own, whose only target is down."""
    file = config / "prometheus/prometheus.yml"
    document = yaml.safe_load(file.read_text())
    job = {"job_name": WORST, "static_configs": [{"targets": ["127.0.0.1:1"]}]}
    document["scrape_configs"].append(job)
    file.write_text(hostile.as_text(document))


def slack_told(inbox: webhook.Inbox, sentence: str) -> list[tuple[dict[str, Any], str]]:
    """What came to Slack with the sentence in it, and its text."""
    return [
        (one, part["text"])
        for one in inbox.listed()
        if one["to"] == "slack"
        for part in one["attachments"]
        if sentence in part["text"]
    ]
