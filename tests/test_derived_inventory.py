"""One inventory serves processes and containers: what is other for containers, and nothing else."""

import pytest
import yaml

from compose import addresses
from compose.addresses import HOST, Derived
from modelwatch.inventory import Inventory
from tests.inventory_texts import ROOT, read_text

SERVICES = {"probe": "probe:9466", "quality": "quality:9467", "gpu": "gpu:9465"}

TEXT = """\
# Größe: 😀 before everything.
settings:
  remote_write: [{url: "http://localhost:8428/w", token_file: /home/me/token}]
receivers:
  on-call: {webhook: {url: "http://localhost:9000/page/127.0.0.1"}}  # ours
  mail: {email: {to: a@example.com, from: b@example.com, smarthost: '127.0.0.1:25'}}
  chat: {slack: {channel: "#a", url_file: /home/me/a/url}}
  other: {slack: {channel: "#b", url_file: /home/me/b/url}}
  same: {slack: {channel: "#c", url_file: /home/me/a/url}}
teams:
  assist: {page: on-call}
exporters:
  probe: {targets: ["127.0.0.1:1234"]}
  quality: {targets: ["elsewhere:9467"]}
defaults: {team: assist}
models:
  - name: chat
    sources: [{engine: vllm, targets: [127.0.0.1:8000, gpu7:8000, "[::1]:8001"]}]
    probes:
      say-localhost:
        api: openai_chat
        url: http://127.0.0.1:8000/v1
        key_file: keys/openai
        prompts: {a: {prompt: "http://127.0.0.1:1", max_tokens: 5, expect: {contains: x}}}
gpus:
  - pool: a100
    team: assist
    cards: 4
    sources: [{engine: modelwatch_gpu, targets: ["localhost:9465"]}]
"""


def derived(text: str) -> Derived:
    return addresses.derived(text, SERVICES)


def read(text: str) -> Inventory:
    return read_text(derived(text).text)


def test_only_addresses_and_paths_change_and_every_line_stays_where_it_is() -> None:
    found = derived(TEXT)
    before, after = TEXT.splitlines(), found.text.splitlines()
    changed = {old: new for old, new in zip(before, after, strict=True) if old != new}
    assert list(changed.values()) == [
        f"  remote_write: [{{url: http://{HOST}:8428/w, token_file: /etc/modelwatch/token}}]",
        f"  on-call: {{webhook: {{url: http://{HOST}:9000/page/127.0.0.1}}}}  # ours",
        f"  mail: {{email: {{to: a@example.com, from: b@example.com, smarthost: {HOST}:25}}}}",
        '  chat: {slack: {channel: "#a", url_file: /etc/modelwatch/url}}',
        '  other: {slack: {channel: "#b", url_file: /etc/modelwatch/2-url}}',
        '  same: {slack: {channel: "#c", url_file: /etc/modelwatch/url}}',
        "  probe: {targets: [probe:9466]}",
        f"    sources: [{{engine: vllm, targets: [{HOST}:8000, gpu7:8000, {HOST}:8001]}}]",
        f"        url: http://{HOST}:8000/v1",
        "        key_file: /etc/modelwatch/openai",
        "    sources: [{engine: modelwatch_gpu, targets: [gpu:9465]}]",
    ]


def test_what_is_to_run_and_what_must_be_reached_is_told() -> None:
    found = derived(TEXT)
    assert list(found.services) == ["probe", "gpu"]
    assert list(found.hosts) == [
        "http://localhost:8428/w",
        "http://localhost:9000/page/127.0.0.1",
        "127.0.0.1:25",
        "127.0.0.1:8000",
        "[::1]:8001",
        "http://127.0.0.1:8000/v1",
    ]
    assert [(one.user, one.source, one.folder, one.name) for one in found.secrets] == [
        ("remote write", "/home/me/token", "prometheus", "token"),
        ("receiver chat", "/home/me/a/url", "alertmanager", "url"),
        ("receiver other", "/home/me/b/url", "alertmanager", "2-url"),
        ("receiver same", "/home/me/a/url", "alertmanager", "url"),
        ("probe say-localhost", "keys/openai", "probe", "openai"),
    ]


def test_the_derived_inventory_means_the_same_elsewhere() -> None:
    inventory = read(TEXT)
    (model,) = inventory.models
    assert model.sources[0].targets == (f"{HOST}:8000", "gpu7:8000", f"{HOST}:8001")
    assert model.probes[0].prompts[0].text == "http://127.0.0.1:1"
    assert inventory.exporters["quality"].targets == ("elsewhere:9467",)


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("url: http://localhost", f"http://{HOST}"),
        ("url: &a http://localhost:1/x", f"http://{HOST}:1/x"),
        ("url: !!str 'http://localhost:1/it''s'", f"http://{HOST}:1/it's"),
        ("url: >-\n        http://localhost:1/x\n", f"http://{HOST}:1/x"),
        ('url:\n        "http://localhost:1/\\\n        x"', f"http://{HOST}:1/x"),
        ("url: http://localhost.example.com", "http://localhost.example.com"),
        ("url: http://127.0.0.1.nip.io:80", "http://127.0.0.1.nip.io:80"),
        ("url: http://[::1]:80/", f"http://{HOST}:80/"),
        ("url: http://example.com/127.0.0.1", "http://example.com/127.0.0.1"),
    ],
)
def test_however_it_is_written_it_is_read_as_meant(written: str, becomes: str) -> None:
    text = f"receivers:\n  a:\n    webhook:\n      {written}\nlast: 1\n"
    new = derived(text).text
    assert yaml.safe_load(new)["receivers"]["a"]["webhook"]["url"] == becomes
    assert new.splitlines().index("last: 1") == text.splitlines().index("last: 1")


def test_an_alias_of_a_changed_value_is_changed_with_it() -> None:
    text = (
        "endpoints:\n  a: {targets: [&here 127.0.0.1:1]}\n  b: {targets: [*here]}\n"
        "receivers: {c: {webhook: {url: 'http://10.0.0.1:127'}}}\n"
    )
    found = yaml.safe_load(derived(text).text)["endpoints"]
    assert found == {name: {"targets": [f"{HOST}:1"]} for name in "ab"}


def test_an_inventory_that_names_services_is_taken_as_it_is() -> None:
    text = (ROOT / "examples" / "compose.yaml").read_text(encoding="utf-8")
    found = addresses.derived(text, {**SERVICES, "inventory": "inventory:9468"})
    assert found.text == text
    assert list(found.services) == ["probe", "quality", "inventory"]
    assert not found.hosts


def test_files_of_targets_are_told_since_containers_do_not_see_them() -> None:
    found = derived("endpoints: {a: {engine: vllm, file_sd: /srv/targets/*.json}}\n")
    assert list(found.discovered) == ["/srv/targets/*.json"]
