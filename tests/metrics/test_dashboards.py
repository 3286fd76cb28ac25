"""The dashboards: required parts of panels, positions and numbers, and additions to the catalogue without code changes."""

from __future__ import annotations

import csv
import difflib
import json
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import units

from metrics.dashboards import labels, render_dashboards
from metrics.dashboards.labels import Contents
from metrics.dashboards.safety import CAUSE_COLOURS
from service.commands.generate import list_generated
from service.errors import SdkMissing
from service.settings import find_in_tree
from service.warehouse.definitions import Definitions, read_definitions
from tests.grafana_dashboard import COLUMNS, GrafanaDashboard

BACKGROUNDS = {"dark": "#181B1F", "light": "#FFFFFF"}
# For graphical objects and large text, by the accessibility guidelines WCAG 2.2.
MIN_CONTRAST = 3
# Letters of a title, without its part, that fit the column of a table.
MAX_ROW_TITLE = 48
FILES = sorted((find_in_tree("grafana") / "dashboards").glob("*.json"))
# The ids of Grafana's units, as its SDK lists them; a date may be written by a pattern of its own.
KNOWN_UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_every_dashboard_is_checked_in_and_no_other(definitions: Definitions) -> None:
    rendered = render_dashboards(definitions.catalogue, definitions.kpis)
    assert {file.name: file.read_text(encoding="utf-8") for file in FILES} == rendered


@each_file
def test_a_file_is_named_by_the_uid_of_its_dashboard(file: Path) -> None:
    assert GrafanaDashboard(file).uid == file.stem


@each_file
def test_every_panel_has_a_noun_phrase_as_title_a_description_and_a_text_for_no_data(file: Path) -> None:
    titles = [panel["title"] for panel in GrafanaDashboard(file).panels]
    assert len(set(titles)) == len(titles)
    for panel in GrafanaDashboard(file).panels:
        assert not panel["title"].endswith(("?", ".")), panel["title"]
        assert len(panel["description"]) > 30, panel["title"]
        if panel.get("targets"):
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


@each_file
def test_panels_have_unique_numbers_and_do_not_overlap(file: Path) -> None:
    panels = json.loads(file.read_text(encoding="utf-8"))["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        squares = {
            (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
        }
        assert not squares & taken, panel["title"]
        taken |= squares


def list_units(panel: dict[str, Any]) -> set[str]:
    overridden = [
        one["value"] for override in panel["fieldConfig"]["overrides"] for one in override["properties"] if one["id"] == "unit"
    ]
    return {*overridden, panel["fieldConfig"]["defaults"].get("unit", "none")}


@each_file
def test_every_unit_is_one_of_grafana(file: Path) -> None:
    for panel in GrafanaDashboard(file).panels:
        if "fieldConfig" in panel:
            unknown = {unit for unit in list_units(panel) if not unit.startswith(("time:", "suffix: "))} - KNOWN_UNITS
            assert not unknown, panel["title"]


@each_file
def test_a_dashboard_refreshes_slowly(file: Path) -> None:
    assert GrafanaDashboard(file).model["refresh"] == "30m"


def find_first_day(definitions: Definitions, names: Iterable[str]) -> str:
    """Return the first day of the first period among the shipped observations of these indicators."""
    chosen = frozenset(names)
    texts = [file.read_text(encoding="utf-8") for file in definitions.observation_files]
    rows = [row for text in texts for row in csv.DictReader(text.splitlines())]
    return min(row["period_start"] for row in rows if row["indicator"] in chosen)


def test_the_time_range_of_a_dashboard_starts_with_its_first_value(definitions: Definitions) -> None:
    indicators = [indicator for _, indicator in definitions.catalogue.indicators]
    # Values since an earlier year are those of their last day.
    reported = [one.indicator for one in indicators if one.counted_from is None and not one.cumulative]
    first = {
        "a4p-safety": find_first_day(definitions, ["fatalities"]),
        "a4p-host-country": find_first_day(definitions, ["sofa_incidents_new", "sofa_impact_level"]),
        "a4p-overview": find_first_day(definitions, reported),
    }
    for other in ("a4p-priority", "a4p-indicator", "a4p-accountability", "a4p-data-quality"):
        first[other] = first["a4p-overview"]
    for uid, day in first.items():
        time_range = GrafanaDashboard(find_in_tree("grafana") / "dashboards" / f"{uid}.json").model["time"]
        assert time_range == {"from": f"{day}T00:00:00.000Z", "to": "now"}, uid


@each_file
def test_links_to_pages_of_the_service_begin_with_its_address_in_prometheus(file: Path) -> None:
    dashboard = GrafanaDashboard(file)
    pages = [link for link in dashboard.model["links"] if link["type"] == "link"]
    assert pages
    for link in pages:
        assert link["url"].startswith("http://${service}/"), link
    assert dashboard.variables["service"]["query"] == 'label_values(up{job="a4p"}, instance)'
    assert set(re.findall(r"\$\{(\w+)\}", " ".join(link["url"] for link in pages))) <= dashboard.variables.keys()


@each_file
def test_the_meaning_of_colours_is_in_one_legend(file: Path) -> None:
    legends = [panel for panel in GrafanaDashboard(file).panels if panel["title"] == "Meaning of colours"]
    # The colours of that dashboard are causes and missions, which its charts name.
    assert len(legends) == (file.stem != "a4p-safety")


def compute_contrast(colour: str, background: str) -> float:
    def compute_luminance(code: str) -> float:
        channels = [int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    darker, lighter = sorted(compute_luminance(code) for code in (colour, background))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", BACKGROUNDS)
def test_colours_of_text_and_lines_are_visible_in_both_themes(theme: str) -> None:
    shown = [labels.GOOD, labels.BAD, labels.WARNING, labels.UNCERTAIN, labels.ABSENT, labels.VALUE, *labels.MISSION_COLOURS]
    for colour in [*shown, *set(CAUSE_COLOURS.values()) - {CAUSE_COLOURS["Unknown"]}]:
        assert compute_contrast(colour, BACKGROUNDS[theme]) >= MIN_CONTRAST, colour


@each_file
def test_links_lead_to_existing_dashboards_and_preserve_the_time_range(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    uids = {one.stem for one in FILES}
    for panel in GrafanaDashboard(file).panels:
        overrides = panel.get("fieldConfig", {}).get("overrides", [])
        links = [link for one in overrides for value in one["properties"] if value["id"] == "links" for link in value["value"]]
        links += panel.get("fieldConfig", {}).get("defaults", {}).get("links", [])
        for link in links:
            address, _, query = link["url"].partition("?")
            assert address.removeprefix("/d/") in uids, link
            assert query.startswith("${__url_time_range}"), link
    assert '"keepTime": true' in text


@pytest.fixture
def other_catalogue(tmp_path: Path) -> Path:
    directory = tmp_path / "catalogue"
    directory.mkdir()
    for name in ("priorities", "missions", "closed_missions", "cycles", "limits", "thresholds"):
        shutil.copy(find_in_tree("metrics") / f"{name}.yaml", directory)
    for name in ("indicators", "feeds"):
        shutil.copytree(find_in_tree("metrics") / name, directory / name)
    return directory


def test_an_indicator_added_to_the_catalogue_is_on_its_panels(other_catalogue: Path, definitions: Definitions) -> None:
    file = other_catalogue / "indicators" / "integration.yaml"
    entry = {
        "indicator": "joint_visits",
        "title": "Joint visits, with others",
        "description": "Visits that the mission made together with others.",
        "unit": "count",
        "better": "higher",
        "frequency": "half_yearly",
        "source": "Peacekeeping missions",
        "expected_missions": ["UNMISS"],
        "dimensions": {"partner": ["Country team", "Host state"]},
        "minimum": 0,
        "whole": True,
    }
    file.write_text(file.read_text() + "\n" + yaml.safe_dump([entry]))
    limits = other_catalogue / "limits.yaml"
    limits.write_text(limits.read_text().replace("2500", "3000"))
    added = read_definitions(other_catalogue)
    shipped = render_dashboards(definitions.catalogue, definitions.kpis)
    rendered = render_dashboards(added.catalogue, added.kpis)
    assert rendered.keys() == shipped.keys()
    for name in rendered:
        # An added indicator adds lines and changes few: nothing is renumbered.
        changes = list(difflib.unified_diff(shipped[name].splitlines(), rendered[name].splitlines(), n=0))
        assert len(changes) < 200, name
    for name in ("a4p-overview.json", "a4p-indicator.json"):
        assert "Joint visits" in rendered[name] and "Joint visits" not in shipped[name]
    (other_catalogue / "a4p-indicator.json").write_text(rendered["a4p-indicator.json"])
    dashboard = GrafanaDashboard(other_catalogue / "a4p-indicator.json")
    assert "joint_visits" in dashboard.list_options("indicator")
    # A new dimension is part of the key of values, and half-yearly counts are bars.
    assert '\\"partner\\"' in rendered["a4p-overview.json"]
    bars = next(target["expr"] for panel in dashboard.panels for target in panel["targets"] if "offset -184d" in target["expr"])
    assert "joint_visits" in bars


def test_a_catalogue_without_a_subject_has_no_dashboard_of_it(other_catalogue: Path) -> None:
    (other_catalogue / "indicators" / "host_country_cooperation.yaml").unlink()
    smaller = read_definitions(other_catalogue)
    rendered = render_dashboards(smaller.catalogue, smaller.kpis)
    assert {file.name for file in FILES} - rendered.keys() == {"a4p-host-country.json"}
    assert "sofa_incidents_new" not in rendered["a4p-indicator.json"]


def test_without_the_library_of_dashboards_the_error_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("metrics.dashboards", "grafana_foundation_sdk"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)
    with pytest.raises(
        SdkMissing, match=r"grafana_foundation_sdk\S* is not installed. Run 'pip install -r requirements-dev.txt'"
    ):
        list_generated()


def test_a_row_has_the_short_title_of_its_indicator_or_kpi_if_there_is_one(definitions: Definitions) -> None:
    titles = Contents.make(definitions.catalogue, definitions.kpis).row_titles
    assert titles["misconduct_sanctions|Uniformed repatriated"] == "Uniformed repatriated · SEA sanctions"
    assert titles["crime_conviction_ratio|"] == "Tried suspects convicted, %"
    assert {title for title in titles.values() if len(title.rpartition(" · ")[2]) > MAX_ROW_TITLE} == set()


def test_row_titles_have_the_unit_and_the_part(definitions: Definitions) -> None:
    titles = Contents.make(definitions.catalogue, definitions.kpis).row_titles
    assert titles["sofa_incidents_new|"] == "New SOFA or SOMA incidents"
    assert titles["tpp_trainees_women_ratio|Medical"] == "Medical · Women among Triangular Partnership trainees, %"
    assert titles["tpp_trainees_women_ratio|All"] == "Women among Triangular Partnership trainees, %"
    assert titles["explosive_routes_cleared_meters|"] == "Routes verified free of explosives, km"
