"""Storages that Prometheus sends samples to: how each is reached, and what it is sent."""

from collections.abc import Iterator
from typing import Any

from modelwatch.catalogue import Layer, metrics
from modelwatch.inventory import RemoteWrite, Settings


def remote_write(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The section of prometheus.yml; nothing when there is no storage."""
    if not settings.remote_write:
        return {}
    return {"remote_write": [_storage(one, settings) for one in settings.remote_write]}


def recorded(settings: Settings) -> str:
    """A pattern of everything that rules record. Alerts are kept as they fired here.

    Our layers are named, for a colon alone means nothing: there are engines that expose it.
    """
    layers = sorted({metric.name.partition(":")[0] for metric in metrics() if ":" in metric.name})
    return "|".join((f"(?:{'|'.join(layers)}):.+", *_constants(settings)))


def _constants(settings: Settings) -> Iterator[str]:
    """The inventory's own series, unless an exporter serves them: then they are scraped."""
    if settings.constants == "rules":
        yield from sorted(one.name for one in metrics() if one.layer is Layer.INVENTORY)


def _storage(one: RemoteWrite, settings: Settings) -> dict[str, Any]:
    parts: dict[str, Any] = {"url": one.url}
    if one.send == "scraped":
        parts["write_relabel_configs"] = [
            {"source_labels": ["__name__"], "regex": recorded(settings), "action": "drop"}
        ]
    if one.username:
        login = {"username": one.username, "password_file": one.password_file}
        parts["basic_auth"] = login
    if one.token_file:
        parts["authorization"] = {"credentials_file": one.token_file}
    if one.ca_file:
        parts["tls_config"] = {"ca_file": one.ca_file}
    if one.headers:
        parts["headers"] = dict(one.headers)
    return parts
