"""Probes, processes, last days and exporters: what an inventory says of them."""

import json
from decimal import Decimal

import pytest

from generator.definitions import definitions
from generator.inventory_series import constants
from modelwatch.catalogue.inventory import PROBE_INFO, RETIRES
from modelwatch.inventory import Inventory, Probe, Quantity
from modelwatch.problems import as_json, render
from tests.inventory_texts import MODEL, TOP, messages, problems_of, read_text

PRICE = "    price: {output: 1 USD per million tokens}\n"
TWO = """\
models:
  - name: chat
    team: assist
    environments: [production, staging]
    sources:
      - {engine: vllm, targets: ["gpu1:8000"], environment: production, model: llama}
      - {engine: vllm, targets: ["gpu2:8000"], environment: staging, model: llama-next}
"""


def probed(more: str = "", *, of: str = MODEL, api: str = "openai_chat", prompt: str = "") -> str:
    asks = prompt or ("body: '{}'" if api in ("http", "kserve") else "prompt: Capital of France?")
    return (
        f"{of}    probes:\n      ask:\n        api: {api}\n        url: http://gpu1:8000/v1/\n"
        f"        prompts: {{capital: {{{asks}}}}}\n{more}"
    )


def probe(more: str = "", **other: str) -> Probe:
    (found,) = read_text(probed(more, **other)).models[0].probes
    return found


def test_a_probe_that_says_little_gets_every_default() -> None:
    found = probe()
    assert (found.name, found.asks_for, found.serves) == ("ask", "chat", "")
    assert (found.url, found.stream) == ("http://gpu1:8000/v1", True)
    assert [int(one.value) for one in (found.every, found.timeout)] == [60, 30]
    assert (found.tokens_per_day, found.usd_per_day) == (100_000, None)
    assert [(one.name, one.max_tokens, one.expect) for one in found.prompts] == [
        ("capital", 16, None)
    ]


@pytest.mark.parametrize(
    ("api", "streams", "tokens"),
    [
        ("openai_chat", True, 100_000),
        ("openai_completions", True, 100_000),
        ("openai_responses", True, 100_000),
        ("anthropic", True, 100_000),
        ("tgi", True, 100_000),
        ("openai_embeddings", False, 100_000),
        ("kserve", False, None),
        ("http", False, None),
    ],
)
def test_what_an_api_can_do_decides_the_defaults(
    api: str, streams: bool, tokens: int | None
) -> None:
    found = probe(api=api)
    assert (found.stream, found.tokens_per_day) == (streams, tokens)


def test_the_address_of_plain_http_stays_as_it_is() -> None:
    assert probe(api="http").url == "http://gpu1:8000/v1/"


@pytest.mark.parametrize(
    ("prices", "more", "api", "cap"),
    [
        ("", "", "openai_chat", None),
        (PRICE, "", "openai_chat", "1 USD"),
        (PRICE, "        usd_per_day: 0.50 USD\n", "openai_chat", "0.50 USD"),
        (PRICE, "        usd_per_day: off\n", "openai_chat", None),
        (PRICE, "", "http", None),
        ("    price: {request: 0.01}\n", "", "http", "1 USD"),
    ],
    ids=["no price", "priced", "own cap", "off", "tokens are not counted", "price of a request"],
)
def test_money_is_capped_where_it_can_be_counted(
    prices: str, more: str, api: str, cap: str | None
) -> None:
    found = probe(more, of=MODEL + prices, api=api).usd_per_day
    assert (found and found.text) == cap


def test_tokens_need_no_cap_when_that_is_said() -> None:
    assert probe("        tokens_per_day: off\n").tokens_per_day is None
    assert probe("        tokens_per_day: 50\n").tokens_per_day == 50


def test_a_probe_that_repeats_fast_gives_up_in_time() -> None:
    found = probe("        every: 10s\n")
    assert (found.every.text, found.timeout.text) == ("10s", "10s")


@pytest.mark.parametrize(
    ("written", "kind", "value", "tolerance"),
    [
        ("{exact: Paris}", "exact", "Paris", "0"),
        ("{exact: 1.10}", "exact", "1.10", "0"),
        ("{contains: Paris}", "contains", "Paris", "0"),
        ("{regex: '(?i)^paris'}", "regex", "(?i)^paris", "0"),
        ("{number: 4, tolerance: 0.01}", "number", "4", "0.01"),
        ("{number: 1e-3}", "number", "1e-3", "0"),
    ],
)
def test_an_expectation_is_of_one_kind(written: str, kind: str, value: str, tolerance: str) -> None:
    (asked,) = probe(prompt=f"prompt: Capital of France?, expect: {written}").prompts
    assert asked.expect
    assert (asked.expect.kind, asked.expect.value) == (kind, value)
    assert asked.expect.tolerance == Decimal(tolerance)


def test_a_schema_is_kept_as_json() -> None:
    schema = "{type: array, items: {type: number, minimum: 0.5}, maxItems: 3, x: [null, true, no]}"
    (asked,) = probe(prompt=f"prompt: a, expect: {{json_schema: {schema}}}").prompts
    assert asked.expect
    assert json.loads(asked.expect.value) == {
        "type": "array",
        "items": {"type": "number", "minimum": 0.5},
        "maxItems": 3,
        "x": [None, True, "no"],
    }


def test_a_probe_belongs_to_the_environment_that_it_asks() -> None:
    inventory = read_text(probed("        environment: staging\n", of=TOP + TWO))
    found = {
        model.environment: [one.asks_for for one in model.probes] for model in inventory.models
    }
    assert found == {"production": [], "staging": ["llama-next"]}


def test_headers_and_files_are_kept_as_written() -> None:
    found = probe(
        "        headers: {x-tenant: 7, User-Agent: probes}\n"
        "        key_file: /etc/key\n        ca_file: /etc/ca.pem\n        model: other\n"
    )
    assert found.headers == {"x-tenant": "7", "User-Agent": "probes"}
    assert (found.key_file, found.ca_file, found.asks_for) == ("/etc/key", "/etc/ca.pem", "other")


@pytest.mark.parametrize(
    "header",
    [
        "authorization",
        "Proxy-Authorization",
        "x-api-key",
        "api-key",
        "apikey",
        "Ocp-Apim-Subscription-Key",
        "x-goog-api-key",
        "X-Auth-Token",
        "cookie",
        "x-amz-security-token",
    ],
)
def test_a_header_that_carries_keys_is_refused_and_its_value_not_shown(header: str) -> None:
    found = problems_of(probed(f"        headers: {{{header}: hunter2}}\n"))
    assert len(found) == 1
    assert "key_file" in found[0].advice
    assert "hunter2" not in render(found[0]) + as_json(found)


@pytest.mark.parametrize(
    "header", ["x-tenant", "User-Agent", "x-country-code", "anthropic-version"]
)
def test_a_header_that_carries_no_key_is_none_of_our_business(header: str) -> None:
    assert not messages(probed(f"        headers: {{{header}: a}}\n"))


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hunter2@api.example.com/v1",
        "https://api.example.com/v1?key=hunter2",
        "https://api.example.com/v1?api-version=1&access_token=hunter2",
        "https://api.example.com/v1?code=hunter2",
        "https://api.example.com/v1?X-Amz-Signature=hunter2",
    ],
)
def test_an_address_with_a_secret_is_refused_and_not_shown(url: str) -> None:
    found = problems_of(probed().replace("http://gpu1:8000/v1/", f'"{url}"'))
    assert len(found) == 1
    assert "hunter2" not in render(found[0]) + as_json(found)


def test_an_address_with_a_plain_query_is_fine() -> None:
    url = '"https://api.example.com/v1?api-version=2026-01-01&monkey=1"'
    assert not messages(probed(api="http").replace("http://gpu1:8000/v1/", url))


def test_processes_are_told_by_patterns() -> None:
    text = "    processes: {command: '*--name chat*', container: [chat-*, talk-*], pod: chat-*}\n"
    found = read_text(MODEL + text).models[0].processes
    assert found
    assert (found.command, found.container, found.pod) == (
        ("*--name chat*",),
        ("chat-*", "talk-*"),
        ("chat-*",),
    )


def _rows(inventory: Inventory) -> dict[str, tuple[dict[str, str], Decimal]]:
    rows = constants(inventory, definitions().engines_of(inventory))
    return {
        row.metric.name: (dict(row.labels), row.value)
        for row in rows
        if row.metric in (PROBE_INFO, RETIRES)
    }


def test_probes_and_the_last_day_are_series_of_the_inventory() -> None:
    rows = _rows(read_text(probed(of=f"{MODEL}    retires: 2027-03-31\n")))
    identity = {"model": "chat", "environment": "production"}
    assert rows == {
        PROBE_INFO.name: ({**identity, "probe": "ask", "api": "openai_chat"}, Decimal(1)),
        # 31 March 2027, 00:00 UTC
        RETIRES.name: (identity, Decimal(1806451200)),
    }


def test_exporters_are_scraped_under_jobs_of_their_own() -> None:
    exporters = (
        'exporters: {probe: {targets: ["probes:9466"], scheme: https, path: /m}, '
        'inventory: {instances: ["a:9468", "b:9468"]}}\n'
    )
    found = read_text(MODEL + exporters).exporters
    assert set(found) == {"probe", "inventory"}
    assert (found["probe"].scraped_job, found["probe"].targets) == (
        "modelwatch-probe",
        ("probes:9466",),
    )
    assert (found["probe"].scheme, found["probe"].path) == ("https", "/m")
    assert (found["inventory"].scraped_job, found["inventory"].targets) == (
        "modelwatch-inventory",
        (),
    )


def test_a_budget_goes_by_the_calendar_of_its_zone() -> None:
    budgets = (
        "budgets:\n  - {name: a, model: chat, amount: 5 USD per day, timezone: Asia/Tokyo}\n"
        "  - {name: b, model: chat, amount: 5 USD per day}\n"
        'exporters: {inventory: {targets: ["localhost:9468"]}}\n'
    )
    found = read_text(MODEL + PRICE + budgets).budgets
    assert [budget.timezone for budget in found] == ["Asia/Tokyo", "UTC"]


def test_rules_supply_the_constants_unless_the_exporter_does() -> None:
    assert read_text(MODEL).settings.constants == "rules"
    exporters = 'exporters: {inventory: {targets: ["localhost:9468"]}}\n'
    text = f"settings: {{constants: exporter}}\n{MODEL}{exporters}"
    assert read_text(text).settings.constants == "exporter"


def test_the_fleets_limits_of_probes_hold_where_a_model_says_nothing() -> None:
    by_signal = {row.signal: row for row in read_text(MODEL).thresholds}
    half = Quantity(value=Decimal("0.5"), text="50%")
    assert (by_signal["probe_failures"].limit, by_signal["probe_failures"].hold) == (half, "5m")
    assert (by_signal["probe_wrong"].limit, by_signal["probe_wrong"].hold) == (half, "30m")
    assert by_signal["probe_silent"].hold == "15m"
    assert (by_signal["retirement"].limit.text, by_signal["retirement"].hold) == ("30", "1h")
    assert {"probe_duration", "probe_time_to_first_token"}.isdisjoint(by_signal)


def test_a_probed_model_may_limit_its_probes() -> None:
    limits = "    limits: {probe_latency: p99 > 4s for 5m, probe_failures: off}\n"
    rows = read_text(probed(limits)).models[0].thresholds
    assert [(row.signal, row.labels.get("quantile"), row.limit.text) for row in rows] == [
        ("probe_duration", "0.99", "4s"),
        ("probe_failures", None, "off"),
    ]
