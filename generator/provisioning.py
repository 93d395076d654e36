"""What a Grafana reads at its start: where the series are and where the boards lie."""

from generator.yaml_text import dump
from modelwatch.inventory import RemoteWrite, Settings

PROMETHEUS = "modelwatch-prometheus"
ALERTMANAGER = "modelwatch-alertmanager"
LONG_TERM = "modelwatch-long-term"
BOARDS_PATH = "/var/lib/grafana/dashboards/modelwatch"
_HEADER = "Written by modelwatch from the inventory; changes here are overwritten."


def files(settings: Settings, *, boards_path: str = BOARDS_PATH) -> dict[str, str]:
    """Path below Grafana's provisioning directory to text.

    `boards_path` is where that Grafana finds the boards' JSON files.
    """
    return {
        "dashboards/modelwatch.yml": dump(_boards(boards_path), header=_HEADER),
        "datasources/modelwatch.yml": dump(_datasources(settings), header=_HEADER),
    }


def _datasources(settings: Settings) -> dict[str, object]:
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "modelwatch Prometheus",
                "type": "prometheus",
                "uid": PROMETHEUS,
                "access": "proxy",
                "url": literal(settings.prometheus_url),
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "httpMethod": "POST",
                    # Grafana derives `$__rate_interval` from it: it must be the scrape interval.
                    "timeInterval": settings.scrape_interval,
                    "prometheusType": "Prometheus",
                    "manageAlerts": True,
                    "alertmanagerUid": ALERTMANAGER,
                },
            },
            {
                "name": "modelwatch Alertmanager",
                "type": "alertmanager",
                "uid": ALERTMANAGER,
                "access": "proxy",
                "url": literal(settings.alertmanager_url),
                "editable": False,
                "jsonData": {
                    "implementation": "prometheus",
                    "handleGrafanaManagedAlerts": False,
                },
            },
            *(_storage(one, number, settings) for number, one in enumerate(_asked(settings), 1)),
        ],
    }


def _asked(settings: Settings) -> list[RemoteWrite]:
    return [one for one in settings.remote_write if one.query_url]


def _storage(one: RemoteWrite, number: int, settings: Settings) -> dict[str, object]:
    """Long-term storage: boards choose it by hand, for its results are some seconds older."""
    suffix = "" if number == 1 else f"-{number}"
    return {
        "name": f"modelwatch long-term{suffix}",
        "type": "prometheus",
        "uid": f"{LONG_TERM}{suffix}",
        "access": "proxy",
        "url": literal(one.query_url),
        "isDefault": False,
        "editable": False,
        "jsonData": {
            "httpMethod": "POST",
            "timeInterval": settings.scrape_interval,
            "manageAlerts": False,
        },
    }


def _boards(path: str) -> dict[str, object]:
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "modelwatch",
                "orgId": 1,
                "folder": "modelwatch",
                "folderUid": "modelwatch",
                "type": "file",
                "disableDeletion": False,
                "updateIntervalSeconds": 30,
                "allowUiUpdates": False,
                "options": {"path": path, "foldersFromFilesStructure": False},
            }
        ],
    }


def secret(path: str) -> str:
    """Stands for what is in a file, which Grafana reads itself."""
    return f"$__file{{{path}}}"


def literal(text: str) -> str:
    """Text in which Grafana, which expands `$NAME` in these files, finds nothing to expand."""
    return text.replace("$", "$$")
