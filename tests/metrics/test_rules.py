"""The Prometheus rules: one for each metric and comparison, with their texts. tests/stack evaluates them."""

from __future__ import annotations

from pathlib import Path

import yaml
from flask.testing import FlaskClient

from metrics.rules import list_compared, name_alert, render_rules
from metrics.thresholds import COMPARISONS
from service.alerting.thresholds import list_metrics
from service.warehouse.definitions import Definitions
from tests.service_process import run_a4p

# Pages of one indicator and of one KPI stand for all: they are one route.
SHOWN = ("/indicators/sofa_incidents_new?", "/indicators/sofa_incidents_new_share?")


def test_every_metric_and_comparison_has_one_alert(definitions: Definitions) -> None:
    compared = list_compared(definitions.catalogue, definitions.kpis)
    assert [one.metric for one in compared] == list_metrics(definitions)
    text = "".join(render_rules(definitions.catalogue, definitions.kpis).values())
    for one in compared:
        for comparison in COMPARISONS:
            assert text.count(f"- alert: {name_alert(one.name, comparison)}\n") == 1
    assert name_alert("sofa_incidents_new", "above") == "A4pSofaIncidentsNewAbove"


def test_the_rules_have_summary_description_and_link(definitions: Definitions) -> None:
    for file, text in render_rules(definitions.catalogue, definitions.kpis, "https://a4p.example.org").items():
        for rule in yaml.safe_load(text)["groups"][0]["rules"]:
            assert {"summary", "description", "link"} <= rule["annotations"].keys()
            assert rule["annotations"]["link"].startswith("https://a4p.example.org/")
            if file != "service.yml":
                assert {"value", "limit", "period_end", "source", "note"} <= rule["annotations"].keys()


def test_every_alert_links_to_an_existing_page(client: FlaskClient, definitions: Definitions) -> None:
    links = set()
    for text in render_rules(definitions.catalogue, definitions.kpis).values():
        for rule in yaml.safe_load(text)["groups"][0]["rules"]:
            link = rule["annotations"]["link"].removeprefix("http://{{ $labels.instance }}")
            links.add(link.replace("{{ $labels.mission }}", "UNMISS").replace("{{ $labels.indicator }}", "sofa_incidents_new"))
    asked = {link for link in links if not link.startswith("/indicators/") or f"{link}?".startswith(SHOWN)}
    assert len(asked) >= 4
    # Pages of administrators lead to the sign-in.
    expected = {link: 303 if link.startswith("/admin/") else 200 for link in asked}
    assert {link: client.get(link).status_code for link in asked} == expected


def test_rules_are_written_for_another_catalogue_and_address(tmp_path: Path) -> None:
    written = run_a4p("rules", "--output", str(tmp_path / "rules"), "--url", "https://a4p.example.org/")
    assert written.returncode == 0, written.stderr
    assert "https://a4p.example.org/indicators/" in (tmp_path / "rules" / "integration.yml").read_text()
