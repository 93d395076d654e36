"""A Grafana that starts with our files finds its data source and its boards."""

import yaml

from generator.provisioning import files
from modelwatch.inventory import RemoteWrite, Settings


def test_the_data_source_knows_the_scrape_interval_that_rate_windows_come_from() -> None:
    text = files(Settings(scrape_interval="30s"))["datasources/modelwatch.yml"]
    prometheus, alertmanager = yaml.safe_load(text)["datasources"]
    assert prometheus["jsonData"]["timeInterval"] == "30s"
    assert prometheus["isDefault"]
    assert prometheus["jsonData"]["alertmanagerUid"] == alertmanager["uid"]


def test_a_storage_that_can_be_asked_is_a_data_source_that_is_not_the_default() -> None:
    url = "http://storage/api/v1/write"
    settings = Settings(
        remote_write=(RemoteWrite(url=url), RemoteWrite(url=url, query_url="http://storage/$x"))
    )
    _, _, storage = yaml.safe_load(files(settings)["datasources/modelwatch.yml"])["datasources"]
    assert storage["type"] == "prometheus"
    assert storage["url"] == "http://storage/$$x"
    assert not storage["isDefault"]


def test_a_dollar_in_an_address_is_not_expanded_by_grafana() -> None:
    settings = Settings(prometheus_url="http://prom/$team")
    source = yaml.safe_load(files(settings)["datasources/modelwatch.yml"])["datasources"][0]
    assert source["url"] == "http://prom/$$team"


def test_boards_are_read_from_where_they_lie_and_cannot_be_edited() -> None:
    text = files(Settings(), boards_path="/boards")["dashboards/modelwatch.yml"]
    (provider,) = yaml.safe_load(text)["providers"]
    assert provider["options"]["path"] == "/boards"
    assert provider["allowUiUpdates"] is False
