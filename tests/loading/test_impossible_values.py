"""A ratio above its maximum, as 7 tried of 1 detained in UNIFIL: flagged wherever it is shown, and clipped in charts."""

from __future__ import annotations

import json
from datetime import date

import pytest
from flask.testing import FlaskClient

from metrics.charts import Point, draw_history
from metrics.comparisons import Bar, draw_comparison
from metrics.kpi_file import Kpi
from metrics.vega import Chart
from service.application import Application
from service.documents.report import read_cycle
from service.documents.tables import tabulate_missions
from service.warehouse.definitions import Definitions
from service.web.pages.missions import place_on_strip

FLAG = "#impossible"


def find_highest(chart: Chart) -> float:
    """Return the highest value that a chart draws."""
    rows = json.loads(chart.spec)["data"]["values"]
    drawn = [row[name] for row in rows for name in ("value", "edge") if row.get(name) is not None]
    return max(drawn)


@pytest.mark.parametrize(
    "path",
    [
        "/indicators/crime_trial_ratio",
        "/missions/UNIFIL",
        "/missions/MONUSCO",
        "/priorities/accountability_to_peacekeepers",
    ],
)
def test_a_page_flags_an_impossible_value_and_links_to_quality(client: FlaskClient, path: str) -> None:
    text = client.get(path).get_data(as_text=True)
    assert FLAG in text and "impossible" in text


def test_a_page_without_impossible_values_has_no_flag(client: FlaskClient) -> None:
    assert FLAG not in client.get("/indicators/military_evaluation_coverage_ratio").get_data(as_text=True)


def test_quality_lists_an_impossible_value_with_its_inputs(client: FlaskClient) -> None:
    text = client.get("/quality").get_data(as_text=True)
    section = text[text.index('id="impossible"') : text.index('id="completeness"')]
    assert "UNIFIL" in section and "700" in section
    assert "crime_suspects_tried?mission=UNIFIL" in section and "crime_suspects_detained?mission=UNIFIL" in section


def test_the_view_kpis_has_the_maximum(client: FlaskClient) -> None:
    assert client.get("/api/v1/kpis/crime_trial_ratio").get_json()["row"]["maximum"] == 1


def test_every_kpi_of_parts_has_a_maximum_and_changes_have_none(definitions: Definitions) -> None:
    bounded = {kpi.kpi for kpi in definitions.kpis if kpi.maximum == 1}
    assert {"crime_trial_ratio", "hospital_reporting_coverage_ratio", "sofa_incidents_new_share"} <= bounded
    unbounded: list[Kpi] = [kpi for kpi in definitions.kpis if kpi.kpi.endswith(("_change_ratio", "evaluation_coverage_ratio"))]
    assert unbounded and not bounded & {kpi.kpi for kpi in unbounded}


def test_an_impossible_value_does_not_set_the_scale_of_a_comparison() -> None:
    bars = [Bar("UNIFIL", 7.0), Bar("MINUSCA", 0.5)]
    chart = draw_comparison(bars, "ratio", "Tried", maximum=1)
    assert find_highest(chart) == 1
    assert "700" in chart.spec and "impossible" in chart.spec


def test_an_impossible_value_does_not_set_the_scale_of_a_history() -> None:
    days = [(date(2023, 5, 1), date(2023, 10, 31)), (date(2023, 11, 1), date(2024, 4, 30))]
    points = [Point("UNIFIL", str(end), start, end, value) for (start, end), value in zip(days, (7.0, 0.5), strict=True)]
    chart = draw_history(points, "ratio", "Tried", maximum=1)
    assert find_highest(chart) == 1
    assert "700" in chart.spec and "impossible" in chart.spec


def test_an_impossible_value_does_not_set_the_scale_of_a_mission_s_strip() -> None:
    others = {"missions": 3, "minimum": 0.2, "median": 0.5, "maximum": 7.0}
    clipped = place_on_strip(0.6, {**others, "maximum": 1.0})
    assert place_on_strip(0.6, others, 1.0) == clipped


def test_the_document_of_a_cycle_marks_an_impossible_value(application: Application) -> None:
    assert application.read_copy
    report = read_cycle(application.read_copy, 5)
    priority = next(entry for entry in report.priorities if entry.priority == "accountability_to_peacekeepers")
    table = tabulate_missions(priority.indicators, priority.kpis, [mission for mission, _ in report.missions])
    assert table is not None
    row = next(row for row in table.rows if row.label.startswith("KPI: Detained suspects"))
    marked = [column for column, cell in zip(table.columns[1:], row.cells, strict=True) if cell.value.endswith("!")]
    assert marked == ["UNIFIL"]
