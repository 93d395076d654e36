"""Inventories for tests: the engines that they may name, and the shortest one to change."""

from pathlib import Path

from modelwatch.discovery import constants_named
from modelwatch.engine import Engine
from modelwatch.inventory import Inventory
from modelwatch.problems import Problem
from modelwatch.reading import problems, read

HERE = Path(__file__).parent / "inventories"
ROOT = Path(__file__).parents[1]
EXAMPLES = (*sorted((ROOT / "examples").glob("*.yaml")), ROOT / "modelwatch/starter.yaml")
GOOD = (*sorted((HERE / "good").glob("*.yaml")), *EXAMPLES)
BAD = tuple(sorted((HERE / "bad").glob("*.yaml")))

ENGINES: dict[str, Engine] = {
    engine.name: engine for engine in constants_named("exporters.engines", "ENGINE").values()
}

TOP = """\
teams:
  assist: {page: on-call}
receivers:
  on-call: {webhook: {url_file: secrets/url}}
"""
MODEL = f"""\
{TOP}models:
  - name: chat
    team: assist
    sources: [{{engine: vllm, targets: ["gpu1:8000"]}}]
"""


def read_text(text: str) -> Inventory:
    return read("models.yaml", text.encode(), ENGINES)


def problems_of(text: str) -> list[Problem]:
    return list(problems("models.yaml", text.encode(), ENGINES))


def messages(text: str) -> list[str]:
    return [str(problem).partition(": ")[2] for problem in problems_of(text)]
