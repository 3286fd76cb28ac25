"""Search over all pages, the glossary, and the page about A4P+."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from service.warehouse.definitions import Definitions


def search(client: FlaskClient, query: str, **moment: str) -> list[tuple[str, str, str]]:
    """Return title, kind and link of each result."""
    answer = client.get("/search", query_string={"q": query, **moment})
    assert answer.status_code == 200
    results = re.findall(
        r'<a href="([^"]+)">([^<]+)</a> <span class="result-kind">([^<]+)</span>', unescape(answer.get_data(as_text=True))
    )
    return [(title, kind, link) for link, title, kind in results]


def test_the_name_of_a_mission_comes_first(client: FlaskClient) -> None:
    title, kind, link = search(client, "unmiss")[0]
    assert (kind, link) == ("Mission", "/missions/UNMISS")
    assert title == "UNMISS – United Nations Mission in the Republic of South Sudan"


def test_an_abbreviation_leads_to_the_glossary_then_to_its_indicators(client: FlaskClient) -> None:
    results = search(client, "SOFA")
    assert results[0] == ("SOFA – Status of Forces Agreement", "Term", "/glossary#sofa")
    assert ("New SOFA or SOMA incidents", "Indicator", "/indicators/sofa_incidents_new") in results
    assert ("Share of new SOFA or SOMA incidents", "KPI", "/indicators/sofa_incidents_new_share") in results


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cycle 5", ("Document of cycle 5", "Cycle", "/cycles/5")),
        ("host country", ("Host country cooperation", "Priority", "/priorities/host_country_cooperation")),
        ("reconciliation", ("Quality", "Page", "/quality")),
        ("minusma", ("MINUSMA", "Closed mission", "/missions/MINUSMA")),
        (
            "women trainees",
            ("Women among Triangular Partnership trainees", "Indicator", "/indicators/tpp_trainees_women_ratio"),
        ),
    ],
)
def test_each_kind_is_found(client: FlaskClient, query: str, expected: tuple[str, str, str]) -> None:
    found = [(title.partition(" – ")[0], kind, link) for title, kind, link in search(client, query)]
    assert expected in found


def test_notes_are_found_by_their_own_words(client: FlaskClient) -> None:
    notes = [title for title, kind, _ in search(client, "printed none") if kind == "Note"]
    assert notes and all("None" not in title for title in notes)


def test_every_word_must_occur(client: FlaskClient) -> None:
    assert search(client, "sofa zebra") == []


def test_similar_names_are_suggested_for_a_wrong_word(client: FlaskClient) -> None:
    body = client.get("/search?q=unmisss").get_data(as_text=True)
    assert "No results for “unmisss”" in body and '<a href="/search?q=UNMISS">UNMISS</a>' in body


def test_a_query_is_shown_as_text(client: FlaskClient) -> None:
    body = client.get("/search", query_string={"q": "<script>alert(1)</script>%_'"}).get_data(as_text=True)
    assert "<script>alert" not in body and "&lt;script&gt;alert" in body


def test_a_query_that_is_too_long_is_refused(client: FlaskClient) -> None:
    answer = client.get("/search", query_string={"q": "x" * 201})
    assert answer.status_code == 400 and "the maximum is 200" in answer.get_data(as_text=True)


def test_results_and_the_search_box_keep_the_date(client: FlaskClient) -> None:
    assert ("/missions/UNMISS?as_of=2023-10-31") in [link for _, _, link in search(client, "unmiss", as_of="2023-10-31")]
    body = client.get("/missions?as_of=2023-10-31").get_data(as_text=True)
    form = body[body.index('role="search"') : body.index('id="search"')]
    assert '<input type="hidden" name="as_of" value="2023-10-31">' in form


def test_every_page_of_the_glossary_exists(client: FlaskClient, definitions: Definitions) -> None:
    body = client.get("/glossary").get_data(as_text=True)
    for term in definitions.glossary:
        assert f'id="{term.anchor}"' in body
        if term.page:
            assert client.get(term.page).status_code == 200, term.page
    anchors = [term.anchor for term in definitions.glossary]
    assert len(set(anchors)) == len(anchors)


def test_about_describes_each_priority_and_status(client: FlaskClient, definitions: Definitions) -> None:
    body = unescape(client.get("/about").get_data(as_text=True))
    for priority in definitions.catalogue.priorities:
        assert priority.description and priority.description in body
    for name in ("normal", "estimated", "provisional", "under validation", "missing", "not collected", "not applicable"):
        assert f">{name}</td>" in body


def test_indicator_pages_explain_their_abbreviations(client: FlaskClient) -> None:
    body = client.get("/indicators/sofa_incidents_new").get_data(as_text=True)
    assert '<a href="/glossary#sofa">SOFA</a>: Status of Forces Agreement.' in body
    assert "/glossary#sofa" not in client.get("/indicators/hospitals").get_data(as_text=True)
