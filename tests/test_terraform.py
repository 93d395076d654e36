"""The snippet for Terraform is well formed and names what is there."""

import re
from typing import Any

import hcl2

from tests.inventory_texts import ROOT

PAGE = (ROOT / "docs" / "terraform.md").read_text(encoding="utf-8")
(SNIPPET,) = re.findall(r"```hcl\n(.*?)```", PAGE, re.DOTALL)
READ: dict[str, Any] = hcl2.loads(SNIPPET)
GENERATED = ROOT / "examples" / "generated"


def names(kind: str) -> set[str]:
    return {name.strip('"') for block in READ[kind] for name in block}


def test_the_snippet_is_terraforms_language_and_has_the_resources_that_the_page_explains() -> None:
    resources = names("resource")
    assert resources == {"grafana_folder", "grafana_dashboard", "mimir_rules"}
    assert all(f"`{name}`" in PAGE.partition("```\n\n")[2] for name in resources)
    assert names("provider") == {"grafana", "mimir"}


def test_every_variable_that_is_used_is_declared_and_every_one_declared_is_used() -> None:
    assert set(re.findall(r"\bvar\.(\w+)", SNIPPET)) == names("variable")
    (values,) = READ["locals"]
    assert set(re.findall(r"\blocal\.(\w+)", SNIPPET)) <= set(values)


def test_the_files_that_it_takes_are_generated() -> None:
    for folder, pattern in (("grafana/dashboards", "*.json"), ("prometheus/rules", "*.yml")):
        assert f'/out/{folder}"' in SNIPPET
        assert pattern in SNIPPET
        assert list((GENERATED / folder).glob(pattern))


def test_no_secret_stands_in_it() -> None:
    (token,) = [block for block in READ["variable"] if '"grafana_token"' in block]
    assert "sensitive" in token['"grafana_token"']
    assert not re.search(r"glsa_|password", SNIPPET)
