"""The Prometheus and Alertmanager files with other addresses: the same configuration otherwise."""

from __future__ import annotations

import pytest
import yaml

from metrics.addresses import (
    CONTAINERS,
    SHIPPED,
    SHIPPED_NGINX,
    SHIPPED_REPLICAS,
    Addresses,
    place_alertmanager,
    place_nginx,
    place_prometheus,
    render_container_files,
    render_container_nginx,
)
from metrics.catalogue import CatalogueError
from service.settings import find_in_tree

PROMETHEUS = (find_in_tree("prometheus") / "prometheus.yml").read_text()
ALERTMANAGER = (find_in_tree("prometheus") / "alertmanager.yml").read_text()
NGINX = (find_in_tree("nginx") / "a4p.conf").read_text()
ELSEWHERE = Addresses("10.0.0.1:1", "a4p.example.org", "10.0.0.2:2", "/rules/*.yml", "/secret/token")


def test_the_shipped_files_contain_the_shipped_addresses() -> None:
    assert place_prometheus(PROMETHEUS, SHIPPED) == PROMETHEUS
    assert place_alertmanager(ALERTMANAGER, SHIPPED) == ALERTMANAGER
    assert place_nginx(NGINX, SHIPPED_REPLICAS, SHIPPED_NGINX) == NGINX


def test_each_address_is_written_where_it_belongs() -> None:
    prometheus = yaml.safe_load(place_prometheus(PROMETHEUS, ELSEWHERE))
    (target,) = prometheus["scrape_configs"][0]["static_configs"]
    assert target == {"targets": ["10.0.0.1:1"], "labels": {"instance": "a4p.example.org"}}
    assert prometheus["remote_read"][0]["url"] == "http://10.0.0.1:1/api/v1/read"
    assert prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["10.0.0.2:2"]
    assert prometheus["rule_files"] == ["/rules/*.yml"]
    receivers = {each["name"]: each for each in yaml.safe_load(place_alertmanager(ALERTMANAGER, ELSEWHERE))["receivers"]}
    (webhook,) = receivers["a4p"]["webhook_configs"]
    assert webhook["url"] == "http://10.0.0.1:1/api/v1/alerts"
    assert webhook["http_config"]["authorization"]["credentials_file"] == "/secret/token"


def test_only_the_addresses_change() -> None:
    back = [(f'"{ELSEWHERE.instance}"', f'"{SHIPPED.instance}"'), (ELSEWHERE.service, SHIPPED.service)]
    back += [(ELSEWHERE.alertmanager, SHIPPED.alertmanager), (ELSEWHERE.rules, SHIPPED.rules)]
    text = place_prometheus(PROMETHEUS, ELSEWHERE)
    for placed, shipped in back:
        text = text.replace(placed, shipped)
    assert text == PROMETHEUS


def test_a_file_without_the_shipped_addresses_is_an_error() -> None:
    with pytest.raises(CatalogueError, match=r"prometheus\.yml: .*127\.0\.0\.1:8000.* not found"):
        place_prometheus("scrape_configs: []", ELSEWHERE)


def test_the_files_for_containers_reach_no_loopback() -> None:
    files = {name: yaml.safe_load(text) for name, text in render_container_files(PROMETHEUS).items()}
    assert set(files) == {"prometheus.yml", "prometheus-lake.yml"}
    for file in files.values():
        instance = file["scrape_configs"][0]["static_configs"][0].pop("labels")
        assert instance == {"instance": CONTAINERS.instance}, "which people open, not Prometheus"
    assert "127.0.0.1" not in str(files)
    assert "127.0.0.1" not in render_container_nginx(NGINX)
