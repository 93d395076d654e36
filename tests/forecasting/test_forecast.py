"""The command, from what a Prometheus remembers to what it records of a forecast."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from alerts.recorded import forecast
from generator.forecasting.history import DAY, HOUR_S
from generator.rule_files import record_file
from modelwatch.inventory import Settings
from tests import real
from tests.command import run
from tests.exporters.prometheus_server import backfill, prometheus, server, until, values
from tests.forecasting.weeks import week_after_week

INVENTORY = """\
teams: {search: {page: log}}
receivers: {log: {webhook: {url: "http://localhost:9/"}}}
models:
  - {name: chat, team: search, sources: [{engine: vllm, targets: ["a:80"]}]}
  - {name: new, team: search, sources: [{engine: vllm, targets: ["b:80"]}]}
  - {name: idle, team: search, sources: [{engine: vllm, targets: ["c:80"]}]}
"""
SIGNALS = ("requests", "request_duration", "tokens_per_request", "cost")
ODD = 5
"""Hours from the end, the one that is odd in every way."""


def lines(now: float) -> Iterator[str]:
    """Four weeks and a day of one model, three days of another, and a model of somebody else."""
    end = now // HOUR_S * HOUR_S
    for seed, signal in enumerate(SIGNALS):
        values = week_after_week(4, seed=seed, more_hours=DAY)
        values[-ODD] *= 3
        for hour, value in enumerate(reversed(values)):
            yield sample("chat", signal, value, end - hour * HOUR_S)
    for model, hours in (("new", 3 * DAY), ("theirs", 30 * DAY)):
        for hour in range(hours):
            yield sample(model, "cost", 1, end - hour * HOUR_S)


def sample(model: str, signal: str, value: float, at: float) -> str:
    labels = f'model="{model}",environment="production",signal="{signal}"'
    return f"model:seasonal:now{{{labels}}} {value} {at:.0f}\n"


def remembering(folder: Path, path: str) -> None:
    backfill(sorted(lines(time.time()), key=lambda line: line.rsplit(" ", 1)[1]), folder, path)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    remembering(folder, os.environ["PATH"])
    with prometheus(folder, os.environ["PATH"]) as address:
        yield address


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "models.yaml"
    path.write_text(INVENTORY)
    return path


def samples(page: str, name: str, **labels: str) -> dict[str, float]:
    """Values of one metric by all their labels, of those that have these."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    rows = (line.rsplit(" ", 1) for line in page.splitlines() if line.startswith(f"{name}{{"))
    return {row: float(value) for row, value in rows if all(one in row for one in wanted)}


@pytest.mark.real
def test_a_page_has_the_coming_day_of_each_model_that_is_known_for_long_enough(
    url: str, inventory: Path, tmp_path: Path
) -> None:
    output = tmp_path / "page" / "modelwatch.prom"
    output.parent.mkdir()
    said = run("forecast", inventory, "--prometheus", url, "-o", output)
    assert (said.code, said.err) == (
        0,
        "note: no forecast of new / production: cost: 2 of the 14 days are known that it takes\n"
        "note: no forecast of idle / production: nothing of it was ever recorded\n",
    )
    assert said.out == f"{output}: forecasts of 4 signals of 1 model, valid for 3 hours\n"
    assert [path.name for path in output.parent.iterdir()] == ["modelwatch.prom"]
    page = output.read_text()
    assert len(samples(page, "modelwatch_forecast_upper", signal="cost")) == DAY
    assert "theirs" not in page
    checked = subprocess.run(
        [real.program("promtool"), "check", "metrics"],
        input=page,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.real
def test_the_odd_hour_is_an_outlier_to_each_detector(url: str, inventory: Path) -> None:
    page = run("forecast", inventory, "--prometheus", url, "--model", "chat").out
    for signal in SIGNALS:
        (share,) = samples(
            page, "modelwatch_forecast_outliers_ratio", signal=signal, detector="prophet"
        ).values()
        assert 1 / DAY <= share < 3 / DAY
    (share,) = samples(page, "modelwatch_forecast_outliers_ratio", detector="ecod").values()
    assert 1 / DAY <= share < 3 / DAY
    expected = samples(page, "modelwatch_forecast_outliers_expected_ratio")
    assert set(expected.values()) == {0.01}


@pytest.mark.real
def test_one_detector_alone_can_be_asked_for(url: str, inventory: Path) -> None:
    asked = ("forecast", inventory, "--prometheus", url, "--detector", "ecod")
    page = run(*asked, "--contamination", "0.05").out
    assert not samples(page, "modelwatch_forecast_value")
    (share,) = samples(page, "modelwatch_forecast_outliers_expected_ratio").values()
    assert share == 0.05


@pytest.mark.real
def test_the_same_past_has_the_same_page(url: str, inventory: Path) -> None:
    pages = {
        re.sub(
            r"(timestamp_seconds\{.*) .*",
            r"\1",
            run("forecast", inventory, "--prometheus", url).out,
        )
        for _ in range(2)
    }
    assert len(pages) == 1


@pytest.mark.real
def test_without_enough_of_a_past_the_old_page_stays(
    url: str, inventory: Path, tmp_path: Path
) -> None:
    output = tmp_path / "modelwatch.prom"
    output.write_text("# old\n")
    said = run("forecast", inventory, "--prometheus", url, "--model", "new", "-o", output)
    assert said.code == 1
    assert f"error: nothing can be forecast from {url}: it takes two weeks" in said.err
    assert output.read_text() == "# old\n"


@pytest.mark.real
def test_a_page_is_recorded_as_long_as_it_is_valid(
    search_path: str, inventory: Path, tmp_path: Path
) -> None:
    output = tmp_path / "modelwatch.prom"
    output.write_text("")

    class Collector(BaseHTTPRequestHandler):
        """Serves the file as it is, as a textfile collector does."""

        def do_GET(self) -> None:
            body = output.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: tests do not read it."""

    rules = record_file(forecast.GROUPS, Settings(time_compression=60))
    (tmp_path / "rules.yml").write_text(rules)
    remembering(tmp_path, search_path)
    with server(Collector) as target:
        (tmp_path / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            "rule_files: [rules.yml]\n"
            "scrape_configs:\n"
            f"  - {{job_name: node, static_configs: [{{targets: ['{target}']}}]}}\n"
        )
        with prometheus(tmp_path, search_path, configured=True) as url:
            assert run("forecast", inventory, "--prometheus", url, "-o", output).code == 0
            until(lambda: len(values(url, "model:forecast:upper")) == len(SIGNALS), "a forecast")
            at_hours = samples(output.read_text(), "modelwatch_forecast_value", signal="cost")
            (now,) = values(url, 'model:forecast:value{signal="cost"}').values()
            assert min(at_hours.values()) <= now <= max(at_hours.values())
            assert len(values(url, "model:forecast_outliers:ratio")) == len(SIGNALS) + 1

            ended = rf"\1 {time.time() - 1}"
            late = re.sub(r"(valid_until_\S+\{.*\}) \S+", ended, output.read_text())
            output.write_text(late)
            until(lambda: not values(url, '{__name__=~"model:forecast(:|_out).+"}'), "its end")
            (left,) = values(url, "model:forecast_left:seconds").values()
            (age,) = values(url, "model:forecast_age:seconds").values()
            assert left < 0 < age


def test_nobody_answering_has_its_exit_code(inventory: Path) -> None:
    said = run("forecast", inventory, "--prometheus", "http://127.0.0.1:1")
    assert (said.code, said.err) == (3, "error: no Prometheus answers at http://127.0.0.1:1\n")


def test_a_model_that_is_not_in_the_inventory_is_told(inventory: Path) -> None:
    said = run("forecast", inventory, "--model", "chatt")
    assert said.code == 2
    assert f"{inventory} has no model chatt" in said.err


def test_a_missing_extra_is_told_with_what_to_run(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prophet", None)
    said = run("forecast", inventory)
    assert said.code == 2
    assert "run: pip install 'modelwatch[forecast]'" in said.err
