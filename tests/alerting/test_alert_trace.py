"""The trace of an alert: its observations, its acknowledgement, and the cause of its end."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from metrics.thresholds import make_threshold
from service.alerting.alerts import acknowledge_alerts, list_firing, trace_alert
from service.alerting.thresholds import remove_threshold, set_threshold
from service.application import Application
from service.loading.request import LoadRequest
from service.warehouse.stored_definitions import store_catalogue
from tests.alerting.notifications import FIRING, alter, write_alert
from tests.conftest import STORED_AT, Clock, WriteCsv


def test_an_alert_leads_to_its_observation_batch_file_and_page(
    client: FlaskClient, application: Application, token: dict[str, str], write_csv: WriteCsv
) -> None:
    row = {"indicator": "hospital_outage_days", "page": 9}
    for value in (240, 247):
        file = write_csv(
            f"{value}.csv",
            {**row, "value": value, "dimensions": "cause=Equipment"},
            {**row, "value": 30, "dimensions": "cause=Personnel"},
        )
        application.loads.load(LoadRequest(files=(file,), loaded_by="A. Analyst"))
    client.post("/api/v1/alerts", json=FIRING, headers=token)
    with application.warehouse.cursor() as cursor:
        observations = trace_alert(cursor, "3f2a")["observations"]
    assert [(o["value"], o["batch_id"], o["page"], o["loaded_by"], o["dimensions"]) for o in observations] == [
        (247, 2, "9", "A. Analyst", {"cause": "Equipment"}),
        (240, 1, "9", "A. Analyst", {"cause": "Equipment"}),
    ]
    assert observations[0]["file_name"].endswith("247.csv")


def test_an_alert_about_a_kpi_leads_to_the_observations_it_was_computed_from(
    client: FlaskClient, application: Application, token: dict[str, str], write_csv: WriteCsv
) -> None:
    row = {"indicator": "serious_misconduct_allegations", "mission": "ALL", "page": 12}
    years = [{**row, "period_start": f"{year}-01-01", "period_end": f"{year}-12-31"} for year in (2022, 2023)]
    application.loads.load(
        LoadRequest(
            files=(write_csv("years.csv", {**years[0], "value": 100}, {**years[1], "value": 140}),), loaded_by="A. Analyst"
        )
    )
    labels = {"metric": "a4p_serious_misconduct_change_ratio", "mission": "ALL", "severity": "warning"}
    reported = write_alert(labels={"alertname": "A4pSeriousMisconductChangeRatioAbove", **labels})
    client.post("/api/v1/alerts", data=reported, headers=token)
    application.loads.load(LoadRequest(files=(write_csv("corrected.csv", {**years[1], "value": 101}),), loaded_by="A. Analyst"))
    with application.warehouse.cursor() as cursor:
        traced = trace_alert(cursor, "3f2a")
    assert traced["observations"] == []
    (found,) = traced["inputs"]
    assert (found["indicator"], found["period_end"], found["value"], found["previous_value"], found["page"]) == (
        "serious_misconduct_allegations", "2023-12-31", 140, 100, "12",
    )  # fmt: skip
    assert found["file_name"].endswith("years.csv"), "as it was known when it fired"


def fire_outage(client: FlaskClient, application: Application, token: dict[str, str], write_csv: WriteCsv) -> None:
    """Load an outage of 247 days, set its limit, and receive the alert, which then fires."""
    row = {"indicator": "hospital_outage_days", "dimensions": "cause=Equipment"}
    application.loads.load(LoadRequest(files=(write_csv("first.csv", {**row, "value": 247}),), loaded_by="A. Analyst"))
    put_limit(application, 30)
    reported = copy.deepcopy(FIRING)
    reported["alerts"][0]["startsAt"] = f"{application.clock():%Y-%m-%dT%H:%M:%SZ}"
    assert client.post("/api/v1/alerts", json=reported, headers=token).get_json()["recorded"] == 1


def put_limit(application: Application, limit: float | None) -> None:
    outage = make_threshold("a4p_hospital_outage_days", "*", {}, "above", "warning", limit, None)
    if limit is None:
        remove_threshold(application.warehouse, application.definitions, outage, ["above"], ["warning"], "B", application.clock)
    else:
        set_threshold(application.warehouse, application.definitions, outage, "B", application.clock)


def resolve_outage(client: FlaskClient, application: Application, token: dict[str, str]) -> dict[str, Any]:
    """Receive that the alert is resolved, and return its trace."""
    with application.warehouse.cursor() as cursor:
        ((starts_at,),) = cursor.execute("select max(starts_at) from alerts").fetchall()
    reported = alter("resolved")
    reported["alerts"][0] |= {"startsAt": starts_at.isoformat(), "endsAt": "2099-01-01T00:00:00Z"}
    client.post("/api/v1/alerts", json=reported, headers=token)
    with application.warehouse.cursor() as cursor:
        return trace_alert(cursor, "3f2a")


def list_causes(traced: dict[str, Any]) -> list[str]:
    return [row["cause"] for row in traced["resolution"] if row["clears"]]


def test_a_firing_alert_shows_value_and_limit_now_beside_those_at_firing(
    client: FlaskClient, application: Application, token: dict[str, str], write_csv: WriteCsv, clock: Clock
) -> None:
    fire_outage(client, application, token, write_csv)
    application.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    row = {"indicator": "hospital_outage_days", "dimensions": "cause=Equipment", "value": 260}
    application.loads.load(LoadRequest(files=(write_csv("corrected.csv", row),), loaded_by="A. Analyst"))
    put_limit(application, 50)
    with application.warehouse.cursor() as cursor:
        (shown,) = list_firing(cursor)
    assert [shown[name] for name in ("value", "limit_value", "value_now", "limit_now")] == [247, 30, 260, 50]
    put_limit(application, None)
    with application.warehouse.cursor() as cursor:
        (shown,) = list_firing(cursor)
    assert (shown["value_now"], shown["limit_now"]) == (260, None)


def test_the_trace_of_an_alert_has_its_acknowledgement(
    client: FlaskClient, application: Application, token: dict[str, str], write_csv: WriteCsv
) -> None:
    fire_outage(client, application, token, write_csv)
    acknowledge_alerts(application.warehouse, ["3f2a"], "The mission was asked", "A. Analyst", STORED_AT)
    with application.warehouse.cursor() as cursor:
        traced = trace_alert(cursor, "3f2a")
    (found,) = traced["acknowledgements"]
    assert (found["acknowledged_by"], found["note"]) == ("A. Analyst", "The mission was asked")
    assert traced["now"] == {"value": 247, "limit_value": 30, "period_end": "2024-04-30"}
    assert traced["resolution"] is None


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"value": 20}, "correction"),
        ({"value": 20, "period_start": "2024-05-01", "period_end": "2024-10-31"}, "new period"),
        ({"value": "", "status": "M", "period_start": "2024-05-01", "period_end": "2024-10-31"}, "series ended"),
        ({"value": 240}, None),
    ],
)
def test_a_resolved_alert_names_the_observation_that_ended_it(
    client: FlaskClient,
    application: Application,
    token: dict[str, str],
    write_csv: WriteCsv,
    changed: dict[str, Any],
    cause: str | None,
) -> None:
    fire_outage(client, application, token, write_csv)
    application.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    row = {"indicator": "hospital_outage_days", "dimensions": "cause=Equipment", **changed}
    application.loads.load(LoadRequest(files=(write_csv("later.csv", row),), loaded_by="C. Clerk", status_codes="sdmx"))
    traced = resolve_outage(client, application, token)
    assert list_causes(traced) == ([cause] if cause else [])
    assert "later.csv, by C. Clerk" in traced["resolution"][0]["detail"]


@pytest.mark.parametrize(("limit", "cause"), [(300.0, "limit changed"), (None, "limit removed"), (100.0, None)])
def test_a_resolved_alert_names_the_limit_that_ended_it(
    client: FlaskClient,
    application: Application,
    token: dict[str, str],
    write_csv: WriteCsv,
    limit: float | None,
    cause: str | None,
) -> None:
    fire_outage(client, application, token, write_csv)
    application.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    put_limit(application, limit)
    assert list_causes(resolve_outage(client, application, token)) == ([cause] if cause else [])


OUTAGE = {"indicator": "hospital_outage_days", "dimensions": "cause=Equipment"}
CYCLE_6 = {"period_start": "2024-05-01", "period_end": "2024-10-31"}


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ([100.0, {"value": 80}], "correction"),
        ([{"value": 80}, 100.0], "limit changed"),
        ([100.0, {"value": 131, **CYCLE_6}, {"value": 80}], None),
        ([{"value": 280}, 250.0], None),
    ],
)
def test_the_cause_of_an_end_compares_value_and_limit_in_force_by_then(
    client: FlaskClient,
    application: Application,
    token: dict[str, str],
    write_csv: WriteCsv,
    changes: list[float | dict[str, Any]],
    cause: str | None,
) -> None:
    """The alert fired with 247 above 30."""
    fire_outage(client, application, token, write_csv)
    for number, change in enumerate(changes):
        application.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
        if isinstance(change, float):
            put_limit(application, change)
        else:
            application.loads.load(
                LoadRequest(
                    files=(write_csv(f"change {number}.csv", OUTAGE | change),), loaded_by="C. Clerk", status_codes="sdmx"
                )
            )
    assert list_causes(resolve_outage(client, application, token)) == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("happens", "cause", "detail"),
    [
        (date(2024, 4, 29), "mission closed", "UNMISS closed on 2024-04-29"),
        (date(2024, 4, 30), None, "UNMISS closed on 2024-04-30"),
        ("sofa_incidents_new", None, "1 indicator, batch 2"),
        ("sofa_incidents_new sofa_incidents_total", "reports loaded", "2 indicators, batch 2"),
    ],
    ids=["closed before the period ended", "closed on its last day", "one report is loaded", "both reports are loaded"],
)
def test_a_resolved_alert_on_overdue_reports_names_what_ended_it(
    client: FlaskClient,
    application: Application,
    token: dict[str, str],
    write_csv: WriteCsv,
    happens: date | str,
    cause: str | None,
    detail: str,
) -> None:
    both = ("sofa_incidents_new", "sofa_incidents_total")
    application.loads.load(
        LoadRequest(
            files=(write_csv("early.csv", *({"indicator": name, "mission": "MINUSCA"} for name in both)),),
            loaded_by="A. Analyst",
        )
    )
    reported = alter()
    reported["alerts"][0]["labels"] = {
        "alertname": "A4pReportsOverdue", "mission": "UNMISS", "cycle": "5", "severity": "warning", "job": "a4p",
    }  # fmt: skip
    started = application.clock()
    reported["alerts"][0] |= {"annotations": {}, "startsAt": f"{started:%Y-%m-%dT%H:%M:%SZ}"}
    client.post("/api/v1/alerts", json=reported, headers=token)
    application.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    if isinstance(happens, date):
        closed = {"UNMISS": {"status": "closed", "closed_on": happens}}
        catalogue = application.definitions.catalogue
        missions = tuple(entry.model_copy(update=closed.get(entry.mission, {})) for entry in catalogue.missions)
        store_catalogue(application.warehouse, replace(catalogue, missions=missions), application.clock())
    else:
        application.loads.load(
            LoadRequest(
                files=(write_csv("late.csv", *({"indicator": name} for name in happens.split())),), loaded_by="C. Clerk"
            )
        )
    reported["alerts"][0] |= {"status": "resolved", "endsAt": f"{started + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"}
    client.post("/api/v1/alerts", json=reported, headers=token)
    with application.warehouse.cursor() as cursor:
        traced = trace_alert(cursor, "3f2a")
    assert list_causes(traced) == ([cause] if cause else [])
    assert detail in traced["resolution"][0]["detail"]


def test_a_resolved_alert_without_a_recorded_cause_has_none(
    client: FlaskClient, application: Application, token: dict[str, str], write_csv: WriteCsv
) -> None:
    fire_outage(client, application, token, write_csv)
    assert resolve_outage(client, application, token)["resolution"] == []
