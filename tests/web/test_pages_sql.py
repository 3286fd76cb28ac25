"""The page /sql before its script runs: the query, views with their columns, and examples."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from service.access.roles import Grant, Role
from service.application import Application
from service.queries.examples import read_examples
from service.settings import find_in_tree
from service.warehouse.definitions import Definitions
from service.warehouse.schema import read_schema
from service.web.app import make_app
from service.web.pages.sql import FIRST_QUERY
from tests.published_report import publish_report
from tests.web.browsing import PASSWORD, find_fields, sign_in


def read_editor(client: FlaskClient, path: str) -> str:
    (written,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", client.get(path).get_data(as_text=True), re.S)
    return html.unescape(written)


def test_initial_query_returns_rows(client: FlaskClient, application: Application) -> None:
    assert read_editor(client, "/sql") == FIRST_QUERY
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        assert session.execute(FIRST_QUERY).fetchall()[0][:2] == ("UNMISS", 125)


def test_link_preserves_the_query(client: FlaskClient) -> None:
    query = "select '</textarea><script>alert(1)</script>' & \"x\"\nfrom latest"
    assert "<script>alert" not in client.get("/sql", query_string={"sql": query}).get_data(as_text=True)
    (written,) = re.findall(
        r"<textarea[^>]*>(.*?)</textarea>", client.get("/sql", query_string={"sql": query}).get_data(as_text=True), re.S
    )
    assert html.unescape(written) == query


def test_views_and_columns_are_listed_with_their_comments(client: FlaskClient, application: Application) -> None:
    text = html.unescape(client.get("/sql").get_data(as_text=True))
    with application.warehouse.cursor() as session:
        views = read_schema(session)
    assert {"latest", "observations", "kpi_values"} <= {view.name for view in views}
    for view in views:
        assert f"<code>{view.call}</code>" in text
        assert view.comment in text
        for column in view.columns:
            assert column.comment in text


def test_examples_are_links_that_open_their_query(client: FlaskClient) -> None:
    text = client.get("/sql").get_data(as_text=True)
    for example in read_examples():
        assert f'href="/sql?example={example.name}"' in text
        assert read_editor(client, f"/sql?example={example.name}") == example.sql
    assert client.get("/sql?example=no_such").status_code == 404


def test_query_form_includes_as_of_and_known_at(client: FlaskClient) -> None:
    text = client.get("/sql?as_of=2023-10-31&known_at=2024-01-01").get_data(as_text=True)
    form = text[text.index('id="query-form"') : text.index("</textarea>")]
    assert 'name="as_of" value="2023-10-31"' in form
    assert 'name="known_at" value="2024-01-01T00:00:00Z"' in form


def test_chart_library_is_the_published_file() -> None:
    folder: Path = find_in_tree("service") / "web" / "static" / "vendor" / "chart.js"
    # SHA-256 of the file in the package chart.js 4.6.1.
    assert (
        hashlib.sha256((folder / "chart.umd.min.js").read_bytes()).hexdigest()
        == "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"
    )
    assert "MIT License" in (folder / "LICENSE.md").read_text()


def test_editor_is_the_bundle_of_the_pinned_packages_and_is_on_one_page_only(client: FlaskClient) -> None:
    folder: Path = find_in_tree("service") / "web" / "static" / "vendor" / "codemirror"
    # SHA-256 of the output of `make editor`.
    assert (
        hashlib.sha256((folder / "editor.min.js").read_bytes()).hexdigest()
        == "7ca0b9eb9c3183ae73f558a71791dcbf03375f11deac7bb2f9460253144434c9"
    )
    assert "Permission is hereby granted" in (folder / "LICENSE.md").read_text()
    assert "codemirror" in client.get("/sql").text and "codemirror" not in client.get("/").text


@pytest.fixture(scope="module")
def own_application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("queries") / "data", definitions, anonymous="read") as opened:
        for name, role in (("ana", Role.ANALYST), ("ben", Role.ANALYST), ("rita", Role.READER)):
            opened.access.users.add(name, [Grant(role)], "test", PASSWORD)
        yield opened


def open_browser(application: Application, name: str) -> FlaskClient:
    browser = make_app(application).test_client()
    sign_in(browser, name)
    return browser


def save(browser: FlaskClient, path: str = "/sql", action: str = "save as new", **changed: str) -> tuple[int, str, str]:
    """Send the form that saves the query of a page; return the status, the address after it, and its text."""
    answer = browser.post("/sql", data={**find_fields(browser.get(path).text, "/sql"), "action": action, **changed})
    text = browser.get(answer.location).text if answer.status_code == 303 else answer.text
    return answer.status_code, answer.location or "", html.unescape(text)


def test_an_analyst_saves_changes_and_deletes_a_query(own_application: Application) -> None:
    browser = open_browser(own_application, "ana")
    status, path, text = save(browser, name="First name", text="from missions")
    assert status == 303 and "The query 'First name' is saved." in text
    assert "from missions</textarea>" in text and ">First name</a>" in text
    assert "no-store" in browser.get("/sql").headers["Cache-Control"]
    status, path, text = save(browser, path, "save", name="Second name", text="from missions order by all")
    assert status == 303 and ">Second name</a>" in text and ">First name</a>" not in text
    status, _, text = save(browser, path, "delete")
    assert status == 303 and "The query is deleted." in text and ">Second name</a>" not in text
    assert browser.get(path).status_code == 404
    actions = [row["action"] for row in own_application.access.audit.list_entries(3, filters={"actor": "ana"})]
    assert actions == ["delete query", "save query", "save query"]


def test_a_shared_query_is_for_all_and_changed_by_its_owner_only(own_application: Application) -> None:
    ana, ben = open_browser(own_application, "ana"), open_browser(own_application, "ben")
    _, private, _ = save(ana, name="Private", text="select 1")
    _, shared, _ = save(ana, name="Shared", text="select 2", is_shared="1")
    for reader in (ben, open_browser(own_application, "rita"), make_app(own_application).test_client()):
        assert "select 2</textarea>" in reader.get(shared).text and "by ana" in reader.get(shared).text
        assert ">Private</a>" not in reader.get("/sql").text and reader.get(private).status_code == 404
    assert 'value="delete"' not in ben.get(shared).text
    fields = find_fields(ben.get(shared).text, "/sql")
    for action in ("save", "delete"):
        assert ben.post("/sql", data={**fields, "action": action, "name": "Mine", "text": "select 3"}).status_code == 400
    assert "select 2</textarea>" in ana.get(shared).text
    status, own, _ = save(ben, shared, name="Copy", text="select 3")
    assert status == 303 and own != shared


def test_a_reader_and_a_visitor_cannot_save(own_application: Application) -> None:
    rita = open_browser(own_application, "rita")
    assert "rita (reader) must not save queries" in rita.get("/sql").text
    token = find_fields(rita.get("/account").text, "/account", "Create token")["csrf_token"]
    fields = {"action": "save as new", "name": "Mine", "text": "select 1"}
    assert rita.post("/sql", data={**fields, "csrf_token": token}).status_code == 403
    visitor = make_app(own_application).test_client()
    assert "Sign in to save queries" in visitor.get("/sql").text
    back = sign_in(visitor, "ana", path=visitor.post("/sql", data=fields).location)
    shown = visitor.get(back).text
    assert 'value="Mine"' in shown and "select 1</textarea>" in shown


def test_two_windows_do_not_overwrite_each_other(own_application: Application) -> None:
    first, second = open_browser(own_application, "ben"), open_browser(own_application, "ben")
    _, path, _ = save(first, name="Twice", text="select 1")
    fields = find_fields(first.get(path).text, "/sql")
    assert save(second, path, "save", text="select 2")[0] == 303
    answer = first.post("/sql", data={**fields, "action": "save", "text": "select 3"})
    assert answer.status_code == 409 and "was changed meanwhile" in answer.text and "select 3</textarea>" in answer.text


def test_mistakes_of_saving_are_shown(own_application: Application) -> None:
    browser = open_browser(own_application, "ana")
    for changed in ({"name": ""}, {"name": "Empty", "text": " "}, {"name": "x", "action": "run"}):
        status, _, text = save(browser, **changed)
        assert status == 400 and 'role="alert"' in text
    assert browser.get("/sql?saved=x").status_code == 400
