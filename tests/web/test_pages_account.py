"""The page /account: roles, sessions, tokens and password of the signed-in user."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.web.browsing import PASSWORD, find_fields, sign_in


@pytest.fixture
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("account"), threads=1, anonymous="none")
    opened = Application(settings, definitions, opens_warehouse=False)
    users = opened.access.users
    users.add("boss", [Grant(Role.ADMINISTRATOR)], "test", PASSWORD)
    users.add("mia", [Grant(Role.ANALYST, "UNMISS"), Grant(Role.ANALYST, "UNIFIL")], "boss", PASSWORD)
    users.add("nobody", [], "boss", PASSWORD)
    yield opened
    opened.close()


def open_browser(application: Application, name: str = "") -> FlaskClient:
    client = make_app(application).test_client()
    if name:
        sign_in(client, name)
    return client


def create_token(client: FlaskClient, days: str = "30") -> str:
    fields = find_fields(client.get("/account").text, "/account", "Create token")
    answer = client.post("/account", data={**fields, "days": days})
    found = re.search(r"a4p_[\w-]{40,}", answer.text)
    assert answer.status_code == 200 and found
    return found[0]


def test_without_signing_in_the_page_leads_there(application: Application) -> None:
    text = open_browser(application).get("/account").text
    assert "You are not signed in." in text and 'href="/sign-in?next=%2Faccount"' in text


def test_roles_are_shown_in_words(application: Application) -> None:
    answer = open_browser(application, "mia").get("/account")
    assert "analyst" in answer.text and "UNIFIL, UNMISS" in answer.text and "set thresholds" in answer.text
    assert "/admin/" not in answer.text and "no-store" in answer.headers["Cache-Control"]
    assert 'href="/admin/users"' in open_browser(application, "boss").get("/account").text
    assert "You have no role." in open_browser(application, "nobody").get("/account").text


def test_signing_out_everywhere_ends_every_session(application: Application) -> None:
    first, second = open_browser(application, "mia"), open_browser(application, "mia")
    text = first.get("/account").text
    assert text.count("this session") == 1 and text.count(">password</td>") == 2
    fields = find_fields(text, "/sign-out", "Sign out everywhere")
    assert first.post("/sign-out", data=fields).status_code == 303
    for client in (first, second):
        assert "You are not signed in." in client.get("/account").text


def test_a_token_is_shown_once_and_can_be_revoked(application: Application) -> None:
    client = open_browser(application, "mia")
    secret = create_token(client)
    page = client.get("/account").text
    assert secret not in page and "Revoke" in page
    program = make_app(application).test_client()
    # 503: the token is accepted, and there is no snapshot.
    assert program.get("/missions", headers={"Authorization": f"Bearer {secret}"}).status_code == 503
    assert client.post("/account", data=find_fields(page, "/account", "Revoke")).status_code == 303
    assert program.get("/missions", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert "revoked" in client.get("/account").text
    actions = [(row["action"], row["target"]) for row in application.access.audit.list_entries(2)]
    assert actions == [("revoke token", "token 1 of mia"), ("create token", "token 1 of mia")]
    assert secret not in str(application.access.audit.list_entries())


def test_tokens_of_others_are_out_of_reach(application: Application) -> None:
    create_token(open_browser(application, "boss"))
    client = open_browser(application, "mia")
    fields = find_fields(client.get("/account").text, "/account", "Create token")
    answer = client.post("/account", data={**fields, "action": "revoke token", "token": "1"})
    assert answer.status_code == 400 and "there is no token 1" in answer.text.lower()
    assert application.access.tokens.list_all("boss")[0].revoked_at is None
    # A field that the form does not have changes nothing.
    client.post("/account", data={**fields, "user": "boss", "role": "administrator"})
    assert [token.user for token in application.access.tokens.list_all("mia")] == ["mia"]


@pytest.mark.parametrize("changed", [{"days": "100000"}, {"action": "delete user"}, {"action": "revoke token", "token": "x"}])
def test_a_form_that_was_edited_is_refused(application: Application, changed: dict[str, str]) -> None:
    client = open_browser(application, "mia")
    fields = find_fields(client.get("/account").text, "/account", "Create token")
    assert client.post("/account", data={**fields, **changed}).status_code == 400


def test_a_new_password_needs_the_present_one_and_ends_other_sessions(application: Application) -> None:
    client, other = open_browser(application, "mia"), open_browser(application, "mia")
    fields = find_fields(client.get("/account").text, "/account", "Change password")
    new = "another long password"

    def change(present: str, first: str, second: str) -> tuple[int, str]:
        given = {**fields, "present_password": present, "password": first, "repeated_password": second}
        answer = client.post("/account", data=given)
        return answer.status_code, html.unescape(answer.text)

    assert change("wrong", new, new)[0] == 400
    assert "The passwords differ." in change(PASSWORD, new, "differs from it")[1]
    assert "12 to 1,000 characters" in change(PASSWORD, "short", "short")[1]
    assert change(PASSWORD, new, new)[0] == 303
    assert "The password is changed." in client.get("/account").text
    assert "You are not signed in." in other.get("/account").text
    assert application.access.users.check_password("mia", new, "127.0.0.1").name == "mia"
    rows = application.access.audit.list_entries(50, filters={"action": "change password"})
    assert [row["result"] for row in rows] == ["done", "refused", "refused"]
    assert new not in str(rows) and PASSWORD not in str(rows)


def test_guesses_of_the_present_password_are_slowed(application: Application) -> None:
    client = open_browser(application, "mia")
    fields = find_fields(client.get("/account").text, "/account", "Change password")
    given = {**fields, "present_password": "wrong", "password": "x" * 20, "repeated_password": "x" * 20}
    statuses = [client.post("/account", data=given).status_code for _ in range(7)]
    assert statuses[:5] == [400] * 5 and statuses[-1] == 429
