"""Rounds over HTTP: uploads, decisions and states in the API and on the pages."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.rounds.transitions import State
from service.web.app import make_app
from tests.web.browsing import PASSWORD, find_fields, sign_in
from tests.web.conftest import EVERYONE, SERVICE, Ask

ROWS = (
    "indicator,mission,dimensions,period_start,period_end,value,source,note\n"
    "sofa_incidents_new,UNMISS,,2024-05-01,2024-10-31,{},UNMISS return,the total follows\n"
)
PLACE = "rounds/6/UNMISS/submissions"


def read_values(ask: Ask) -> list[float]:
    found = ask("reader", "GET", "observations?indicator=sofa_incidents_new&mission=UNMISS").get_json()
    return [row["value"] for row in found["rows"]]


def make_upload(value: int, name: str = "unmiss.csv") -> dict[str, Any]:
    return {"file": (io.BytesIO(ROWS.format(value).encode()), name)}


def decide(ask: Ask, who: str, number: int, action: str, **body: Any) -> Any:
    if "digest" not in body and action not in ("return", "withdraw"):
        body["digest"] = ask("administrator", "GET", f"submissions/{number}").get_json()["review"]["digest"]
    return ask(who, "POST", f"submissions/{number}/{action}", json=body)


def test_a_file_is_reviewed_uploaded_decided_and_published(ask: Ask, guarded: Application) -> None:
    review = ask("contributor", "POST", f"{PLACE}?dry_run=true", data=make_upload(141))
    assert review.status_code == 200
    (cell,) = review.get_json()["cells"]
    assert (cell["kind"], cell["value"], cell["previous_value"], cell["change"]) == ("new", 141, None, None)
    assert ask("administrator", "GET", "submissions?cycle=6").get_json() == {"submissions": []}

    uploaded = ask("contributor", "POST", PLACE, data=make_upload(141))
    assert uploaded.status_code == 201
    draft = uploaded.get_json()
    number = draft["submission_id"]
    assert (draft["state"], draft["actions"]) == ("draft", ["submit", "withdraw"])
    assert draft["review"]["digest"] == review.get_json()["digest"]
    assert decide(ask, "contributor", number, "submit").get_json()["state"] == "submitted"
    assert decide(ask, "approver", number, "validate").get_json()["state"] == "validated"
    assert decide(ask, "approver", number, "approve").get_json()["state"] == "approved"
    assert (
        ask("reader", "GET", "observations?indicator=sofa_incidents_new&mission=UNMISS").get_json()["rows"][-1]["value"] != 141
    )
    published = decide(ask, "approver", number, "publish").get_json()
    assert (published["state"], published["review"]) == ("published", None)
    assert published["batch_id"] is not None
    assert 141 in read_values(ask)
    scrape = make_app(guarded).test_client().get("/metrics").text
    assert 'a4p_sofa_incidents_new{mission="UNMISS"} 141' in scrape


def test_the_states_of_a_round_are_read_by_everyone_and_on_metrics(ask: Ask, guarded: Application) -> None:
    found = ask("reader", "GET", "rounds/6").get_json()
    assert (found["period_start"], found["period_end"], found["closes_on"]) == ("2024-05-01", "2024-10-31", None)
    states = {row["mission"]: row for row in found["missions"]}
    assert states["UNIFIL"]["state"] == "overdue"
    assert states["UNIFIL"]["overdue_days"] > 600
    assert states["UNIFIL"]["next_actor"] == "contributor of UNIFIL: report"
    scrape = make_app(guarded).test_client().get("/metrics").text
    assert re.search(r'^a4p_submission_state\{cycle="\d+",mission="UNIFIL",state="overdue"\} 1', scrape, re.M)
    assert re.search(r'^a4p_submission_overdue_days\{cycle="\d+",mission="UNIFIL"\} [1-9]', scrape, re.M)


@pytest.mark.parametrize("who", EVERYONE)
def test_only_a_contributor_of_the_mission_uploads(ask: Ask, who: str) -> None:
    answer = ask(who, "POST", PLACE, data=make_upload(EVERYONE.index(who)))
    expected = 201 if who in ("contributor", "administrator") else 401 if who == "anonymous" else 403
    assert answer.status_code == expected
    assert ask(who, "POST", PLACE.replace("UNMISS", "UNIFIL"), data=make_upload(1)).status_code in (
        (400,) if who == "administrator" else (401, 403)
    )


@pytest.fixture(scope="module")
def submitted(ask_guarded: Ask) -> int:
    """The number of a submission that approvers can decide on. Refused decisions do not change it."""
    number = ask_guarded("administrator", "POST", PLACE, data=make_upload(200)).get_json()["submission_id"]
    assert decide(ask_guarded, "administrator", number, "submit").get_json()["state"] == "submitted"
    return int(number)


@pytest.mark.parametrize("who", [name for name in EVERYONE if name not in ("administrator", "approver")])
def test_only_approvers_decide(ask: Ask, guarded: Application, submitted: int, who: str) -> None:
    for action in ("validate", "approve", "publish", "return"):
        assert decide(ask, who, submitted, action, digest="0" * 64, reason="because").status_code == (
            401 if who == "anonymous" else 403
        )
    assert guarded.submissions.get(submitted).state == State.SUBMITTED


def test_an_approver_returns_a_submission(ask: Ask) -> None:
    number = ask("administrator", "POST", PLACE, data=make_upload(201)).get_json()["submission_id"]
    decide(ask, "administrator", number, "submit")
    returned = decide(ask, "approver", number, "return", reason="because")
    assert (returned.status_code, returned.get_json()["state"]) == (200, "returned")


def test_mistakes_are_problem_details(ask: Ask) -> None:
    number = ask("contributor", "POST", PLACE, data=make_upload(300)).get_json()["submission_id"]
    for who, path, body, status, text in (
        ("contributor", f"submissions/{number}/submit", {}, 400, "digest: name the digest of the preview"),
        ("contributor", f"submissions/{number}/submit", {"digest": "0" * 64}, 409, "read the new preview and decide again"),
        ("approver", f"submissions/{number}/return", {}, 403, "must not read submission"),
        ("contributor", "submissions/99999/submit", {}, 404, "unknown submission 99999"),
        ("contributor", "submissions/x/submit", {}, 404, "unknown submission 'x'"),
        ("approver", "rounds/6/UNMISS/extension", {"until": "2030-01-01", "reason": " "}, 400, "reason: say why"),
    ):
        answer = ask(who, "POST", path, json=body)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
        assert text in answer.get_json()["detail"]
    assert ask("reader", "GET", "rounds/999").status_code == 404
    wrong = ask(
        "contributor", "POST", PLACE, data={"file": (io.BytesIO(ROWS.replace("UNMISS", "UNIFIL").format(1).encode()), "a.csv")}
    )
    assert wrong.status_code == 400
    assert wrong.get_json()["errors"][0]["name"] == "row 2, column mission"
    assert ask("contributor", "POST", f"submissions/{number}/withdraw", json={}).get_json()["state"] == "withdrawn"


def test_a_service_token_of_an_analyst_sees_no_submission(ask: Ask) -> None:
    ask("contributor", "POST", PLACE, data=make_upload(400))
    assert ask(SERVICE, "GET", "submissions").get_json() == {"submissions": []}


@pytest.fixture(scope="module")
def people(guarded: Application) -> Application:
    """Users with passwords for the pages."""
    for name, grant in (
        ("mary", Grant(Role.CONTRIBUTOR, "UNMISS")), ("paul", Grant(Role.APPROVER, "UNMISS")), ("ruth", Grant(Role.APPROVER)),
    ):  # fmt: skip
        guarded.access.users.add(name, [grant], "test", PASSWORD)
    return guarded


def open_browser(people: Application, name: str) -> FlaskClient:
    client = make_app(people).test_client()
    sign_in(client, name)
    return client


def press(client: FlaskClient, number: int, action: str, reason: str = "") -> str:
    """Press a button of the decision form; return the page that follows."""
    path = f"/submissions/{number}"
    fields = find_fields(client.get(path).text, path)
    answer = client.post(path, data={**fields, "action": action, "reason": reason}, follow_redirects=True)
    return answer.text


def test_a_contributor_and_approvers_use_the_pages(people: Application) -> None:
    mary, paul, ruth = (open_browser(people, name) for name in ("mary", "paul", "ruth"))
    place = "/rounds/6/UNMISS"
    page = mary.get(place).text
    assert "Download the template" in page
    token = find_fields(page, place)["csrf_token"][0]
    bad = mary.post(place, data={"csrf_token": token, "file": (io.BytesIO(b"indicator\nx\n"), "bad.csv")})
    assert bad.status_code == 400
    assert "bad.csv, row 1: the column &#39;mission&#39; is missing" in bad.text
    answer = mary.post(place, data={"csrf_token": token, **make_upload(150)})
    assert answer.status_code == 303
    number = int(answer.location.rpartition("/")[2])
    assert "contributor of UNMISS: submit" in mary.get(answer.location).text
    assert paul.get(answer.location).status_code == 403
    assert f"Submission {number} is submitted." in press(mary, number, "submit")
    assert "say what the mission has to change" in press(paul, number, "return")
    assert f"Submission {number} is returned." in press(paul, number, "return", "Please check the number")
    assert "Please check the number" in mary.get(place).text
    press(mary, number, "submit")
    assert f"Submission {number} is validated." in press(paul, number, "validate")
    press(ruth, number, "approve")
    assert f"Submission {number} is published as batch" in press(ruth, number, "publish")
    assert "published" in mary.get("/rounds/6").text


def test_pages_of_unknown_rounds_are_not_found(people: Application) -> None:
    ruth = open_browser(people, "ruth")
    for path in ("/rounds/999", "/rounds/x", "/rounds/6/UNMSS", "/rounds/6/MINUSMA", "/submissions/99999", "/submissions/x"):
        assert ruth.get(path).status_code == 404, path
