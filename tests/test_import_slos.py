"""Objectives of other formats as a draft of an inventory: kept, guessed, left out or wrong."""

from pathlib import Path

import pytest

from generator.definitions import definitions
from modelwatch.inventory import Inventory, Model
from modelwatch.reading import read
from tests.command import Said, run
from tests.imported_text import of_text

FOLDER = Path(__file__).parent / "slo_formats"
FILES = ("openslo", "pyrra", "sloth", "sloth-kubernetes")


def imported(name: str) -> tuple[Inventory, Said]:
    said = run("import", FOLDER / f"{name}.yaml")
    assert said.code == 0, said.err
    return read("draft.yaml", said.out.encode(), definitions().engines), said


def model(inventory: Inventory, name: str) -> Model:
    (found,) = [one for one in inventory.models if one.name == name]
    return found


def promises(found: Model) -> dict[str, str]:
    return {slo.kind: f"{slo.words} over {slo.window_days}d" for slo in found.slos}


def sloth(bad: str, total: str, *, objective: str = "99.9") -> str:
    return f"""\
version: prometheus/v1
service: chat
slos:
  - name: it
    objective: {objective}
    sli:
      events:
        error_query: {bad}
        total_query: {total}
    alerting: {{}}
"""


# Kept.


@pytest.mark.parametrize("name", FILES)
def test_a_draft_passes_the_check_and_says_where_each_objective_is_from(
    name: str, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.yaml"
    said = run("import", FOLDER / f"{name}.yaml", "-o", draft)
    assert said.code == 0, said.err
    assert f"wrote {draft}: " in said.out
    assert run("check", draft).code == 0
    assert f"{name}.yaml:" in draft.read_text()
    assert "# confirm: " in draft.read_text()
    again = run("import", FOLDER / f"{name}.yaml", "-o", draft)
    assert again.code == 1
    assert "is already there" in again.err


def test_objectives_on_a_known_engine_become_one_model() -> None:
    inventory, _ = imported("sloth")
    assistant = model(inventory, "assistant")
    assert promises(assistant) == {
        "availability": "99.9% over 30d",
        "latency": "95% under 5s over 30d",
        "time_to_first_token": "90% under 500ms over 30d",
    }
    (source,) = assistant.sources
    assert (source.engine, source.job) == ("vllm", "vllm-prod")
    assert source.engine_model == "meta-llama/Llama-3.1-8B-Instruct"
    assert assistant.team == "search-team"


def test_objectives_on_other_counters_get_an_engine_of_their_own() -> None:
    inventory, _ = imported("sloth")
    assert promises(model(inventory, "checkout")) == {
        "availability": "99.5% over 30d",
        "latency": "99% under 300ms over 30d",
    }
    requests, duration = inventory.engines["checkout"].signals
    assert (requests.metric, requests.label) == ("http_requests_total", "code")
    assert list(requests.values.items()) == [("server_error", "(5..|429)"), ("success", ".*")]
    assert duration.metric == "http_request_duration_seconds"
    assert inventory.engines["checkout"].model_label == "handler"
    assert {one.value for one in inventory.engines["queue"].signals} == {"success", "server_error"}


def test_a_gateway_with_two_models_becomes_two_sources() -> None:
    inventory, said = imported("sloth-kubernetes")
    (gateway,) = inventory.models
    assert [source.engine_model for source in gateway.sources] == ["gpt-4o", "gpt-4o-mini"]
    assert "# confirm: modelwatch also counts status_code=504 as failures" not in said.out
    assert (
        "# confirm: modelwatch leaves status_code=499, status_code=400 out of the total" in said.out
    )


def test_pyrra_names_the_window_and_the_team() -> None:
    inventory, said = imported("pyrra")
    assert promises(model(inventory, "embed-errors")) == {"availability": "99.9% over 28d"}
    assert model(inventory, "embed-errors").team == "retrieval"
    assert promises(model(inventory, "chat")) == {
        "availability": "99% over 30d",
        "latency": "95% under 10s over 7d",
    }
    assert "# confirm: the window is 2w in the document" in said.out
    assert promises(model(inventory, "probe")) == {"availability": "99% over 28d"}


def test_openslo_objects_are_joined_and_a_quantile_becomes_a_limit() -> None:
    inventory, _ = imported("openslo")
    ranking = model(inventory, "ranking")
    assert promises(ranking) == {"availability": "99.5% over 28d"}
    assert (ranking.team, ranking.sources[0].engine_model) == ("ranking-team", "ranker")
    (limit,) = model(inventory, "chat").thresholds
    assert (limit.signal, limit.labels["quantile"], limit.limit.text) == (
        "request_duration",
        "0.95",
        "5s",
    )


def test_files_of_several_formats_make_one_inventory() -> None:
    said = run("import", *(FOLDER / f"{name}.yaml" for name in FILES))
    inventory = read("draft.yaml", said.out.encode(), definitions().engines)
    assert {one.name for one in inventory.models} >= {"assistant", "gateway", "ranking", "probe"}
    assert len({one.name for one in inventory.models}) == len(inventory.models)


def test_a_list_of_kubernetes_and_standard_input_are_read() -> None:
    text = (FOLDER / "sloth-kubernetes.yaml").read_text()
    listed = "kind: List\nitems:\n  - " + text.replace("\n", "\n    ").rstrip() + "\n"
    assert run("import", "-", stdin=listed).code == 0


# Told.


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sloth", "label cost_centre=ml-42 of service 'assistant' is not carried over"),
        ("sloth", "sloth.yaml:18:13: the alert name 'AssistantHighErrorRate' is not carried over"),
        ("sloth", "annotation summary=Too many answers fail. of alerts"),
        ("sloth", "label routing_key=assistant of page_alert"),
        ("sloth", "'requests-availability' has no ticket alert"),
        ("sloth", "'three-seconds' is left out: vLLM has no bucket le=\"3\""),
        ("pyrra", "'embed-errors' is not told apart by 'handler'"),
        ("pyrra", "alerting.name of 'embed-errors' is not carried over: EmbedErrors"),
        ("pyrra", "'native' is left out: it reads a native histogram"),
        ("openslo", "AlertPolicy 'ranking-burn', 2 times over 1h, is not carried over"),
        ("openslo", "DataSource 'metrics' is not carried over"),
        ("openslo", "label tags=llm of 'chat-p95' is not carried over"),
        ("openslo", "'chat-p95' counts Timeslices; modelwatch counts events"),
        ("openslo", "'chat-p95' begins anew with the calendar"),
        ("openslo", "a query of Datadog is not read"),
    ],
)
def test_what_is_not_carried_over_is_told_and_stands_in_the_draft(name: str, told: str) -> None:
    _, said = imported(name)
    assert told in said.err
    assert told in said.out.partition("# Not carried over:")[2]


def test_plugins_are_named_and_nothing_is_drafted_from_them() -> None:
    said = run("import", FOLDER / "sloth-plugins.yaml")
    assert (said.code, said.out) == (1, "")
    assert "its queries are made by the plugin 'sloth-common/http/availability'" in said.err
    assert "the plugin 'sloth.dev/contrib/info_labels/v1' is not run" in said.err
    assert "none of these promises could be understood" in said.err


VLLM = 'vllm:request_success_total{job="a",model_name="m"'


@pytest.mark.parametrize(
    ("bad", "total", "guess"),
    [
        (
            f'sum(rate({VLLM},finished_reason=~"error|abort"}}[5m]))',
            f"sum(rate({VLLM}}}[5m]))",
            "modelwatch does not count finished_reason=abort as failures",
        ),
        (
            f'sum(rate({VLLM},finished_reason="error",namespace="ml"}}[5m]))',
            f"sum(rate({VLLM}}}[5m]))",
            'the condition namespace="ml" is not carried over',
        ),
        (
            'sum(rate(vllm:request_success_total{finished_reason="error"}[5m]))',
            "sum(rate(vllm:request_success_total[5m]))",
            "no query says which job; 'vllm' is a guess",
        ),
        (
            'sum(rate(vllm:request_success_total{job=~"a.*",finished_reason="error"}[5m]))',
            'sum(rate(vllm:request_success_total{job=~"a.*"}[5m]))',
            'the condition job=~"a.*" is a pattern; name each job',
        ),
        (
            'sum(rate(vllm:request_success_total{job="a",finished_reason="error"}[5m]))',
            "sum(rate(vllm:request_success_total[5m]))",
            'the queries do not agree on job="a"',
        ),
        (
            'sum(rate(vllm:request_success_total{job="a",finished_reason="error"}[5m]))',
            'sum(rate(vllm:e2e_request_latency_seconds_count{job="a"}[5m]))',
            "not by vllm:e2e_request_latency_seconds_count",
        ),
    ],
)
def test_every_guess_is_marked(tmp_path: Path, bad: str, total: str, guess: str) -> None:
    said = of_text(tmp_path, sloth(bad, total))
    assert said.code == 0, said.err
    (line,) = [line for line in said.out.splitlines() if guess in line]
    assert line.lstrip().startswith("# confirm: ")


@pytest.mark.parametrize(
    ("bad", "total", "why"),
    [
        ("max(rate(a_total[5m]))", "sum(rate(b_total[5m]))", "`max` counts no events"),
        ("sum(rate(a[5m] offset 1h))", "sum(rate(b[5m]))", "`offset` is not understood"),
        ("sum(rate(a[5m])) / 3", "sum(rate(b[5m]))", "a number counts no events"),
        ("sum(rate(a[5m])", "sum(rate(b[5m]))", "`)` is missing"),
        ("sum(rate(a[5m:1m]))", "sum(rate(b[5m]))", "a subquery counts no events"),
        (
            "sum(rate(d_count[5m])) - sum(rate(d_bucket{le='1',a='b',c='d'}[5m]))",
            "sum(rate(d_count[5m]))",
            "its queries have different conditions",
        ),
        (
            "sum(rate(x{code=~'5('}[5m]))",
            "sum(rate(x[5m]))",
            "the pattern of 'code' is not understood",
        ),
        (
            "sum(rate(slo:bad:rate5m{slo='latency'}[5m]))",
            "sum(slo:total:rate5m{slo='latency'})",
            "it reads what modelwatch records",
        ),
    ],
)
def test_what_cannot_be_understood_is_listed_with_the_reason(
    tmp_path: Path, bad: str, total: str, why: str
) -> None:
    said = of_text(tmp_path, sloth(f'"{bad}"', f'"{total}"'))
    assert said.code == 1
    assert f"slos.yaml:4:5: 'it' is left out: {why}" in said.err


def test_a_second_objective_of_a_kind_is_listed(tmp_path: Path) -> None:
    first = sloth("sum(rate(x{code='5'}[5m]))", "sum(rate(x[5m]))")
    said = of_text(tmp_path, f"{first}---\n{first.replace('name: it', 'name: again')}")
    assert said.code == 0
    assert (
        "slos.yaml:15:5: 'again' is left out: 'chat' is promised 'availability' already by 'it' "
        "(slos.yaml:4)" in said.err
    )


def test_a_job_is_not_read_whole_and_in_parts(tmp_path: Path) -> None:
    part = f'{VLLM},instance="a:1"'
    first = sloth(
        f"""sum(rate({part},finished_reason="error"}}[5m]))""", f"sum(rate({part}}}[5m]))"
    )
    whole = first.replace(',instance="a:1"', "").replace('"m"', '"n"').replace("it", "whole")
    said = of_text(tmp_path, f"{first}---\n{whole}")
    assert said.code == 0, said.err
    assert "'whole' is left out: job 'a' is read whole here, and by its instances" in said.err


def test_a_model_of_a_gateway_is_not_taken_twice(tmp_path: Path) -> None:
    text = (FOLDER / "sloth-kubernetes.yaml").read_text()
    alone = text.replace('=~"gpt-4o|gpt-4o-mini"', '="gpt-4o"').replace("availability", "alone")
    said = of_text(tmp_path, f"{text}---\n{alone}")
    assert said.code == 0, said.err
    assert "'alone' is left out: 'gpt-4o' of job 'litellm' belongs to 'gateway' already" in said.err


def test_whatever_a_document_says_stays_text_in_the_draft(tmp_path: Path) -> None:
    text = sloth("sum(rate(e_total[5m]))", "sum(rate(all_total[5m]))")
    text = text.replace("name: it", 'name: "a\\nmodels: []\\u2028x: 1"\n    description: "#\\n- b"')
    text = text.replace("service: chat", 'service: "Ä: \\"chat\\" # 1"')
    text = text.replace("alerting: {}", 'alerting: {annotations: {summary: "a\\nb: c\\x07"}}')
    said = of_text(tmp_path, text)
    assert said.code == 0, said.err
    inventory = read("draft.yaml", said.out.encode(), definitions().engines)
    assert [one.name for one in inventory.models] == ["chat-1"]


def test_a_composed_objective_is_listed(tmp_path: Path) -> None:
    said = of_text(
        tmp_path,
        """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: both}
spec:
  service: s
  budgetingMethod: Occurrences
  objectives: [{target: 0.9, indicatorRef: a}, {target: 0.9, indicatorRef: b}]
""",
    )
    assert "slos.yaml:7:3: 'both' is left out: it is composed of several" in said.err
