"""Printed totals compared with their parts: values that disagree are stored as printed and listed by the view."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.warehouse.database import Connection, read_clock
from service.warehouse.definitions import Definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue

# What the report prints twice and differently: check, as printed, from its parts.
DISAGREEMENTS = {
    "crime_conviction_of_identified_ratio_all_cycle_5": (0.63, 85 / 294),
    "crime_trial_ratio_unifil_cycle_5": (1, 7),
    "crime_tried_of_detained_unifil_cycle_5": (1, 7),
    "explosive_risk_education_recipients_2023_10_01_2024_08_31": (460_000, 467_700),
    "headline_pki_academy_trainees_cycle_5": (87, 44),
    "headline_tpp_trainees_cycle_5": (143, 306),
    "headline_tpp_trainees_women_ratio_cycle_5": (0.29, 0.22),
    "headline_tpp_trainings_cycle_5": (10, 19),
    "hospital_outage_ratio_equipment_unmiss_cycle_5": (0.815, 247 / 182),
    "hospital_outage_ratio_personnel_unmiss_cycle_5": (0.099, 30 / 182),
    "tpp_trainees_cycle_5": (306, 314),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Connection]:
    warehouse = open_warehouse(tmp_path_factory.mktemp("report") / "warehouse.duckdb", 1, "1GB")
    store_catalogue(warehouse, definitions.catalogue, read_clock())
    load_files(warehouse, LoadRequest(files=definitions.observation_files, loaded_by="the tests"), is_shipped=True)
    with warehouse.cursor() as cursor:
        yield cursor
    warehouse.close()


def test_only_the_known_disagreements_of_the_report_are_listed(report: Connection) -> None:
    rows = report.execute("select check_name, expected, computed from reconciliation where not agrees").fetchall()
    assert {name: (expected, computed) for name, expected, computed in rows} == {
        name: (pytest.approx(expected), pytest.approx(computed)) for name, (expected, computed) in DISAGREEMENTS.items()
    }


def test_totals_that_agree_are_listed_too(report: Connection) -> None:
    agreeing = dict(report.execute("select check_name, computed from reconciliation where agrees").fetchall())
    assert agreeing["hospitals_cycle_5"] == 19
    assert agreeing["sea_allegations_2023"] == 98


def test_checks_have_unique_names(report: Connection) -> None:
    assert report.execute("select check_name from reconciliation group by all having count(*) > 1").fetchall() == []


def test_disagreeing_values_are_stored_as_printed(report: Connection) -> None:
    printed = "select value from observations where indicator = ? and mission = 'ALL' and period_end = ? and dimensions = ?"
    assert report.execute(printed, ["tpp_trainees", "2024-04-30", {"training": "All"}]).fetchall() == [(306,)]
    assert report.execute(printed, ["explosive_risk_education_recipients", "2024-08-31", {}]).fetchall() == [(460_000,)]


def test_completeness_counts_who_reported(report: Connection) -> None:
    rows = report.execute(
        "select period, missions_expected, missions_reported from completeness where indicator = 'sofa_incidents_total' "
        "and period in ('cycle 5', 'cycle 6') order by period"
    ).fetchall()
    # UNIFIL and UNISFA are under validation in cycle 5. Nothing was loaded for the later cycles that have ended.
    assert rows == [("cycle 5", 8, 6), ("cycle 6", 8, 0)]
