"""From the exporter's page to an alert: a real Prometheus scrapes it, its rules believe it."""

from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

from exporters.base.exporter import Context
from exporters.inventory import EXPORTER
from generator import tree
from generator.build import build
from generator.definitions import definitions
from generator.inventory_series import constants
from modelwatch.catalogue.recorded import BUDGET_FORECAST_RATIO, BUDGET_SPENT
from modelwatch.inventory import Inventory, Source
from modelwatch.rules import Constant
from tests.exporters.prometheus_server import api, free_address, prometheus, served, until, values
from tests.exporters.test_inventory_asking import prometheus_that, reply, vector
from tests.inventory_texts import MODEL, read_text

BUDGET = """\
    price: {output: 1 USD per million tokens}
settings: {constants: exporter, time_compression: 240}
budgets:
  - {name: tokyo, model: chat, amount: 100 USD per month, timezone: Asia/Tokyo}
exporters: {inventory: {targets: ["localhost:9468"]}}
"""
SPENT = 85


def spending(handler: BaseHTTPRequestHandler, query: str) -> None:
    """85 USD so far, recorded each second for so long that a forecast is possible."""
    numbers = {"sum_over_time": f"{SPENT}", "count_over_time": "1000000"}
    for name, number in numbers.items():
        if name in query:
            return reply(handler, vector(({"budget": "tokyo"}, number)))
    return reply(handler, vector())


def rows_of(inventory: Inventory) -> tuple[Constant, ...]:
    return constants(inventory, definitions().engines_of(inventory))


@pytest.mark.real
@pytest.mark.servers
def test_an_alert_goes_by_the_calendar_of_the_budget(search_path: str, tmp_path: Path) -> None:
    inventory, address = read_text(MODEL + BUDGET), free_address()
    context = Context(inventory=inventory, constants=rows_of, state_dir=tmp_path)
    with prometheus_that(spending) as (scripted, _):
        parts = EXPORTER.start(replace(context, options={"prometheus_url": scripted}))
        (asking,) = parts.work
        asking.start()
        with served("inventory", parts) as target:
            source = Source(engine="modelwatch-inventory", targets=(target,))
            there = replace(inventory, exporters={"inventory": source})
            tree.write(tmp_path, build(there, definitions()))
            config = tmp_path / "prometheus/prometheus.yml"
            document = yaml.safe_load(config.read_text())
            document["alerting"] = {}
            config.write_text(yaml.safe_dump(document))
            folder = tmp_path / "prometheus"
            with prometheus(folder, search_path, address=address, configured=True) as url:
                until(lambda: bool(_fired(url)), "the alert")
                (alert,) = _fired(url)
                forecast = values(url, str(BUDGET_FORECAST_RATIO))
                spent = values(url, str(BUDGET_SPENT))
        asking.stop()
    assert alert["labels"]["budget"] == "tokyo"
    assert alert["labels"]["share"] == "80%"
    assert alert["annotations"]["summary"] == ("Budget tokyo is 85% spent, past its mark of 80%.")
    assert list(spent.values()) == [SPENT]
    (ratio,) = forecast.values()
    assert ratio > SPENT / 100


def _fired(url: str) -> list[dict[str, dict[str, str]]]:
    return [
        alert
        for alert in api(url, "alerts")["alerts"]
        if alert["labels"]["alertname"] == "BudgetShareSpent" and alert["state"] == "firing"
    ]
