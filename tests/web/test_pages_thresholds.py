"""The page /thresholds for each role: back-test, set, change, copy and remove."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.published_report import publish_report
from tests.web.browsing import PASSWORD, find_fields, sign_in
from tests.web.conftest import SignedIn

FORM = {
    "metric": "sofa_incidents_new",
    "comparison": "above",
    "limit": "100",
    "severity": "critical",
    "reason": "Ask the host state",
}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("thresholds") / "data", definitions, anonymous="read") as opened:
        users = opened.access.users
        users.add("boss", [Grant(Role.ADMINISTRATOR)], "test", PASSWORD)
        users.add("ana", [Grant(Role.ANALYST)], "boss", PASSWORD)
        users.add("mia", [Grant(Role.ANALYST, "UNMISS")], "boss", PASSWORD)
        users.add("rita", [Grant(Role.READER)], "boss", PASSWORD)
        yield opened


def post(client: FlaskClient, **fields: str | list[str]) -> tuple[int, str]:
    """Open the page with these fields, send the form that it shows, and return the status and text of the page after it."""
    shown = client.get("/thresholds", query_string=fields)
    sent = find_fields(shown.text, "/thresholds")
    sent["reason"] = [str(fields.get("reason", "A test"))]
    answer = client.post("/thresholds", data=sent)
    text = client.get(answer.location).text if answer.status_code == 303 else answer.text
    return answer.status_code, html.unescape(text)


def list_current(application: Application) -> dict[tuple[str, str], float]:
    with application.warehouse.cursor() as cursor:
        rows = cursor.execute(
            "select mission, severity, limit_value from thresholds "
            "where metric = 'a4p_sofa_incidents_new' and comparison = 'above'"
        ).fetchall()
    return {(mission, severity): limit for mission, severity, limit in rows}


def test_an_analyst_sets_a_threshold_that_is_live_at_once(application: Application, signed_in: SignedIn) -> None:
    client = signed_in("ana")
    shown = client.get("/thresholds", query_string=FORM).text
    assert "would have fired 1 of 8 times" in shown and "Set threshold</button>" in shown
    effect = re.sub(r"<[^>]+>", " ", shown[shown.index('class="effect"') :])
    assert re.search(r"Alerts it starts\s+UNMISS", effect)
    status, text = post(client, **FORM)
    assert status == 303 and "Set: a4p_sofa_incidents_new above 100 (critical)." in text
    assert "Ask the host state" in text
    exposed = b"".join(application.exposition.text.chunks).decode()
    assert re.search(r'a4p_threshold\{.*metric="a4p_sofa_incidents_new".*severity="critical".*\} 100', exposed)
    entry = application.access.audit.list_entries(1)[0]
    assert (entry["actor"], entry["action"], entry["reason"], entry["after"]) == (
        "ana", "set threshold", "Ask the host state", "100.0",
    )  # fmt: skip
    # The message is shown once.
    assert "Set: a4p" not in client.get("/thresholds").text


def test_two_people_do_not_overwrite_each_other(application: Application, signed_in: SignedIn) -> None:
    first, second = signed_in("ana"), signed_in("boss")
    fields = {**FORM, "severity": "info"}
    form = find_fields(first.get("/thresholds", query_string=fields).text, "/thresholds")
    assert post(second, **{**fields, "limit": "120", "reason": "Seen by the other"})[0] == 303
    answer = first.post("/thresholds", data={**form, "reason": "Mine"})
    assert answer.status_code == 409 and "above 120, set by boss" in answer.text and "Your change: above 100" in answer.text
    assert list_current(application)["*", "info"] == 120
    # The form that the answer shows can be sent.
    again = find_fields(answer.text, "/thresholds")
    assert first.post("/thresholds", data=again).status_code == 303
    assert list_current(application)["*", "info"] == 100


def test_a_threshold_is_removed_after_its_effect_is_shown(application: Application, signed_in: SignedIn) -> None:
    client = signed_in("ana")
    fields = {**FORM, "mission": "UNMISS", "severity": "warning", "limit": "120"}
    assert post(client, **fields)[0] == 303
    shown = client.get("/thresholds", query_string={**fields, "action": "remove"}).text
    assert "Remove threshold</button>" in shown and "Alerts it clears" in shown
    # The threshold for all missions, above 50, governs it then.
    assert "No past or current value would stop firing." in shown
    general = client.get("/thresholds?action=remove&metric=hospital_outage_days&limit=30").text
    assert "Periods that would no longer fire" in general and "247" in general
    status, text = post(client, **{**fields, "action": "remove", "reason": "No longer needed"})
    assert status == 303 and "Removed: a4p_sofa_incidents_new{mission=UNMISS} above 120 (warning)." in text
    assert ("UNMISS", "warning") not in list_current(application)


def test_a_threshold_is_copied_to_other_missions(application: Application, signed_in: SignedIn) -> None:
    client = signed_in("ana")
    fields = {
        **FORM,
        "action": "copy",
        "mission": "UNMISS",
        "severity": "warning",
        "limit": "41",
        "missions": ["UNIFIL", "UNDOF"],
    }
    shown = client.get("/thresholds", query_string=fields).text
    assert "Back-test for 2 missions" in shown
    status, text = post(client, **fields)  # type: ignore[arg-type]
    assert status == 303 and "Set for 2 missions" in text
    current = list_current(application)
    assert current["UNIFIL", "warning"] == current["UNDOF", "warning"] == 41 and ("UNMISS", "warning") not in current


def test_a_copy_or_removal_of_what_has_changed_is_refused_as_a_whole(application: Application, signed_in: SignedIn) -> None:
    client = signed_in("ana")
    assert post(client, **{**FORM, "mission": "UNISFA", "severity": "info", "limit": "7"})[0] == 303
    fields = {**FORM, "severity": "info", "limit": "9"}
    copied = {**fields, "action": "copy", "missions": ["MINURSO", "UNISFA"]}
    removed = {**fields, "action": "remove", "mission": "UNISFA"}
    forms = [find_fields(client.get("/thresholds", query_string=query).text, "/thresholds") for query in (copied, removed)]
    # The same limit again, by another user for another reason.
    assert post(signed_in("boss"), **{**FORM, "mission": "UNISFA", "severity": "info", "limit": "7"})[0] == 303
    for form in forms:
        answer = client.post("/thresholds", data={**form, "reason": "A test"})
        assert answer.status_code == 409 and "above 7, set by boss" in answer.text
    current = list_current(application)
    assert current["UNISFA", "info"] == 7 and ("MINURSO", "info") not in current


def test_an_analyst_of_one_mission_changes_only_its_thresholds(application: Application, signed_in: SignedIn) -> None:
    client = signed_in("mia")
    assert "Set threshold</button>" in client.get("/thresholds", query_string={**FORM, "mission": "UNMISS"}).text
    form = find_fields(client.get("/thresholds", query_string={**FORM, "mission": "UNMISS"}).text, "/thresholds")
    before = list_current(application)
    for mission in ("", "UNIFIL"):
        shown = client.get("/thresholds", query_string={**FORM, "mission": mission}).text
        assert "Set threshold</button>" not in shown and "ask an administrator for a role" in shown
        # The fields of a form can be edited.
        assert client.post("/thresholds", data={**form, "mission": mission, "reason": "A test"}).status_code == 403
    copied = {**form, "action": "copy", "missions": ["UNMISS", "UNIFIL"], "reason": "A test"}
    assert client.post("/thresholds", data=copied).status_code == 403
    assert list_current(application) == before
    assert application.access.audit.list_entries(1)[0]["result"] == "refused"


def test_a_reader_sees_the_back_test_and_cannot_set(application: Application, signed_in: SignedIn) -> None:
    client = signed_in("rita")
    shown = client.get("/thresholds", query_string=FORM).text
    assert "would have fired 1 of 8 times" in shown
    assert "Set threshold</button>" not in shown and "Remove" not in shown and "must not set thresholds" in shown
    token = find_fields(client.get("/sign-in").text, "/sign-in")["csrf_token"]
    assert client.post("/thresholds", data={**FORM, "csrf_token": token}).status_code == 403
    assert client.post("/thresholds", data=FORM).status_code == 400, "without the token of the form"


def test_an_expired_session_loses_nothing(application: Application) -> None:
    client = make_app(application).test_client()
    shown = client.get("/thresholds", query_string=FORM).text
    assert "Sign in to change thresholds" in shown and "Set threshold</button>" not in shown
    answer = client.post("/thresholds", data={**FORM, "action": "set"})
    assert answer.status_code == 303 and "sign-in?next=%2Fthresholds%3F" in answer.location
    back = sign_in(client, "ana", path=answer.location)
    shown = client.get(back).text
    assert 'name="reason" value="Ask the host state"' in shown and "would have fired 1 of 8 times" in shown


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reason": ""}, "Reason: say why"),
        ({"limit": "many"}, "is not a number"),
        ({"limit": ""}, "needs a limit"),
        ({"mission": "NOWHERE"}, "Unknown mission"),
        ({"metric": "sofa"}, "Unknown metric"),
        ({"action": "drop"}, "is not one of"),
        ({"action": "copy"}, "select at least one mission"),
    ],
)
def test_a_mistake_is_shown_beside_the_fields(signed_in: SignedIn, changed: dict[str, str], message: str) -> None:
    client = signed_in("ana")
    form = find_fields(client.get("/thresholds", query_string=FORM).text, "/thresholds")
    answer = client.post("/thresholds", data={**form, **FORM, **changed})
    assert answer.status_code == 400 and message in html.unescape(answer.text)


def test_no_cache_stores_what_one_user_sees(signed_in: SignedIn) -> None:
    assert "no-store" in signed_in("ana").get("/thresholds").headers["Cache-Control"]


def test_the_chart_draws_the_limit_of_the_back_test(application: Application) -> None:
    client = make_app(application).test_client()
    image = client.get("/charts/thresholds.svg?metric=serious_misconduct_allegations&limit=300&mission=ALL")
    assert image.mimetype == "image/svg+xml" and "limit: above 300" in image.text
    kpi = client.get("/charts/thresholds.svg?metric=crime_trial_ratio&comparison=below&limit=0.07")
    assert "below 7" in kpi.text
    copied = "/charts/thresholds.svg?action=copy&metric=sofa_incidents_new&limit=20"
    assert client.get(f"{copied}&missions=UNIFIL&missions=MONUSCO").text != client.get(f"{copied}&missions=UNIFIL").text
    assert client.get(copied).status_code == 404
    assert client.get("/charts/thresholds.svg?metric=wrong&limit=1").status_code == 404
    assert client.get("/charts/thresholds.svg?metric=indicator_change&limit=1").status_code == 404


def test_the_page_of_an_indicator_leads_to_its_form(application: Application) -> None:
    text = make_app(application).test_client().get("/indicators/sofa_incidents_new?mission=UNMISS").text
    assert 'href="/thresholds?metric=a4p_sofa_incidents_new&amp;mission=UNMISS#try">Set a threshold' in text
