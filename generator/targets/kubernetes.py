"""A cluster that runs Prometheus Operator: objects for kustomize, Flux and Argo CD."""

from generator import inventory_series
from generator.build import build
from generator.definitions import Definitions
from generator.kubernetes import alerting, boards, exporters, kustomization, rules, scraping
from generator.series import predict
from generator.targets import Target
from modelwatch.inventory import Inventory


def _files(inventory: Inventory, definitions: Definitions) -> dict[str, str]:
    """Objects below `kubernetes/`, and the runbooks that alerts link to."""
    built = build(inventory, definitions)
    engines = definitions.engines_of(inventory)
    constants = (
        *inventory_series.constants(inventory, engines),
        *inventory_series.predicted(predict(inventory, definitions).total),
    )
    components = (
        rules.component(built, constants, inventory.settings),
        *boards.components(built),
        *alerting.components(inventory),
        *scraping.components(inventory, engines),
        *exporters.components(inventory),
    )
    below = {f"kubernetes/{path}": text for path, text in kustomization.files(components).items()}
    runbooks = {path: text for path, text in built.items() if path.startswith("runbooks/")}
    return dict(sorted({**below, **runbooks}.items()))


TARGET = Target(
    name="kubernetes",
    title="Prometheus Operator, with Grafana's sidecar or grafana-operator",
    files=_files,
    next_step="kubectl apply --server-side -k {output}/kubernetes",
)
