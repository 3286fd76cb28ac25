"""Alerts: the endpoint that Alertmanager posts to, its token, and the commands that list alerts."""

from __future__ import annotations

import copy
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from service.alerting.alerts import acknowledge_alerts, list_firing, read_token, trace_alert
from service.application import Application
from service.commands.alerts import alerts
from service.errors import AlertError
from service.settings import Settings
from service.web.alerts import MAX_BYTES
from service.web.app import make_app
from tests.alerting.notifications import FIRING, alter, count_alerts, write_alert
from tests.conftest import STORED_AT
from tests.service_process import call_a4p


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


@pytest.mark.parametrize(("content", "problem"), [(None, "Is a directory"), ("é" * 40, "contains no token")])
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
    assert count_alerts(application) == 0


def test_the_token_is_good_for_nothing_else(client: FlaskClient, token: dict[str, str]) -> None:
    for path in ("/thresholds", "/load", "/snapshot", "/alerts", "/api/v1/thresholds"):
        assert client.post(path, json={}, headers=token).status_code in (401, 404, 405)


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
    assert count_alerts(application) == 0


def test_a_body_that_is_too_large_is_refused(client: FlaskClient, token: dict[str, str]) -> None:
    assert client.post("/api/v1/alerts", data=b" " * (MAX_BYTES + 1), headers=token).status_code == 413


def test_a_notification_is_kept_once_however_often_it_is_told(
    client: FlaskClient, application: Application, token: dict[str, str]
) -> None:
    recorded = [
        client.post("/api/v1/alerts", json=reported, headers=token).get_json()["recorded"]
        for reported in (FIRING, FIRING, alter(value="250"), FIRING, alter("resolved"), alter("resolved"))
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


def test_an_alert_that_fires_again_with_the_start_of_before_is_listed(
    client: FlaskClient, application: Application, token: dict[str, str]
) -> None:
    # Alertmanager merges an alert with its predecessor where they overlap, as after Prometheus has read changed rules.
    for notification in (FIRING, alter("resolved"), FIRING, FIRING):
        client.post("/api/v1/alerts", json=notification, headers=token)
    with application.warehouse.cursor() as cursor:
        assert [row["fingerprint"] for row in list_firing(cursor)] == ["3f2a000000000001"]
    assert count_alerts(application) == 3


def test_those_of_severity_info_are_counted_unless_they_are_asked_for(
    client: FlaskClient, application: Application, token: dict[str, str]
) -> None:
    overdue = {"alertname": "A4pReportsOverdue", "severity": "info"}
    for number in range(3):
        reported = write_alert(labels={**overdue, "mission": "UNMISS", "cycle": str(number)}, fingerprint=f"{number:016x}")
        client.post("/api/v1/alerts", data=reported, headers=token)
    client.post("/api/v1/alerts", json=FIRING, headers=token)
    application.warehouse.checkpoint()
    data_dir = str(application.settings.data_dir)
    application.close()
    shown = call_a4p("alerts", "--data-dir", data_dir).stdout
    assert "247" in shown
    assert shown.splitlines()[-1] == "and 3 of severity info (A4pReportsOverdue 3); 'a4p alerts list --all' lists them"
    assert len(call_a4p("alerts", "list", "--all", "--data-dir", data_dir).stdout.splitlines()) == 5


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
