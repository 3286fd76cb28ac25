"""The overview: its sentences, key indicators, map and groups by mission."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from service.alerting.alerts import Notification, record_notification
from service.application import Application
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.published_report import publish_report

CASES = yaml.safe_load((Path(__file__).parent / "briefing.yaml").read_text())
PERIODS = {4: ("2023-05-01", "2023-10-31"), 5: ("2023-11-01", "2024-04-30"), 6: ("2024-05-01", "2024-10-31")}


def write_file(file: Path, observations: Sequence[Sequence[Any]]) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["indicator", "mission", "period_start", "period_end", "value", "source", "dimensions"])
        for indicator, mission, period, value, *dimensions in observations:
            start, end = PERIODS.get(period) or (f"{period}-01-01", f"{period}-12-31")
            labels = ";".join(f"{name}={label}" for name, label in dimensions[0].items()) if dimensions else ""
            writer.writerow([indicator, mission, start, end, value, "a test", labels])
    return file


def read_texts(text: str, pattern: str) -> list[str]:
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", found)).split()) for found in re.findall(pattern, text, re.S)]


def read_sentences(client: FlaskClient, query: str = "") -> list[str]:
    """Return the sentences of the overview, without the marks before them."""
    text = client.get(f"/{query}").get_data(as_text=True)
    listed = text.partition('<ul class="sentences">')[2].partition("</ul>")[0]
    return read_texts(listed, r"<li><span.*?</span><span>(.*?)</span></li>")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("overview") / "data", definitions) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(report: Application) -> FlaskClient:
    return make_app(report).test_client()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_sentences_of_given_observations(tmp_path: Path, definitions: Definitions, case: dict[str, Any]) -> None:
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions)
    try:
        if "load" in case:
            opened.loads.load(LoadRequest(files=(write_file(tmp_path / "given.csv", case["load"]),), loaded_by="a test"))
        opened.refresh()
        assert read_sentences(make_app(opened).test_client(), f"?as_of={case['as_of']}") == case["expected"]
    finally:
        opened.close()


def test_the_report_is_briefed_in_five_sentences_with_links(client: FlaskClient) -> None:
    assert read_sentences(client, "?as_of=2024-07-15") == [
        "Impact of SOFA or SOMA incidents in UNISFA stood at high for Civilian movement, Mandated tasks and Uniformed "
        "movement, above the limit of medium and the highest of 4 missions (cycle 5, provisional).",
        "Days with impaired hospital care (Equipment) in UNMISS stood at 247 days, above the limit of 30 days "
        "(cycle 5, provisional).",
        "Military unit evaluations in UNIFIL fell from 12 to 4 (cycle 5).",
        "Peacekeeper fatalities by year (Malicious act) in MONUSCO fell from 13 to 1 (2023).",
        "32 reports are overdue, from 11 missions.",
    ]
    text = client.get("/?as_of=2024-07-15").get_data(as_text=True)
    listed = text.partition('<ul class="sentences">')[2].partition("</ul>")[0]
    paths = [html.unescape(path) for path in re.findall(r'href="([^"]+)"', listed)]
    assert paths[2] == "/indicators/military_unit_evaluations?mission=UNIFIL&as_of=2024-07-15"
    assert paths[4] == "#late"
    assert all(client.get(path).status_code == 200 for path in paths[:4])


def test_values_known_only_later_are_not_in_the_sentences(client: FlaskClient) -> None:
    assert read_sentences(client, "?known_at=2020-01-01")[0] == "No value is reported by this date."


def test_closed_missions_are_not_on_the_overview(client: FlaskClient) -> None:
    # MINUSMA breaches a threshold.
    assert "MINUSMA" in client.get("/priorities/accountability_to_peacekeepers").get_data(as_text=True)
    assert "MINUSMA" not in client.get("/").get_data(as_text=True)


def test_key_indicators_have_value_change_and_breach(client: FlaskClient) -> None:
    text = client.get("/").get_data(as_text=True)
    listed = text.partition('<ul class="keys">')[2].partition("</ul>")[0]
    keys = {name: " ".join(found) for name, *found in (part.split("\n", 1) for part in read_parts(listed))}
    assert keys["New SOFA or SOMA incidents"].startswith("125 highest value of a mission: UNMISS · cycle 5")
    assert keys["New SOFA or SOMA incidents"].endswith("warning UNMISS")
    assert keys["Serious misconduct allegations"].startswith("364 +81 worse peacekeeping as a whole · 2023")
    assert keys["Share of field hospitals that sent reports"].endswith("breach in UNDOF, UNIFIL")
    assert keys["Triangular Partnership trainees"].endswith("no threshold")
    assert keys["Crimes against peacekeepers investigated by the host state"].endswith("no breach")


def read_parts(listed: str) -> list[str]:
    """Return title and text of each key indicator, separated by a line break."""
    titles = read_texts(listed, r"<h3>(.*?)</h3>")
    rests = read_texts(listed, r"</h3>(.*?)</li>")
    return [f"{title}\n{rest}" for title, rest in zip(titles, rests, strict=True)]


def test_the_map_links_each_active_mission_with_its_state(client: FlaskClient, definitions: Definitions) -> None:
    text = client.get("/").get_data(as_text=True)
    wide = text.partition('<svg class="map-wide"')[2].partition("</svg>")[0]
    links = dict(re.findall(r'<a href="/missions/(\w+)" aria-label="([^"]+)">', wide))
    active = [entry.mission for entry in definitions.catalogue.missions if entry.status == "active"]
    assert list(links) == active
    assert links["UNISFA"] == "UNISFA, Abyei: 3 breaches, critical"
    assert links["UNMIK"] == "UNMIK, Kosovo: no breach"
    # Before their missions opened, they have no symbol.
    earlier = client.get("/?as_of=2010-01-01").get_data(as_text=True)
    assert "/missions/UNTSO" in earlier and "/missions/UNISFA" not in earlier


def test_breaches_are_grouped_by_mission_with_the_most_severe_first(client: FlaskClient) -> None:
    text = client.get("/").get_data(as_text=True)
    groups = text.partition('<div class="troubles">')[2].partition("</div>")[0]
    assert read_texts(groups, r"<h3>(.*?)</h3>") == ["UNISFA", "UNIFIL", "UNMISS", "UNDOF", "Peacekeeping as a whole"]


def test_firing_alerts_are_grouped_by_mission_with_values_in_their_unit(client: FlaskClient, report: Application) -> None:
    metric = "a4p_military_evaluation_coverage_ratio"
    for status in ("firing", "resolved"):
        alerts = [
            {
                "status": status,
                "fingerprint": fingerprint,
                "labels": {"alertname": "A4pTest", "severity": "warning", "metric": metric, "mission": mission},
                "annotations": {"summary": f"Evaluations of {mission} are below their limit", "value": "0.0976"},
                "startsAt": "2024-05-01T00:00:00Z",
                "endsAt": "2024-05-02T00:00:00Z",
            }
            for fingerprint, mission in (("a1", "UNIFIL"), ("a2", "MINUSMA"))
        ]
        body = json.dumps({"version": "4", "alerts": alerts})
        record_notification(report.warehouse, Notification.model_validate_json(body), report.clock())
        text = client.get("/").get_data(as_text=True)
        group = text.partition('<div class="troubles">')[2].partition(">UNIFIL</a></h3>")[2].partition("</section>")[0]
        assert ("/alerts/a1" in group) == (status == "firing")
        # Alerts about closed missions are on /alerts only.
        assert "MINUSMA" not in text
        if status == "firing":
            assert "2 alerts</a> received" in text and "1 about closed missions is not listed here" in text
            (alert,) = read_texts(group, r'<a href="/alerts/a1">(.*?)</li>')
            assert alert.startswith(
                "Evaluations of UNIFIL are below their limit : 9.8 % when fired, now 9.8 % since 2024-05-01"
            )
