"""A Prometheus, an Alertmanager and a Grafana that read files: what `generate` writes by itself."""

from generator.build import build
from generator.targets import Target

TARGET = Target(
    name="prometheus",
    title="Prometheus, Alertmanager and Grafana that read files",
    files=build,
    next_step="promtool test rules {output}/prometheus/tests/*.yml",
)
