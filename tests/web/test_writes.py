"""Changes over HTTP: which role may do what, with which answers, and what is in the audit."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.access.roles import Grant, Role
from service.alerting.alerts import Notification, record_notification
from service.application import Application
from service.web.api.writing import MAX_BODY_BYTES
from service.web.app import make_app
from tests.web.conftest import ANONYMOUS, EVERYONE, PEOPLE, SERVICE, Ask
from tests.web.test_sign_in import PASSWORD, read_csrf_token, sign_in

LIMIT = {"metric": "sofa_incidents_new", "limit": 100, "severity": "info"}
CSV = b"indicator,mission,period_start,period_end,value,source\nsofa_incidents_new,UNMISS,2024-05-01,2024-10-31,%d,a test\n"
ANALYSTS = ("analyst", "administrator", SERVICE)
FINGERPRINTS = {"UNMISS": "a" * 16, "UNIFIL": "b" * 16}


def later(days: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def set_one(ask: Ask, mission: str, who: str = "administrator", **changed: Any) -> Any:
    return ask(who, "POST", "thresholds", json={**LIMIT, "mission": mission, **changed})


@pytest.fixture
def fired(guarded: Application) -> None:
    """An alert of UNMISS and one of UNIFIL fire."""
    alerts = [
        {
            "status": "firing", "startsAt": datetime.now(UTC), "fingerprint": fingerprint,
            "labels": {"alertname": "A4pTest", "mission": mission, "severity": "warning"},
        }
        for mission, fingerprint in FINGERPRINTS.items()
    ]  # fmt: skip
    record_notification(guarded.warehouse, Notification(version="4", alerts=alerts), guarded.clock())


def request_action(ask: Ask, action: str, who: str, mission: str) -> int:
    """Carry out an action as somebody; return the status."""
    if action == "set threshold":
        return set_one(ask, mission, who).status_code
    if action == "remove threshold":
        if is_allowed(action, who, mission):  # others are refused whether it exists or not; setting it takes a snapshot
            set_one(ask, mission)
        return ask(who, "DELETE", f"thresholds?metric=sofa_incidents_new&mission={mission}&severity=info").status_code
    if action == "back-test":
        return ask(who, "POST", "thresholds/backtest", json={**LIMIT, "mission": mission}).status_code
    if action == "acknowledge":
        fingerprint = FINGERPRINTS[mission]
        return ask(who, "POST", "alerts/acknowledgements", json={"alerts": [fingerprint], "note": "Seen"}).status_code
    if action == "set silence":
        return ask(who, "POST", "silences", json={"mission": mission, "ends_at": later()}).status_code
    if action == "end silence":
        made = ask("administrator", "POST", "silences", json={"mission": mission, "ends_at": later()}).get_json()
        return ask(who, "DELETE", f"silences/{made['silence_id']}").status_code
    if action == "save query":
        return ask(who, "POST", "queries", json={"name": f"By {who} {later()}", "text": "from latest"}).status_code
    if action == "preview load":
        data = {"file": (io.BytesIO(CSV % 40), "a.csv")}
        return ask(who, "POST", "loads?dry_run=true", data=data).status_code
    assert action == "read audit"
    return ask(who, "GET", "audit").status_code


BY_MISSION = ("set threshold", "remove threshold", "acknowledge", "set silence", "end silence")
MAY = {
    **dict.fromkeys(BY_MISSION, ANALYSTS),
    "back-test": tuple(name for name in EVERYONE if name != ANONYMOUS),
    "save query": (*ANALYSTS, "analyst of UNMISS"),
    "preview load": ("administrator",),
    "read audit": ("administrator",),
}


def is_allowed(action: str, who: str, mission: str) -> bool:
    return who in MAY[action] or (who == "analyst of UNMISS" and action in BY_MISSION and mission == "UNMISS")


@pytest.mark.usefixtures("fired")
@pytest.mark.parametrize("who", EVERYONE)
@pytest.mark.parametrize("action", MAY)
def test_each_role_does_what_it_may_and_nothing_else(ask: Ask, guarded: Application, action: str, who: str) -> None:
    for mission in FINGERPRINTS:
        status = request_action(ask, action, who, mission)
        if is_allowed(action, who, mission):
            assert status in (200, 201), (mission, status)
            continue
        assert status == (401 if who == ANONYMOUS else 403), mission
        entry = guarded.access.audit.list_entries(1)[0]
        if who != ANONYMOUS or action != "read audit":
            actor = "anonymous" if who == ANONYMOUS else "robot" if who == SERVICE else who.replace(" ", "-")
            assert (entry["actor"], entry["result"]) == (actor, "refused")


def test_a_threshold_is_set_replaced_and_removed_with_the_words_of_the_command(ask: Ask, guarded: Application) -> None:
    first = set_one(ask, "UNISFA", "analyst", severity="critical", note="Ask the host state")
    assert first.status_code == 201
    assert first.get_json()["text"] == "a4p_sofa_incidents_new{mission=UNISFA} above 100 (critical)"
    second = set_one(ask, "UNISFA", "analyst", severity="critical", limit=120)
    assert (second.status_code, second.get_json()["replaced_limit"]) == (200, 100)
    scrape = make_app(guarded).test_client().get("/metrics").text
    assert (
        'a4p_threshold{metric="a4p_sofa_incidents_new",mission="UNISFA",comparison="above",severity="critical"} 120' in scrape
    )
    removed = ask("analyst", "DELETE", "thresholds?metric=sofa_incidents_new&mission=UNISFA&severity=critical&note=Over")
    assert (removed.status_code, removed.get_json()["replaced_limit"]) == (200, 120)
    again = ask("analyst", "DELETE", "thresholds?metric=sofa_incidents_new&mission=UNISFA&severity=critical")
    assert again.status_code == 400 and "no matching threshold" in again.get_json()["detail"]
    entries = guarded.access.audit.list_entries(4)
    assert [entry["action"] for entry in entries] == ["remove threshold", "remove threshold", "set threshold", "set threshold"]
    assert (entries[2]["before"], entries[2]["after"]) == ("100.0", "120.0")
    assert (entries[1]["reason"], entries[3]["reason"]) == ("Over", "Ask the host state")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({**LIMIT, "metric": "sofa_incident_new"}, "Did you mean a4p_sofa_incidents_new"),
        ({**LIMIT, "mission": "UNMSS"}, "Did you mean UNMISS"),
        ({**LIMIT, "limit": "NaN"}, "limit"),
        ({"metric": "sofa_incidents_new"}, "limit"),
        ({**LIMIT, "role": "administrator"}, "role: unknown name"),
        ({**LIMIT, "set_by": "boss"}, "set_by: unknown name"),
        ({**LIMIT, "note": "x" * 1001}, "note"),
        ([], "body"),
    ],
)
def test_an_invalid_threshold_is_refused_and_audited(ask: Ask, guarded: Application, body: Any, text: str) -> None:
    answer = ask("analyst", "POST", "thresholds", json=body)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert text in answer.get_json()["detail"]
    assert guarded.access.audit.list_entries(1)[0]["result"] == "refused"


def test_a_field_of_the_body_does_not_change_who_writes(ask: Ask, guarded: Application) -> None:
    for path, body in {
        "silences": {"mission": "UNIFIL", "ends_at": later(), "set_by": "boss"},
        "alerts/acknowledgements": {"alerts": ["a"], "acknowledged_by": "boss"},
        "queries": {"name": "q", "text": "from latest", "owner": "boss"},
    }.items():
        assert ask("analyst of UNMISS", "POST", path, json=body).status_code == 400, path
        assert guarded.access.audit.list_entries(1)[0]["actor"] == "analyst-of-UNMISS"


def test_an_analyst_of_one_mission_changes_nothing_for_every_mission(ask: Ask) -> None:
    assert set_one(ask, "*", "analyst of UNMISS").status_code == 403
    body = {"metric": "sofa_incidents_new", "ends_at": later()}
    assert ask("analyst of UNMISS", "POST", "silences", json=body).status_code == 403
    assert ask("analyst of UNMISS", "DELETE", "thresholds?metric=sofa_incidents_new").status_code == 403


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"data": {"metric": "x"}}, 415),
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"[" * 100_000, "content_type": "application/json"}, 400),
        ({"data": b" " * (MAX_BODY_BYTES + 1), "content_type": "application/json"}, 413),
    ],
)
def test_a_body_that_is_not_small_json_is_refused(ask: Ask, options: dict[str, Any], status: int) -> None:
    assert ask("analyst", "POST", "thresholds", **options).status_code == status


def test_an_unknown_silence_is_404(ask: Ask) -> None:
    assert ask("analyst", "DELETE", "silences/nothing").status_code == 404


def test_a_silence_is_set_listed_and_ended(ask: Ask) -> None:
    made = ask("analyst", "POST", "silences", json={"mission": "UNDOF", "ends_at": later(), "note": "Known"}).get_json()
    listed = ask("reader", "GET", "silences?mission=UNDOF").get_json()["rows"]
    assert [(row["silence_id"], row["set_by"], row["ended_by"]) for row in listed] == [(made["silence_id"], "analyst", None)]
    assert ask("analyst", "DELETE", f"silences/{made['silence_id']}?note=Over").get_json()["ended_by"] == "analyst"
    assert ask("reader", "GET", f"silences?mission=UNDOF&active_at={later(0.5).replace('+', '%2B')}").get_json()["rows"] == []
    assert ask("analyst", "POST", "silences", json={"mission": "UNDOF", "ends_at": later(91)}).status_code == 400


def test_a_back_test_is_that_of_the_command(ask: Ask) -> None:
    answer = ask("reader", "POST", "thresholds/backtest", json={**LIMIT, "limit": 10, "suggest": True}).get_json()
    fired = [value for value in answer["values"] if value["is_tested"] and value["fires"]]
    assert len(fired) == answer["fired"] > 0
    assert all(value["value"] > 10 for value in fired)
    assert answer["suggestions"]
    assert ask("reader", "POST", "thresholds/backtest", json={"metric": "sofa_incidents_new"}).status_code == 400


def test_a_saved_query_belongs_to_its_owner(ask: Ask) -> None:
    body = {"name": "Shared", "text": "from latest", "is_shared": True}
    made = ask("analyst", "POST", "queries", json=body).get_json()
    path = f"queries/{made['id']}"
    assert ask("reader", "GET", path).get_json()["owner"] == "analyst"
    assert ask("administrator", "PUT", path, json={**body, "text": "from kpis"}).status_code == 400
    assert ask("reader", "DELETE", path).status_code == 403
    hidden = ask("analyst", "PUT", path, json={**body, "is_shared": False})
    assert hidden.status_code == 200
    assert ask("reader", "GET", path).status_code == 404
    assert made["id"] not in [query["id"] for query in ask("reader", "GET", "queries").get_json()["queries"]]
    assert ask("analyst", "DELETE", path).status_code == 204
    assert ask("analyst", "GET", path).status_code == 404
    for wrong in ("0", "-1", "x", "9" * 400, "٣"):
        assert ask("analyst", "GET", f"queries/{wrong}").status_code == 404


def test_the_audit_has_filters_pages_and_csv(ask: Ask, guarded: Application) -> None:
    guarded.access.audit.note(guarded.access.make_anonymous("::1"), "sign in", '=HYPERLINK("evil")', "refused")
    for number in range(3):
        set_one(ask, "UNISFA", "analyst", limit=200 + number)
    first = ask("administrator", "GET", "audit?actor=analyst&result=done&action=set%20threshold&limit=2").get_json()
    assert [entry["after"] for entry in first["entries"]] == ["202.0", "201.0"]
    second = ask("administrator", "GET", first["next"].removeprefix("/api/v1/")).get_json()
    assert second["entries"][0]["after"] == "200.0"
    csv = ask("administrator", "GET", "audit?result=refused&action=sign%20in", headers={"Accept": "text/csv"})
    assert csv.mimetype == "text/csv" and '"\'=HYPERLINK(""evil"")"' in csv.text
    assert ask("administrator", "GET", "audit?since=2100-01-01").get_json()["entries"] == []
    assert ask("administrator", "GET", "audit?since=yesterday").status_code == 400
    assert ask("administrator", "GET", "audit?color=red").status_code == 400
    assert ask("administrator", "GET", "audit", headers={"Accept": "image/png"}).status_code == 406


def test_every_person_of_these_tests_has_a_role() -> None:
    assert all(PEOPLE.values())


def test_a_session_needs_the_csrf_token_for_a_change(guarded: Application) -> None:
    guarded.access.users.add("browser", [Grant(Role.ADMINISTRATOR)], "test", PASSWORD)
    client = make_app(guarded).test_client()
    assert sign_in(client, "browser", PASSWORD) == 303
    body = {"mission": "UNMISS", "ends_at": later()}
    assert client.post("/api/v1/silences", json=body).status_code == 400
    assert guarded.access.audit.list_entries(1)[0]["detail"].startswith("CSRF")
    token = read_csrf_token(client)
    assert client.post("/api/v1/silences", json=body, headers={"X-CSRFToken": token}).status_code == 201
    form = {"file": (io.BytesIO(CSV % 3), "a.csv"), "csrf_token": token}
    assert client.post("/api/v1/loads?dry_run=true", data=form).status_code == 200
    other_site = {"X-CSRFToken": token, "Sec-Fetch-Site": "cross-site"}
    assert client.post("/api/v1/silences", json=body, headers=other_site).status_code == 403


def test_a_user_who_was_disabled_or_lost_the_role_changes_nothing_more(ask: Ask, guarded: Application) -> None:
    users = guarded.access.users
    users.add("leaver", [Grant(Role.ANALYST)], "test")
    _, secret = guarded.access.tokens.create_for_user("leaver", "test")
    client = make_app(guarded).test_client()

    def change() -> int:
        return client.post("/api/v1/thresholds", json=LIMIT, headers={"Authorization": f"Bearer {secret}"}).status_code

    assert change() in (200, 201)
    users.set_grants("leaver", [Grant(Role.READER)])
    assert change() == 403
    users.disable("leaver")
    assert change() == 401


def test_nothing_is_changed_while_the_audit_cannot_be_written(ask: Ask, guarded: Application, tokens: dict[str, str]) -> None:
    file = guarded.access.store.file
    moved = file.rename(file.with_name("moved.sqlite"))
    try:
        assert set_one(ask, "UNFICYP", "analyst").status_code == 503
    finally:
        moved.rename(file)
    with guarded.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from threshold_history where mission = 'UNFICYP'").fetchone() == (0,)
