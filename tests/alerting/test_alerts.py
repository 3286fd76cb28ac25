"""Alerts: the endpoint that Alertmanager posts to, what it keeps, and what the command says of it."""

from __future__ import annotations

import copy
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from metrics.thresholds import make_threshold
from service.alerting.alerts import acknowledge_alerts, list_firing, read_token, trace_alert
from service.alerting.thresholds import remove_threshold, set_threshold
from service.application import Application
from service.commands.alerts import alerts
from service.errors import AlertError
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from service.web.alerts import MAX_BYTES
from service.web.app import make_app
from tests.conftest import STORED_AT, Clock, WriteCsv
from tests.service_process import run_a4p

FIRING: dict[str, Any] = {
    "version": "4",
    "status": "firing",
    "receiver": "a4p",
    "groupKey": "{}",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "A4pHospitalOutageDaysAbove", "metric": "a4p_hospital_outage_days", "mission": "UNMISS",
                "cause": "Equipment", "severity": "warning", "comparison": "above", "instance": "i", "job": "a4p",
            },
            "annotations": {"summary": "It is above its limit", "value": "247", "limit": "30", "period_end": "2024-04-30"},
            "startsAt": "2024-09-10T12:00:00.123Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://p",
            "fingerprint": "3f2a000000000001",
        }
    ],
}  # fmt: skip


def alter(status: str = "firing", **annotations: str) -> dict[str, Any]:
    changed = copy.deepcopy(FIRING)
    changed["alerts"][0]["status"] = status
    changed["alerts"][0]["annotations"].update(annotations)
    if status == "resolved":
        changed["alerts"][0]["endsAt"] = "2024-09-11T12:00:00Z"
    return changed


def write_alert(**changed: Any) -> bytes:
    """Return a notification of the alert with what is given changed."""
    return json.dumps({**FIRING, "alerts": [{**FIRING["alerts"][0], **changed}]}).encode()


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    opened = Application(Settings(data_dir=tmp_path / "data", threads=1), definitions, Clock(STORED_AT))
    yield opened
    opened.close()


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


@pytest.fixture
def token(client: FlaskClient, application: Application) -> dict[str, str]:
    return {"Authorization": f"Bearer {read_token(application.settings)}"}


def count(application: Application) -> int:
    with application.warehouse.cursor() as cursor:
        return int(cursor.execute("select count(*) from alerts").fetchall()[0][0])


def test_the_first_start_writes_a_token_that_only_its_user_can_read(client: FlaskClient, application: Application) -> None:
    file = application.settings.token_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text()
    assert len(first) >= 40
    make_app(application)
    assert file.read_text() == first


def test_a_token_that_is_put_elsewhere_can_be_read_by_its_group(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", alerts_token_file=tmp_path / "run" / "token")
    with pytest.raises(AlertError, match=r"cannot be written to .*run/token: No such file or directory"):
        read_token(settings)
    (tmp_path / "run").mkdir()
    before = os.umask(0o077)
    try:
        token = read_token(settings)
    finally:
        os.umask(before)
    assert stat.S_IMODE(settings.token_file.stat().st_mode) == 0o640
    assert read_token(settings) == token == settings.token_file.read_text()


@pytest.mark.parametrize(("content", "problem"), [(None, "Is a directory"), ("é" * 40, "holds no token")])
def test_a_token_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: str | None, problem: str) -> None:
    settings = Settings(data_dir=tmp_path)
    if content is None:
        settings.token_file.mkdir()
    else:
        settings.token_file.write_text(content, encoding="utf-8")
    with pytest.raises(AlertError, match=problem):
        read_token(settings)


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x", "Bearer é"]
)
def test_a_stranger_cannot_write(client: FlaskClient, application: Application, given: str | None) -> None:
    token = read_token(application.settings)
    headers = {} if given is None else {"Authorization": given.format(token=token)}
    answer = client.post("/api/v1/alerts", json=FIRING, headers=headers)
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert count(application) == 0


def test_the_token_is_good_for_nothing_else(client: FlaskClient, token: dict[str, str]) -> None:
    for path in ("/thresholds", "/load", "/snapshot", "/alerts", "/api/v1/thresholds"):
        assert client.post(path, json={}, headers=token).status_code in (404, 405)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"version": "4"}', b'{"version": "3", "alerts": []}', b'{"version": "4", "alerts": [{}]}',
        write_alert(status="burning"),
        write_alert(startsAt="yesterday"),
        write_alert(fingerprint="'"),
        b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(
    client: FlaskClient, application: Application, token: dict[str, str], body: bytes
) -> None:
    answer = client.post("/api/v1/alerts", data=body, headers=token)
    assert answer.status_code == 400
    assert answer.get_json()["detail"]
    assert count(application) == 0


def test_a_body_that_is_too_large_is_refused(client: FlaskClient, token: dict[str, str]) -> None:
    assert client.post("/api/v1/alerts", data=b" " * (MAX_BYTES + 1), headers=token).status_code == 413


def test_a_notification_is_kept_once_however_often_it_is_told(
    client: FlaskClient, application: Application, token: dict[str, str]
) -> None:
    recorded = [
        client.post("/api/v1/alerts", json=told, headers=token).get_json()["recorded"]
        for told in (FIRING, FIRING, alter(value="250"), FIRING, alter("resolved"), alter("resolved"))
    ]
    assert recorded == [1, 0, 1, 0, 1, 0]
    with application.warehouse.cursor() as cursor:
        rows = cursor.execute(
            "select status, value, limit_value, mission, metric, ends_at from alerts order by recorded_at"
        ).fetchall()
    assert [row[:3] for row in rows] == [("firing", 247, 30), ("firing", 250, 30), ("resolved", 247, 30)]
    assert rows[0][3:] == ("UNMISS", "a4p_hospital_outage_days", None)
    assert rows[2][5] is not None


def test_what_fires_is_listed_until_it_is_resolved(
    client: FlaskClient, application: Application, token: dict[str, str]
) -> None:
    def list_now() -> list[dict[str, Any]]:
        with application.warehouse.cursor() as cursor:
            return list_firing(cursor)

    assert list_now() == []
    client.post("/api/v1/alerts", json=FIRING, headers=token)
    (row,) = list_now()
    assert (row["since"], row["value"], row["acknowledged"]) == ("2024-09-10 12:00", 247, "")
    acknowledge_alerts(application.warehouse, ["3f2a"], "asked", "A. Analyst", STORED_AT)
    assert list_now()[0]["acknowledged"] == "A. Analyst: asked"
    client.post("/api/v1/alerts", json=alter("resolved"), headers=token)
    assert list_now() == []
    again = copy.deepcopy(FIRING)
    again["alerts"][0]["startsAt"] = "2024-10-01T00:00:00Z"
    client.post("/api/v1/alerts", json=again, headers=token)
    assert list_now()[0]["acknowledged"] == ""
    with application.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from store.alert_acknowledgements").fetchall() == [(1,)]


def test_only_an_alert_that_fires_can_be_acknowledged(application: Application) -> None:
    with pytest.raises(AlertError, match="0 alerts that fire begin with 3f2a"):
        acknowledge_alerts(application.warehouse, ["3f2a"], None, "A", STORED_AT)


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
        application.load([file], "A. Analyst")
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
    application.load([write_csv("years.csv", {**years[0], "value": 100}, {**years[1], "value": 140})], "A. Analyst")
    labels = {"metric": "a4p_serious_misconduct_change_ratio", "mission": "ALL", "severity": "warning"}
    told = write_alert(labels={"alertname": "A4pSeriousMisconductChangeRatioAbove", **labels})
    client.post("/api/v1/alerts", data=told, headers=token)
    application.load([write_csv("corrected.csv", {**years[1], "value": 101})], "A. Analyst")
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
    application.load([write_csv("first.csv", {**row, "value": 247})], "A. Analyst")
    put_limit(application, 30)
    told = copy.deepcopy(FIRING)
    told["alerts"][0]["startsAt"] = f"{application.clock():%Y-%m-%dT%H:%M:%SZ}"
    assert client.post("/api/v1/alerts", json=told, headers=token).get_json()["recorded"] == 1


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
    told = alter("resolved")
    told["alerts"][0] |= {"startsAt": starts_at.isoformat(), "endsAt": "2099-01-01T00:00:00Z"}
    client.post("/api/v1/alerts", json=told, headers=token)
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
    application.load([write_csv("corrected.csv", row)], "A. Analyst")
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
        ({"value": "", "status": "N", "period_start": "2024-05-01", "period_end": "2024-10-31"}, "series ended"),
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
    application.load([write_csv("later.csv", row)], "C. Clerk")
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
            application.load([write_csv(f"change {number}.csv", OUTAGE | change)], "C. Clerk")
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
    application.load([write_csv("early.csv", *({"indicator": name, "mission": "MINUSCA"} for name in both))], "A. Analyst")
    told = alter()
    told["alerts"][0]["labels"] = {
        "alertname": "A4pReportsOverdue", "mission": "UNMISS", "cycle": "5", "severity": "warning", "job": "a4p",
    }  # fmt: skip
    started = application.clock()
    told["alerts"][0] |= {"annotations": {}, "startsAt": f"{started:%Y-%m-%dT%H:%M:%SZ}"}
    client.post("/api/v1/alerts", json=told, headers=token)
    application.clock.now += timedelta(hours=1)  # type: ignore[attr-defined]
    if isinstance(happens, date):
        closed = {"UNMISS": {"status": "closed", "closed_on": happens}}
        catalogue = application.definitions.catalogue
        missions = tuple(entry.model_copy(update=closed.get(entry.mission, {})) for entry in catalogue.missions)
        store_catalogue(application.warehouse, replace(catalogue, missions=missions), application.clock())
    else:
        application.load([write_csv("late.csv", *({"indicator": name} for name in happens.split()))], "C. Clerk")
    told["alerts"][0] |= {"status": "resolved", "endsAt": f"{started + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"}
    client.post("/api/v1/alerts", json=told, headers=token)
    with application.warehouse.cursor() as cursor:
        traced = trace_alert(cursor, "3f2a")
    assert list_causes(traced) == ([cause] if cause else [])
    assert detail in traced["resolution"][0]["detail"]


def test_a_resolved_alert_without_a_recorded_cause_has_none(
    client: FlaskClient, application: Application, token: dict[str, str], write_csv: WriteCsv
) -> None:
    fire_outage(client, application, token, write_csv)
    assert resolve_outage(client, application, token)["resolution"] == []


def test_an_alert_that_fires_again_with_the_start_of_before_is_listed(
    client: FlaskClient, application: Application, token: dict[str, str]
) -> None:
    # Alertmanager merges an alert with its predecessor where they overlap, as after Prometheus has read changed rules.
    for notification in (FIRING, alter("resolved"), FIRING, FIRING):
        client.post("/api/v1/alerts", json=notification, headers=token)
    with application.warehouse.cursor() as cursor:
        assert [row["fingerprint"] for row in list_firing(cursor)] == ["3f2a000000000001"]
    assert count(application) == 3


def test_those_of_severity_info_are_counted_unless_they_are_asked_for(
    client: FlaskClient, application: Application, token: dict[str, str]
) -> None:
    overdue = {"alertname": "A4pReportsOverdue", "severity": "info"}
    for number in range(3):
        told = write_alert(labels={**overdue, "mission": "UNMISS", "cycle": str(number)}, fingerprint=f"{number:016x}")
        client.post("/api/v1/alerts", data=told, headers=token)
    client.post("/api/v1/alerts", json=FIRING, headers=token)
    application.warehouse.checkpoint()
    data_dir = str(application.settings.data_dir)
    application.close()
    shown = run_a4p("alerts", "--data-dir", data_dir).stdout
    assert "247" in shown
    assert shown.splitlines()[-1] == "and 3 of severity info (A4pReportsOverdue 3); 'a4p alerts list --all' lists them"
    assert len(run_a4p("alerts", "list", "--all", "--data-dir", data_dir).stdout.splitlines()) == 5


def test_an_alert_that_is_not_known(application: Application) -> None:
    with application.warehouse.cursor() as cursor, pytest.raises(AlertError, match="no alert begins with ffff"):
        trace_alert(cursor, "ffff")


def test_the_command_prints_no_terminal_escapes(application: Application, client: FlaskClient, token: dict[str, str]) -> None:
    client.post("/api/v1/alerts", json=alter(summary="\x1b[31mred\x1b[0m \x07bell"), headers=token)
    application.close()
    for arguments in (["list"], ["show", "3f2a"]):
        printed = CliRunner().invoke(alerts, [*arguments, "--data-dir", str(application.settings.data_dir)]).output
        assert "red" in printed
        assert "\x1b" not in printed
        assert "\x07" not in printed
