"""Pages in French: the choice of the language, and pages without English text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from metrics.languages import NAMES
from service.access.roles import Grant, Role
from service.application import Application
from service.settings import find_in_tree
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.metrics.test_translations import extract_messages, list_english
from tests.published_report import publish_report
from tests.web.browsing import PASSWORD, sign_in

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}
THIN = "\N{NARROW NO-BREAK SPACE}"
# Every kind of page.
PAGES = [
    "/",
    "/?as_of=2023-10-31&known_at=2024-12-01T00:00:00Z",
    "/about",
    "/account",
    "/admin/audit",
    "/admin/messages",
    "/admin/users",
    "/admin/users/administrator",
    "/alerts",
    "/cycles",
    "/cycles/4",
    "/cycles/5",
    "/events",
    "/events/load",
    "/glossary",
    "/indicators",
    "/indicators?mission=UNMISS&q=sofa",
    "/indicators?q=no+such+word",
    "/indicators/crime_trial_ratio",
    "/indicators/fatalities",
    "/indicators/hospital_outage_days",
    "/indicators/sea_allegations_by_incident_date?mission=ALL",
    "/indicators/sofa_incidents_new",
    "/jobs",
    "/missions",
    "/missions/ALL",
    "/missions/MINUSMA",
    "/missions/UNMISS",
    "/no-such-page",
    "/priorities",
    "/priorities/accountability_to_peacekeepers",
    "/priorities/host_country_cooperation",
    "/quality",
    "/rounds",
    "/rounds/6",
    "/rounds/6/UNMISS",
    "/search?q=casques+bleus",
    "/search?q=no+such+word",
    "/setup?link=x",
    "/sql",
    "/thresholds",
    "/thresholds?action=copy&metric=sofa_incidents_new&mission=UNMISS&limit=20&missions=UNIFIL&missions=MONUSCO",
    "/thresholds?action=remove&metric=hospital_outage_days&limit=30",
    "/thresholds?metric=sofa_incidents_new&limit=30",
]
# English on French pages, and the reason. The list may only become shorter.
ENGLISH = {
    "queries, commands and code": r"<(pre|code|textarea|script)\b.*?</\1>",
    "comments of views and columns": r'<aside class="query-views".*?</aside>',
    "notes and sources of observations, which are data": r'<td class="(?:wrap-note|source)"[^>]*>.*?</td>',
    "notes on digitisation, which are data": r'<dl class="notes">.*?</dl>',
    "sources of values by mission, which are data": r'<span class="note under small">.*?</span>',
    "notes of comparisons, which are data": r'<th scope="row">[^<]*<span class="note under code">.*?</th>',
    "notes that a search finds, which are data": r'<p class="result-text">.*?</p>',
    "comparisons of a cycle, which are data": r'<h2 id="differences">.*?</section>',
}
TAG = re.compile(r"<[^>]*>")
BLOCK = re.compile(r"</?(?:p|li|td|th|h\d|dt|dd|div|caption|label|option|button|summary|title|ul|tr|figcaption|legend)\b[^>]*>")
ATTRIBUTE = re.compile(r'\s(?:aria-label|alt|placeholder|title|data-label)="([^"]*)"')


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path_factory.mktemp("french") / "data", definitions, anonymous="read") as opened:
        grants = [Grant(role) for role in (Role.ADMINISTRATOR, Role.ANALYST, Role.APPROVER, Role.CONTRIBUTOR)]
        opened.access.users.add("administrator", grants, "test", PASSWORD)
        yield opened


@pytest.fixture(scope="module")
def browser(application: Application) -> FlaskClient:
    """A browser of an administrator."""
    client = make_app(application).test_client()
    sign_in(client, "administrator")
    return client


@pytest.fixture
def client(application: Application) -> FlaskClient:
    return make_app(application).test_client()


@pytest.fixture(scope="module")
def english(definitions: Definitions) -> list[str]:
    return list_english(definitions)


def list_visible(page: str) -> list[str]:
    """Return the texts of a page that a reader sees or hears, without the known English ones."""
    for pattern in ENGLISH.values():
        page = re.sub(pattern, " ", page, flags=re.DOTALL)
    texts = [*ATTRIBUTE.findall(page), *(TAG.sub("", block) for block in BLOCK.split(page))]
    return [" ".join(html.unescape(text).split()) for text in texts]


@pytest.mark.parametrize("path", PAGES)
def test_a_french_page_has_no_english_text(browser: FlaskClient, english: list[str], path: str) -> None:
    page = browser.get(path, headers=FRENCH)
    assert '<html lang="fr">' in page.text
    # The longest first, so that the message names a whole sentence.
    found = {part for text in list_visible(page.text) for part in english if part in text}
    assert sorted(found, key=len, reverse=True) == []


def test_templates_have_no_text_outside_of_messages() -> None:
    folders = [find_in_tree("service") / "web" / "templates", find_in_tree("service") / "documents" / "templates"]
    bare = {file.name: list_bare(file) for folder in folders for file in sorted(folder.glob("*.html"))}
    assert {name: texts for name, texts in bare.items() if texts} == ALLOWED


# Names, codes and SQL, which are the same in every language.
ALLOWED: dict[str, list[str]] = {
    "_measured.html": ["/api/v1/observations?indicator=", "&amp;mission="],
    "priority.html": ["wide"],
    "thresholds.html": ["cause=Equipment"],
}


def list_bare(file: Path) -> list[str]:
    """Return the texts of a template, or of its attributes, with letters and outside of trans blocks and expressions."""
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}|\{% trans.*?\{% endtrans \+?%\}|\{% set (\w+) %\}.*?\{% endset %\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "\0", text, flags=re.DOTALL)
    text = re.sub(r"<(pre|code|script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    attributes = list(ATTRIBUTE.findall(text))
    texts = [*attributes, *(part for block in TAG.split(text) for part in block.split("\0"))]
    return [part.strip() for part in texts if re.search(r"[A-Za-z]{2,}", part)]


def test_the_language_is_that_of_the_browser_until_one_is_chosen(client: FlaskClient) -> None:
    assert '<html lang="en">' in client.get("/missions").text
    assert '<html lang="en">' in client.get("/missions", headers={"Accept-Language": "de"}).text
    assert '<html lang="fr">' in client.get("/missions", headers=FRENCH).text
    chosen = client.get("/missions?lang=fr")
    assert '<html lang="fr">' in chosen.text and "a4p_language=fr" in chosen.headers["Set-Cookie"]
    assert '<html lang="fr">' in client.get("/priorities").text
    assert '<html lang="en">' in client.get("/priorities?lang=en", headers=FRENCH).text
    assert '<html lang="en">' in client.get("/priorities", headers=FRENCH).text


def test_an_unknown_language_is_ignored(client: FlaskClient) -> None:
    page = client.get("/missions?lang=xx")
    assert '<html lang="en">' in page.text and "Set-Cookie" not in page.headers


def test_the_language_of_the_settings_is_that_of_other_browsers(tmp_path: Path, definitions: Definitions) -> None:
    with publish_report(tmp_path / "data", definitions, language="fr") as opened:
        client = make_app(opened).test_client()
        assert '<html lang="fr">' in client.get("/missions").text
        assert '<html lang="en">' in client.get("/missions", headers={"Accept-Language": "en"}).text
        assert client.get("/api/v1/indicators").json is not None


def test_responses_name_their_language_and_what_it_depends_on(client: FlaskClient) -> None:
    page = client.get("/missions", headers=FRENCH)
    assert page.headers["Content-Language"] == "fr"
    assert {"Accept-Language", "Cookie"} <= set(page.headers["Vary"].split(", "))
    assert client.get("/cycles/5.pdf", headers=FRENCH).headers["Content-Language"] == "fr"
    assert "Content-Language" not in client.get("/metrics", headers=FRENCH).headers


def test_the_link_to_the_other_language_keeps_the_page_and_its_query(client: FlaskClient) -> None:
    page = client.get("/indicators?q=sofa&as_of=2024-04-30").text
    link = "/indicators?q=sofa&amp;as_of=2024-04-30&amp;lang=fr"
    assert f'<a href="{link}" hreflang="fr" lang="fr">Français</a>' in page
    assert f'<link rel="alternate" hreflang="fr" href="{link}">' in page
    assert page.count('rel="alternate"') == len(NAMES)
    # The form of the date does not send the language again.
    assert 'name="lang"' not in client.get("/missions?lang=fr").text


def test_cached_pages_charts_and_documents_are_of_one_language(client: FlaskClient) -> None:
    for path in ("/", "/missions/UNMISS", "/charts/indicators/sofa_incidents_new.svg", "/cycles/5", "/cycles/5.html"):
        pages = [client.get(path, headers=headers).data for headers in ({}, FRENCH, {}, FRENCH)]
        assert pages[0] == pages[2] and pages[1] == pages[3] and pages[0] != pages[1], path


def test_the_api_and_metrics_are_english(client: FlaskClient) -> None:
    for path in ("/api/v1/indicators", "/api/v1/no-such-path", "/metrics"):
        client.get("/missions?lang=fr")
        answer = client.get(path, headers=FRENCH)
        client.get("/missions?lang=en")
        assert answer.data == client.get(path).data


def test_numbers_and_dates_of_a_french_page_are_french(client: FlaskClient) -> None:
    page = client.get("/priorities/accountability_to_peacekeepers", headers=FRENCH).text
    assert re.search(rf"\d{THIN}\d{{3}}\b", page) and re.search(rf"\d,\d{THIN}%", page)
    assert "30\N{NO-BREAK SPACE}avril 2024" in client.get("/cycles", headers=FRENCH).text


def test_a_search_in_french_finds_indicators_by_their_french_texts(client: FlaskClient) -> None:
    page = client.get("/search?q=hôpitaux+de+campagne", headers=FRENCH).text
    assert '/indicators/hospitals"' in page and "Field hospitals" not in page
    listed = client.get("/indicators?q=hôpitaux", headers=FRENCH).text
    assert "/indicators/hospitals" in listed and "sofa_incidents_new" not in listed
    # English words are found too.
    assert "/indicators/hospitals" in client.get("/search?q=field+hospitals", headers=FRENCH).text


def test_messages_of_extraction_are_found(english: list[str]) -> None:
    assert len(extract_messages()) > 1000 and "Skip to content" in english
