"""The pages /alerts and /alerts/<fingerprint> for each role: states, trace, acknowledgements and silences."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.alerting.alerts import Notification, record_notification
from service.application import Application
from service.events.export import Export
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.alerting.notifications import FIRING
from tests.events.exports import FATALITY, name_event, write_export
from tests.published_report import publish_report
from tests.web.browsing import PASSWORD, find_fields, sign_in
from tests.web.conftest import SignedIn

WILD = "<script>alert(1)</script>"


@pytest.fixture
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("alerts") / "data", definitions, anonymous="read") as opened:
        users = opened.access.users
        users.add("ana", [Grant(Role.ANALYST)], "test", PASSWORD)
        users.add("mia", [Grant(Role.ANALYST, "UNIFIL")], "test", PASSWORD)
        users.add("rita", [Grant(Role.READER)], "test", PASSWORD)
        yield opened


def report(
    application: Application, fingerprint: str = "aa01", status: str = "firing", period_end: str = "2024-04-30", **changed: Any
) -> None:
    """Receive an alert about SOFA incidents in UNMISS; `changed` are labels."""
    labels = {
        "alertname": "A4pSofaIncidentsNewAbove", "metric": "a4p_sofa_incidents_new", "mission": "UNMISS", "severity": "warning",
        "comparison": "above", "instance": "i", "job": "a4p", **changed,
    }  # fmt: skip
    annotations = {"summary": "It is above its limit", "value": "125", "limit": "50", "period_end": period_end}
    now = application.clock()
    alert = {
        "status": status, "labels": labels, "annotations": annotations, "fingerprint": fingerprint,
        "startsAt": now - timedelta(days=2), "endsAt": now if status == "resolved" else None,
    }  # fmt: skip
    record_notification(application.warehouse, Notification.model_validate({**FIRING, "alerts": [alert]}), now)


def read_section(text: str, state: str) -> str:
    """Return the text of the section of a state."""
    (found,) = re.findall(rf'<h2 id="{state}">(.*?)(?=<h2|</main>)', text, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(found)).split())


def send(client: FlaskClient, path: str, button: str, **changed: str) -> tuple[int, str]:
    answer = client.post(path, data={**find_fields(client.get(path).text, path, button), **changed})
    text = client.get(answer.location).text if answer.status_code == 303 else answer.text
    return answer.status_code, html.unescape(text)


def test_alerts_are_listed_by_state_with_value_limit_and_period(application: Application) -> None:
    client = make_app(application).test_client()
    assert "No alerts received" in client.get("/alerts").text
    report(application)
    report(application, "aa02", mission="UNIFIL", severity="critical")
    report(application, "aa02", "resolved", mission="UNIFIL", severity="critical")
    answer = client.get("/alerts")
    assert "no-store" in answer.headers["Cache-Control"]
    firing = read_section(answer.text, "firing").replace("\N{NO-BREAK SPACE}", " ")
    assert "warning New SOFA or SOMA incidents UNMISS 125 above 50 30 Apr 2024" in firing and "UNIFIL" not in firing
    assert "critical New SOFA or SOMA incidents UNIFIL" in read_section(answer.text, "resolved")


def test_an_alert_about_a_count_lists_the_events_behind_it(application: Application, tmp_path: Path) -> None:
    days = [{"casualty_id": name_event(number), "incident_date": f"2021-06-{number:02d}"} for number in range(1, 4)]
    others = [{"casualty_id": name_event(9), "type_of_incident": "Accident", "incident_date": "2021-06-09"}, {}]
    file = write_export(tmp_path / "export.csv", FATALITY, *days, *others)
    application.loads.load_events(Export(file, file.name, "un_fatalities"), "the tests")
    report(application, metric="a4p_fatalities", cause="Illness", period_end="2021-12-31")
    page = make_app(application).test_client().get("/alerts/aa01").text
    section = read_section(page, "events")
    assert section.startswith("Events behind this value 3 events, newest first")
    assert name_event(3) in section and name_event(9) not in section
    assert "/events?feed=un_fatalities&amp;mission=UNMISS&amp;kind=Illness&amp;from=2021&amp;to=2021" in page


def test_alerts_are_filtered_by_mission_priority_and_severity(application: Application) -> None:
    report(application)
    report(application, "aa02", metric="a4p_hospital_outage_days", cause="Equipment", severity="critical")
    client = make_app(application).test_client()

    def list_firing(query: str) -> list[str]:
        return [
            fingerprint for fingerprint in ("aa01", "aa02") if f"/alerts/{fingerprint}" in client.get(f"/alerts?{query}").text
        ]

    assert list_firing("") == ["aa01", "aa02"]
    assert list_firing("priority=host_country_cooperation") == ["aa01"]
    assert list_firing("severity=critical") == ["aa02"]
    assert list_firing("mission=UNIFIL") == []


def test_an_alert_is_traced_to_its_file_and_page(application: Application) -> None:
    report(application)
    text = make_app(application).test_client().get("/alerts/aa01").text
    found = read_section(text, "observations")
    assert "125" in found and "page 15" in found and "host_country_cooperation.csv" in found
    assert "Sign in to acknowledge or silence" in text and "<form" not in text[text.index("<main") :]


def test_an_analyst_acknowledges_with_a_note(application: Application, signed_in: SignedIn) -> None:
    report(application)
    client = signed_in("ana")
    assert send(client, "/alerts/aa01", "Acknowledge", note="")[0] == 400
    status, text = send(client, "/alerts/aa01", "Acknowledge", note="The host state was asked")
    assert status == 303 and "The alert is acknowledged." in text and "The host state was asked" in text
    listed = client.get("/alerts").text
    assert "ana: The host state was asked" in read_section(listed, "acknowledged")
    assert read_section(listed, "firing") == "Firing None."
    entry = application.access.audit.list_entries(1)[0]
    assert (entry["actor"], entry["action"], entry["reason"]) == ("ana", "acknowledge", "The host state was asked")


def test_an_analyst_silences_until_an_end_and_ends_it(application: Application, signed_in: SignedIn) -> None:
    report(application, metric="a4p_hospital_outage_days", cause="Equipment")
    client = signed_in("ana")
    end = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M}"
    status, text = send(client, "/alerts/aa01", "Silence", note="Known", ends_at=end)
    assert (
        status == 303 and "Silenced: metric=a4p_hospital_outage_days, mission=UNMISS, severity=warning, cause=Equipment" in text
    )
    listed = client.get("/alerts").text
    assert "by ana: Known" in read_section(listed, "silenced") and "cause=Equipment" in read_section(listed, "silences")
    assert send(client, "/alerts", "End")[0] == 303
    assert "UNMISS" in read_section(client.get("/alerts").text, "firing")


@pytest.mark.parametrize(
    ("ends_at", "message"), [("soon", "is not a date"), ("2020-01-01", "in the future"), ("2099-01-01", "within 90 days")]
)
def test_the_end_of_a_silence_is_checked(application: Application, signed_in: SignedIn, ends_at: str, message: str) -> None:
    report(application)
    status, text = send(signed_in("ana"), "/alerts/aa01", "Silence", note="Known", ends_at=ends_at)
    assert status == 400 and message in text and 'value="Known"' in text


def test_readers_and_analysts_of_other_missions_are_refused(application: Application, signed_in: SignedIn) -> None:
    report(application)
    form = find_fields(signed_in("ana").get("/alerts/aa01").text, "/alerts/aa01", "Acknowledge")
    for name in ("rita", "mia"):
        client = signed_in(name)
        text = client.get("/alerts/aa01").text
        assert f"{name} (" in text and "must not acknowledge for UNMISS" in text
        token = find_fields(client.get("/account").text, "/account", "Create token")["csrf_token"]
        for action in ("acknowledge", "silence"):
            fields = {**form, "action": action, "note": "x", "ends_at": "2099-01-01", "csrf_token": token}
            assert client.post("/alerts/aa01", data=fields).status_code == 403
    with application.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from store.alert_acknowledgements").fetchall() == [(0,)]
        assert cursor.execute("select count(*) from silences").fetchall() == [(0,)]


def test_a_note_survives_an_expired_session(application: Application) -> None:
    report(application)
    client = make_app(application).test_client()
    answer = client.post("/alerts/aa01", data={"action": "acknowledge", "note": "The host state was asked"})
    assert answer.status_code == 303
    back = sign_in(client, "ana", path=answer.location)
    assert 'value="The host state was asked"' in client.get(back).text


def test_an_unknown_alert_is_not_found(application: Application, signed_in: SignedIn) -> None:
    for name in ("ff", "no-hex", "%"):
        assert signed_in("ana").get(f"/alerts/{name}").status_code == 404


def test_texts_of_alertmanager_are_escaped(application: Application) -> None:
    report(application, metric=WILD, mission=WILD, alertname=WILD)
    client = make_app(application).test_client()
    for path in ("/alerts", "/alerts/aa01"):
        assert WILD not in client.get(path).text
