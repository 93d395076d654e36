"""Every page a person is sent to by a running stack, in headless Chromium.

A real stack, a real notification: its links are opened as whoever is on call would open them.
Debian builds Alertmanager without its pages, so of these only the address is proved.
"""

import json
import re
import threading
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import requests

from compose.demo import webhook
from compose.native import grafana
from compose.native import stack as native
from compose.native.stack import Stack
from compose.ports import free_port
from generator import stack as commands
from tests import real
from tests.browser import Seen, chromium, look
from tests.command import run
from tests.small_site import eventually, page

pytestmark = [pytest.mark.servers, pytest.mark.real, pytest.mark.slow]

TEXT = """\
settings: {{scrape_interval: 15s, time_compression: 20, runbook_url: "{inbox}/runbooks"}}
teams:
  assist: {{page: on-call, ticket: on-call, contact: "#assist"}}
receivers:
  on-call: {{slack: {{channel: "#assist", url_file: {folder}/url}}}}
engines:
  shelf: {{model_label: m, signals: {{requests_running: {{gauge: shelf_running}}}}}}
models:
  - name: chat
    team: assist
    tier: 1
    sources: [{{engine: shelf, targets: ["127.0.0.1:{shelf}"], model: chat}}]
  - name: gone
    team: assist
    tier: 1
    sources: [{{engine: shelf, targets: ["127.0.0.1:{nobody}"], model: gone}}]
exporters:
  probe: {{targets: ["127.0.0.1:{probe}"]}}
  quality: {{targets: ["127.0.0.1:{quality}"]}}
  inventory: {{targets: ["127.0.0.1:{inventory}"]}}
gpus:
  - pool: l4
    team: assist
    cards: 1
    sources: [{{engine: modelwatch_gpu, targets: ["127.0.0.1:{gpu}"]}}]
"""
EXPORTERS = ("probe", "quality", "inventory", "gpu")


class Site:
    """A stack with a model that is down, and what was sent about it."""

    def __init__(self, stack: Stack, ports: dict[str, int], message: str) -> None:
        self.stack, self.ports, self.message = stack, ports, message

    def link(self, title: str) -> str:
        """Where the words of the message lead to."""
        (found,) = set(re.findall(rf"<([^|>]+)\|{title}>", self.message))
        return str(found)


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    chromium()
    for name in ("prometheus", "alertmanager"):
        real.program(name)
    folder = tmp_path_factory.mktemp("site")
    file = folder / "models.yaml"
    inbox = webhook.Inbox()
    with pytest.MonkeyPatch.context() as patch, page('shelf_running{m="chat"} 3\n') as shelf:
        patch.chdir(folder)
        patch.setattr(grafana, "find", lambda _=None: None)
        patch.setattr(native, "is_free", lambda _: False)  # beside a stack on the usual ports
        runbooks = commands.data_dir(str(file)).absolute() / "config" / "runbooks"
        server = webhook.server(0, inbox, runbooks)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            at = f"http://127.0.0.1:{server.server_address[1]}"
            (folder / "url").write_text(f"{at}/on-call\n")
            (folder / "url").chmod(0o600)
            ports = {name: free_port() for name in EXPORTERS}
            file.write_text(
                TEXT.format(folder=folder, inbox=at, shelf=shelf, nobody=free_port(), **ports)
            )
            said = run("up", "--native", file)
            assert said.code == 0, said.err
            found = native.state(commands.data_dir(str(file)))
            assert found
            eventually(lambda: _about("gone", inbox))
            yield Site(found, ports, _about("gone", inbox))
        finally:
            run("down", file)
            server.shutdown()
            thread.join()
            server.server_close()


def _about(model: str, inbox: webhook.Inbox) -> str:
    """The first message that names the model, as Slack gets it."""
    texts = [json.dumps(one, ensure_ascii=False) for one in inbox.listed()]
    return next((text for text in texts if f"ModelEndpointDown: {model}" in text), "")


def nothing_is_wrong(seen: Seen) -> None:
    assert not seen.complaints
    assert "Failed queries" not in seen.text


def test_the_board_of_a_notification_is_that_of_its_model_and_time(site: Site) -> None:
    link = site.link("Board")
    assert link.startswith(f"{site.stack.ports.boards_url}/d/modelwatch-")
    assert re.search(r"from=\d{13}&to=now$", link)
    seen = look(link, "notification-board", height=2200)
    nothing_is_wrong(seen)
    assert '<option value="gone" selected' in seen.dom
    assert re.search(r"last (1h|6[1-9]m) until ", seen.text)


def test_the_runbook_of_a_notification_is_that_of_its_alert(site: Site) -> None:
    seen = look(site.link("Runbook"), "notification-runbook")
    nothing_is_wrong(seen)
    assert "# ModelEndpointDown" in seen.text
    assert "amtool silence add alertname=ModelEndpointDown" in seen.text


def test_the_expression_of_an_alert_is_seen_in_prometheus(site: Site) -> None:
    alerts = requests.get(f"{site.stack.alertmanager_url}/api/v2/alerts", timeout=10).json()
    link = next(
        one["generatorURL"] for one in alerts if one["labels"]["alertname"] == "ModelEndpointDown"
    )
    assert link.startswith(f"{site.stack.prometheus_url}/graph?g0.expr=")
    seen = look(link, "prometheus-expression")
    assert not [one for one in seen.complaints if "Unexpected token 'export'" not in one]
    assert 'model="gone"' in seen.text  # a row of the answer
    assert 'model="chat"' not in seen.text


def test_the_title_of_a_notification_leads_to_its_board(site: Site) -> None:
    assert set(re.findall(r'"title_link": "([^"]+)"', site.message)) == {site.link("Board")}


def test_alertmanager_answers_where_its_alerts_and_silences_are_linked(site: Site) -> None:
    seen = look(f"{site.stack.alertmanager_url}/#/silences/new", "alertmanager", height=700)
    nothing_is_wrong(seen)
    assert "Alertmanager" in seen.text
    debian = "The Debian package of the alertmanager does not include a web application."
    assert "New Silence" in seen.text or debian in seen.text


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_first_page_of_an_exporter_says_what_it_is(site: Site, name: str) -> None:
    at = f"http://127.0.0.1:{site.ports[name]}/"
    seen = look(at, f"exporter-{name}", height=600)
    nothing_is_wrong(seen)
    assert f"exporter {name}" in seen.text
    assert "?" in seen.text  # its question
    assert {"/metrics", "/-/healthy", "/-/ready"} <= set(seen.links)
    for link in seen.links:
        assert requests.get(urljoin(at, link), timeout=10).ok
