"""Breaches: which threshold governs a series, and which observations are beyond it."""

from __future__ import annotations

from datetime import date

import pytest

from service.application import Application
from tests.alerting.conftest import BREACHES, Put, Report, read


def test_a_mission_s_own_threshold_goes_before_the_general_one(application: Application, put: Put, report: Report) -> None:
    put(limit=10)
    put(limit=200, mission="UNMISS")
    report(("UNMISS", 5, 125), ("UNIFIL", 5, 43), ("MINUSCA", 5, 10))
    assert read(application, BREACHES) == [("UNIFIL", {}, "warning", 10, 43, 33)]


def test_after_removal_of_a_mission_s_own_threshold_the_general_one_governs(
    application: Application, put: Put, report: Report
) -> None:
    put(limit=10)
    put(limit=200, mission="UNMISS")
    put(limit=None, mission="UNMISS")
    report(("UNMISS", 5, 125))
    assert read(application, BREACHES) == [("UNMISS", {}, "warning", 10, 125, 115)]


def test_severities_stand_beside_each_other(application: Application, put: Put, report: Report) -> None:
    put(limit=10)
    put(limit=40, severity="critical")
    report(("UNMISS", 5, 45), ("UNIFIL", 5, 20))
    assert [(row[0], row[2]) for row in read(application, BREACHES)] == [
        ("UNIFIL", "warning"), ("UNMISS", "critical"), ("UNMISS", "warning"),
    ]  # fmt: skip


def test_dimension_values_given_go_before_none(application: Application, put: Put, report: Report) -> None:
    put("hospital_outage_days", 10)
    put("hospital_outage_days", 50, dimensions={"cause": "Equipment"})
    put("hospital_outage_days", 1, mission="UNMISS", severity="critical")
    put("hospital_outage_days", 90, mission="UNMISS", severity="critical", dimensions={"cause": "Equipment"})
    row = {"indicator": "hospital_outage_days", "value": 60}
    report({**row, "dimensions": "cause=Equipment"}, {**row, "dimensions": "cause=Personnel"})
    assert read(application, BREACHES) == [
        ("UNMISS", {"cause": "Equipment"}, "warning", 50, 60, 10),
        ("UNMISS", {"cause": "Personnel"}, "critical", 1, 60, 59),
        ("UNMISS", {"cause": "Personnel"}, "warning", 10, 60, 50),
    ]


def test_every_mission_is_not_peacekeeping_as_a_whole(application: Application, put: Put, report: Report) -> None:
    put("crime_investigation_ratio", 0.9, comparison="below")
    rows = [
        {"indicator": name, "mission": mission, "value": value}
        for mission in ("MINUSCA", "ALL")
        for name, value in (("crime_cases_reported", 10), ("crime_cases_investigated", 5))
    ]
    report(*rows)
    assert [row[0] for row in read(application, BREACHES)] == ["MINUSCA"]
    put("crime_investigation_ratio", 0.9, comparison="below", mission="ALL")
    assert [row[0] for row in read(application, BREACHES)] == ["ALL", "MINUSCA"]


@pytest.mark.parametrize(
    ("comparison", "value", "fires"), [("above", 100, False), ("above", 101, True), ("below", 100, False), ("below", 99, True)]
)
def test_a_value_at_the_limit_does_not_breach(
    application: Application, put: Put, report: Report, comparison: str, value: int, fires: bool
) -> None:
    put(comparison=comparison)
    report(("UNMISS", 5, value))
    assert bool(read(application, BREACHES)) is fires


def test_breaches_are_those_as_of_the_date(application: Application, put: Put, report: Report) -> None:
    put()
    report(("UNMISS", 4, 120), ("UNMISS", 5, 80), ("UNMISS", 6, 130))
    fired = {
        day: bool(read(application, BREACHES, day))
        for day in ("2023-10-30", "2023-10-31", "2024-04-29", "2024-04-30", "2024-10-31")
    }
    assert list(fired.values()) == [False, True, True, False, True]


def test_breaches_are_those_known_at_the_time(application: Application, put: Put, report: Report) -> None:
    put()
    report(("UNMISS", 5, 120))
    reported = read(application, "select max(recorded_at) from observation_revisions")[0][0]
    report(("UNMISS", 5, 90))
    assert read(application, BREACHES) == []
    with application.warehouse.cursor() as cursor:
        cursor.execute(f"set variable known_at = timestamptz '{reported.isoformat()}'")
        assert cursor.execute("select value from threshold_breaches").fetchall() == [(120,)]


@pytest.mark.parametrize("status", ["O", "V"])
def test_an_unreported_period_neither_fires_nor_clears(application: Application, put: Put, report: Report, status: str) -> None:
    put()
    report(("UNMISS", 4, 120), ("UNIFIL", 4, 20), ("UNMISS", 5, status), ("UNIFIL", 5, status))
    rows = read(application, "select mission, value, period_end, unreported_period_end from threshold_breaches")
    assert rows == [("UNMISS", 120, date(2023, 10, 31), date(2024, 4, 30))]
    report(("UNMISS", 6, 60))
    assert read(application, BREACHES) == []


def test_not_applicable_clears(application: Application, put: Put, report: Report) -> None:
    put()
    report(("UNMISS", 4, 120), ("UNMISS", 5, "M"))
    assert read(application, BREACHES) == []


def test_changes_and_kpis_have_thresholds_too(application: Application, put: Put, report: Report) -> None:
    put("a4p_indicator_change", 20, dimensions={"indicator": "sofa_incidents_new"})
    put("sofa_incidents_new_share", 0.7)
    report(("UNMISS", 4, 50), ("UNMISS", 5, 75), ("UNIFIL", 4, 10), ("UNIFIL", 5, 25))
    assert [(row[0], row[1], row[4]) for row in read(application, BREACHES)] == [
        ("UNMISS", {}, 0.75), ("UNMISS", {"indicator": "sofa_incidents_new"}, 25),
    ]  # fmt: skip


def test_every_column_of_the_view_says_what_it_means(application: Application) -> None:
    columns = read(application, "select comment from duckdb_columns() where table_name = 'threshold_breaches'")
    assert columns and all(comment for (comment,) in columns)
