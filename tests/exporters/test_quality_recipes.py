import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from exporters.quality.json_events import KINDS, from_json
from exporters.quality.results import (
    MOST_EVENTS,
    MOST_FILE_BYTES,
    MOST_PARTS,
    Told,
    formats,
)
from modelwatch.catalogue import quality
from tests.exporters.sample import ROOT
from tests.inventory_texts import MODEL, read_text

PAGE = (ROOT / "docs/quality.md").read_text(encoding="utf-8")
CAPTURE = Path(__file__).parent / "results" / "ragas-0.4.3.csv"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


INVENTORY = MODEL + blocks("yaml")[0].removeprefix("models:\n  - name: chat\n")


@pytest.fixture(scope="module", name="url")
def _url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("recipes")
    inventory = folder / "models.yaml"
    inventory.write_text(INVENTORY)
    options = ["--inventory", str(inventory), "--state-dir", str(folder / "state")]
    command = [sys.executable, "-m", "generator", "exporter", "quality", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        found = None
        while not found:
            found = re.search(r" is at (http://\S+)/", process.stderr.readline())
        yield found[1]
        process.terminate()


def samples(url: str) -> float:
    page = requests.get(f"{url}/metrics", timeout=5).text
    values = re.findall(rf"^{quality.QUALITY_SAMPLES}{{.*faithfulness.* (\S+)$", page, re.MULTILINE)
    return sum(map(float, values))


def test_the_python_recipe_sends_a_score(url: str) -> None:
    before = samples(url)
    (recipe,) = blocks("python")
    assert len(recipe.splitlines()) == 3
    exec(recipe.replace("http://localhost:9467", url), {})  # noqa: S102  # ours, from the page
    assert samples(url) == before + 1


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize("number", [0, 1], ids=["a score", "a file"])
def test_the_curl_recipes_send_what_they_say(number: int, url: str, tmp_path: Path) -> None:
    before = samples(url)
    recipe = [block for block in blocks("sh") if "curl" in block][number]
    (tmp_path / "ragas.csv").write_bytes(CAPTURE.read_bytes())
    (tmp_path / "token").write_text("unused on loopback")
    said = subprocess.run(
        ["bash", "-euc", recipe.replace("http://localhost:9467", url)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "CI_JOB_ID": "17"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout)["accepted"] == 1
    assert samples(url) == before + 1


def test_the_inventory_of_the_page_is_one() -> None:
    (model,) = read_text(INVENTORY).models
    assert {score.name for score in model.scores} == {"faithfulness", "toxicity", "data_quality"}


def test_every_event_of_the_page_is_one_and_every_kind_is_there() -> None:
    events = [from_json(json.loads(line)) for line in blocks("ndjson")[0].splitlines()]
    assert {type(event) for event in events} == set(KINDS.values())


def test_the_answer_of_the_page_looks_like_an_answer(url: str) -> None:
    (shown,) = blocks("json")
    real = requests.post(f"{url}/v1/scores", json=[{"model": "chat"}], timeout=5).json()
    assert json.loads(shown).keys() == real.keys()
    assert json.loads(shown)["reasons"][0].keys() == real["reasons"][0].keys()


@pytest.mark.parametrize("name", sorted(formats()))
def test_every_format_is_on_the_page_with_the_version_it_is_proved_with(name: str) -> None:
    found = formats()[name]
    (row,) = re.findall(rf"^\| `{name}` \|.*\|$", PAGE, re.MULTILINE)
    proved = f"{found.title} {found.proved}" if found.proved else ""
    assert row.split("|")[-2].strip() == proved


def test_the_limits_of_the_page_are_those_in_force() -> None:
    words = " ".join(PAGE.split())
    assert f"up to {MOST_FILE_BYTES >> 20} MiB, {MOST_PARTS // 1_000_000} million values" in words
    assert f"{MOST_EVENTS:,} scores".replace(",", " ") in words


@pytest.mark.parametrize("name", ["model", "environment", "version", "score", "run"])
def test_every_parameter_is_on_the_page(name: str) -> None:
    assert hasattr(Told(), name)
    assert re.search(rf"^\|.*`{name}`.*\|", PAGE, re.MULTILINE)
