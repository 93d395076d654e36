"""Prometheus node exporter: the hosts of a GPU pool."""

from modelwatch.engine import Engine, Expression, Page

_NO_DISK = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660"'

ENGINE = Engine(
    name="node_exporter",
    title="node exporter",
    versions=("1.5",),
    port=9100,
    kind="host",
    rows=(
        Expression(
            signal="host_cpu",
            expr='1 - avg by (job, instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
            metrics=("node_cpu_seconds_total",),
            across="max",
        ),
        Expression(
            signal="host_memory",
            expr="1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
            metrics=("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
            across="max",
        ),
        Expression(
            signal="host_disk",
            expr=f"1 - node_filesystem_avail_bytes{{{_NO_DISK}}} / node_filesystem_size_bytes",
            metrics=("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
            across="max",
        ),
    ),
    notes=("The host is the target without its port; the disk is the fullest file system.",),
    pages=(Page(file="node_exporter-1.5.prom", version="1.5"),),
)
