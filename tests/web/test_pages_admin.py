"""The pages of administrators: users, their roles and links, and the audit."""

from __future__ import annotations

import csv
import html
import re
import sqlite3
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.rounds.outbox import Outbox
from service.settings import Settings
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.web.browsing import PASSWORD, find_fields, sign_in

PAGES = ("/admin/users", "/admin/users/rita", "/admin/messages", "/admin/audit", "/admin/audit.csv")


@pytest.fixture
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("admin"), threads=1, anonymous="read")
    opened = Application(settings, definitions, opens_warehouse=False)
    for name, role in (("boss", Role.ADMINISTRATOR), ("ana", Role.ANALYST), ("rita", Role.READER)):
        opened.access.users.add(name, [Grant(role)], "test", PASSWORD)
    yield opened
    opened.close()


@pytest.fixture
def boss(application: Application) -> FlaskClient:
    return open_browser(application, "boss")


def open_browser(application: Application, name: str) -> FlaskClient:
    client = make_app(application).test_client()
    sign_in(client, name)
    return client


def send(client: FlaskClient, path: str, button: str, **changed: object) -> tuple[int, str]:
    """Send a form of a page, and return the status and the text of the page after it."""
    answer = client.post(path, data={**find_fields(client.get(path).text, path, button), **changed})
    text = client.get(answer.location).text if answer.status_code == 303 else answer.text
    return answer.status_code, html.unescape(text)


@pytest.mark.parametrize("path", PAGES)
def test_only_administrators_see_the_pages(application: Application, boss: FlaskClient, path: str) -> None:
    answer = boss.get(path)
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
    for name in ("ana", "rita"):
        assert open_browser(application, name).get(path).status_code == 403
    assert make_app(application).test_client().get(path).location.startswith("/sign-in?next=%2Fadmin")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/admin/users", {"name": "friend", "grants": "administrator"}),
        ("/admin/users/rita", {"action": "set roles", "grants": "administrator"}),
        ("/admin/users/boss", {"action": "disable"}),
        ("/admin/users/boss", {"action": "reset password"}),
    ],
)
def test_nobody_else_changes_users(application: Application, path: str, fields: dict[str, str]) -> None:
    before = application.access.users.list_all()
    client = open_browser(application, "ana")
    token = find_fields(client.get("/account").text, "/account", "Create token")["csrf_token"]
    assert client.post(path, data={**fields, "csrf_token": token}).status_code == 403
    assert open_browser(application, "boss").post(path, data=fields).status_code == 400, "without the token of the form"
    assert application.access.users.list_all() == before
    refused = application.access.audit.list_entries(10, filters={"actor": "ana", "result": "refused"})
    assert refused[0]["action"] == f"POST {path}"


def test_an_added_user_chooses_a_password_by_a_link_that_is_shown_once(application: Application, boss: FlaskClient) -> None:
    status, text = send(boss, "/admin/users", "Add user", name="mia", grants=["reader", "analyst:UNMISS"])
    found = re.search(r"http://localhost(/setup\?link=[\w-]+)", text)
    assert status == 200 and found and "analyst of UNMISS, reader" in text
    assert found[1] not in boss.get("/admin/users").text
    browser = make_app(application).test_client()
    fields = find_fields(browser.get(found[1]).text, "/setup")
    assert browser.post("/setup", data={**fields, "password": PASSWORD, "repeated": PASSWORD}).status_code == 303
    assert "Account of mia" in browser.get("/account").text
    actions = [row["action"] for row in application.access.audit.list_entries(10, filters={"actor": "boss"})]
    assert actions[:2] == ["make password link", "add user"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "rita", "grants": "reader"}, "there is a user rita"),
        ({"name": "not a name", "grants": "reader"}, "is not a user name"),
        ({"name": "mia", "grants": []}, "select at least one role"),
        ({"name": "mia", "grants": "emperor"}, "unknown role 'emperor'"),
        ({"name": "mia", "grants": "analyst:ATLANTIS"}, "unknown mission 'ATLANTIS'"),
        ({"name": "mia", "grants": "administrator:UNMISS"}, "is not for single missions"),
    ],
)
def test_a_mistake_is_shown_and_adds_nobody(
    application: Application, boss: FlaskClient, changed: dict[str, str], message: str
) -> None:
    status, text = send(boss, "/admin/users", "Add user", **changed)
    assert status == 400 and message.lower() in text.lower()
    assert len(application.access.users.list_all()) == 3


def test_roles_are_replaced_with_before_and_after_in_the_audit(application: Application, boss: FlaskClient) -> None:
    status, text = send(boss, "/admin/users/rita", "Set roles", grants=["analyst:UNMISS", "analyst:UNIFIL"])
    assert status == 303 and "The roles are set." in text
    assert application.access.users.get("rita").grants == (Grant(Role.ANALYST, "UNIFIL"), Grant(Role.ANALYST, "UNMISS"))
    row = application.access.audit.list_entries(1)[0]
    assert (row["action"], row["before"], row["after"]) == (
        "set roles",
        '["reader"]',
        '["analyst of UNMISS", "analyst of UNIFIL"]',
    )
    assert 'value="analyst:UNMISS" checked' in boss.get("/admin/users/rita").text


def test_a_disabled_user_is_signed_out_and_can_be_enabled(application: Application, boss: FlaskClient) -> None:
    rita = open_browser(application, "rita")
    assert send(boss, "/admin/users/rita", "Disable")[0] == 303
    assert "You are not signed in." in rita.get("/account").text
    assert "disabled" in boss.get("/admin/users").text
    assert send(boss, "/admin/users/rita", "Enable")[0] == 303
    assert application.access.users.get("rita").disabled_at is None


def test_a_reset_ends_the_password_and_shows_a_link(application: Application, boss: FlaskClient) -> None:
    status, text = send(boss, "/admin/users/rita", "Reset password")
    assert status == 200 and "/setup?link=" in text
    client = make_app(application).test_client()
    fields = find_fields(client.get("/sign-in").text, "/sign-in")
    assert client.post("/sign-in", data={**fields, "name": "rita", "password": PASSWORD}).status_code == 401


def test_the_only_administrator_remains(application: Application, boss: FlaskClient) -> None:
    for button, changed in (("Disable", {}), ("Set roles", {"grants": ["reader"]})):
        status, text = send(boss, "/admin/users/boss", button, **changed)
        assert status == 400 and "only administrator" in text
    assert boss.get("/admin/users/unknown").status_code == 404


def test_the_audit_is_filtered_and_paged_and_downloaded(application: Application, boss: FlaskClient) -> None:
    for number in range(120):
        application.access.audit.note(application.access.make_anonymous("192.0.2.1"), "test", f"=target {number}")
    first = boss.get("/admin/audit?action=test").text
    assert "unchanged" in first and "=target 119<" in first and "=target 19<" not in first
    older = re.search(r'href="([^"]+)">Older entries', first)
    assert older and "=target 19<" in boss.get(html.unescape(older[1])).text
    assert "No entries." in boss.get("/admin/audit?actor=nobody").text
    assert "No entries." in boss.get("/admin/audit?until=2020-01-01T00:00").text
    assert boss.get("/admin/audit?since=yesterday").status_code == 400
    assert boss.get("/admin/audit?before=x").status_code == 400
    answer = boss.get("/admin/audit.csv?action=test")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert len(rows) == 120 and rows[0]["target"] == "'=target 119"


def test_a_changed_row_is_reported(application: Application, boss: FlaskClient) -> None:
    boss.get("/admin/audit")
    with sqlite3.connect(application.access.store.file) as connection:
        connection.execute("drop trigger audit_rows_do_not_change")
        connection.execute("update audit set actor = 'somebody else' where id = 1")
    assert "the audit was changed: row 1" in boss.get("/admin/audit").text


def test_names_and_texts_are_escaped(application: Application, boss: FlaskClient) -> None:
    wild = "<script>alert(1)</script>"
    client = make_app(application).test_client()
    client.post("/sign-in", data={**find_fields(client.get("/sign-in").text, "/sign-in"), "name": wild, "password": "x"})
    text = boss.get("/admin/audit").text
    assert wild not in text and html.escape(wild) in text
    assert wild not in boss.get("/admin/users", query_string={"name": wild}).text


def test_the_address_of_a_user_is_set_on_the_page_of_the_user(application: Application, boss: FlaskClient) -> None:
    status, text = send(boss, "/admin/users/rita", "Set address", email="rita@example.org")
    assert status == 303 and "The e-mail address is set." in text
    assert application.access.users.get("rita").email == "rita@example.org"
    status, text = send(boss, "/admin/users/rita", "Set address", email="rita")
    assert status == 400 and "'rita' is not an e-mail address such as ana@example.org." in text
    status, text = send(boss, "/admin/users/rita", "Set address", email="")
    assert status == 303 and application.access.users.get("rita").email is None
    entry = application.access.audit.list_entries(3)[-1]
    assert (entry["action"], entry["target"]) == ("set email", "rita")


def test_messages_are_listed_with_their_state_and_error(application: Application, boss: FlaskClient) -> None:
    text = boss.get("/admin/messages").text
    assert "No messages." in text and "no mail server is configured" in text
    outbox = Outbox(application.access.store, is_enabled=True)
    with application.access.store.write() as connection:
        outbox.add(connection, ["ana@example.org", "max@example.org"], "<b>12</b> submitted", "x", "/submissions/12")
    message = outbox.take_due()
    assert message is not None
    outbox.record_failure(message, "550 no such user", is_permanent=True)
    text = boss.get("/admin/messages?state=failed").text
    assert "ana@example.org" in text and "550 no such user" in text and "max@example.org" not in text
    assert "&lt;b&gt;12&lt;/b&gt; submitted" in text and 'href="/submissions/12"' in text
    assert boss.get("/admin/messages?state=lost").status_code == 400
