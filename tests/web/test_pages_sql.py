"""The page /sql before its script runs: the query, views with their columns, and examples."""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path

from flask.testing import FlaskClient

from service.application import Application
from service.queries.examples import read_examples
from service.settings import find_in_tree
from service.warehouse.schema import read_schema
from service.web.pages.sql import FIRST_QUERY


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
