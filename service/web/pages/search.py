"""The page `/search`: indicators, KPIs, missions, priorities, cycles, notes, pages and terms with the words of a query."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, request

from metrics.languages import get_language, gettext, mark_message, translate, translate_series, write_period
from service.application import Application
from service.names import find_similar
from service.warehouse.definitions import Definitions
from service.web.pages.layout import NAVIGATION, Page, cache_pages, open_page

MAX_QUERY = 200
MAX_TERMS = 10
MAX_ROWS = 60
Row = dict[str, Any]
# Words to find a page by that its title does not have.
PAGE_WORDS = {
    "/about": (mark_message("About A4P+"), mark_message("priorities, statuses, as of, as known at, origin of the values")),
    "/glossary": (mark_message("Glossary"), mark_message("abbreviations and terms")),
    "/cycles": (mark_message("Cycles"), mark_message("documents of a cycle as PDF, XLSX and HTML, downloads")),
    "/events": (mark_message("Events"), mark_message("incidents, casualties, fatalities by cause, exports, feeds")),
    "/rounds": (mark_message("Rounds"), mark_message("collection, submissions, templates, approval")),
    "/thresholds": (mark_message("Thresholds"), mark_message("limits, breaches, back-tests")),
    "/alerts": (mark_message("Alerts"), mark_message("firing alerts, acknowledgements, silences")),
    "/quality": (mark_message("Quality"), mark_message("reconciliation, completeness, overdue reports, loads, warnings")),
    "/sql": (mark_message("SQL"), mark_message("queries, views, downloads as CSV and Parquet, saved queries")),
    "/jobs": (mark_message("Jobs"), mark_message("schedules, snapshots, runs")),
    "/account": (mark_message("Account"), mark_message("password, tokens, sign in, sign out")),
}


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    cached = cache_pages(application)
    definitions = application.definitions
    names = [
        *definitions.catalogue.indicator_names,
        *(kpi.kpi for kpi in definitions.kpis),
        *(mission.mission for mission in definitions.catalogue.missions),
        *(term.term for term in definitions.glossary),
    ]

    @routes.get("/search")
    @cached
    def search() -> str:
        query = request.args.get("q", "").strip()
        if len(query) > MAX_QUERY:
            abort(400, f"q: has {len(query):,} characters; the maximum is {MAX_QUERY}")
        terms = list(dict.fromkeys(query.lower().split()))[:MAX_TERMS]
        with open_page(application) as page:
            rows = find_entries(page, definitions, terms) if terms else []
            return page.render(
                "search.html",
                query=query,
                rows=rows,
                found=max(rows[0]["found"], len(rows)) if rows else 0,
                similar=[] if rows or not terms else find_similar(query, names),
            )


def find_entries(page: Page, definitions: Definitions, terms: list[str]) -> list[Row]:
    """Return the entries with all terms, in English or in the language of the page, in which they are written."""
    rows = page.read("pages/search", terms=terms, help=list_help(definitions), max_rows=MAX_ROWS)
    if get_language().is_source:
        return rows
    translated = [_translate_entry(row) for row in rows]
    # An entry of the catalogue is found by its English texts and by those of the language.
    return list({row["path"][-1] if row["kind"] != "Note" else row["text"]: row for row in translated}.values())


def list_help(definitions: Definitions) -> list[Row]:
    """Return the entries that the warehouse does not have: pages and terms, and the catalogue in another language."""
    pages = {path: (title, "") for path, title in NAVIGATION} | PAGE_WORDS
    entries: list[Row] = [
        _make_entry("Page", path, gettext(title), gettext(words) if words else "", path)
        for path, (title, words) in pages.items()
    ]
    for term in definitions.glossary:
        name, text = translate(term.term), translate(term.text)
        title = f"{name} – {translate(term.name)}" if term.name else name
        entries.append(_make_entry("Term", name, title, text, f"/glossary#{term.anchor}"))
    if get_language().is_source:
        return entries
    for _, indicator in definitions.catalogue.indicators:
        texts = translate(indicator.title), translate(indicator.description)
        entries.append(_make_entry("Indicator", indicator.indicator, *texts, "/indicators", indicator.indicator))
    for kpi in definitions.kpis:
        entries.append(_make_entry("KPI", kpi.kpi, translate(kpi.title), translate(kpi.description), "/indicators", kpi.kpi))
    for mission in definitions.catalogue.missions:
        kind = "Closed mission" if mission.status == "closed" else "Mission"
        title = f"{mission.mission} – {translate(mission.name)}"
        entries.append(_make_entry(kind, mission.mission, title, translate(mission.location), "/missions", mission.mission))
    for priority in definitions.catalogue.priorities:
        texts = translate(priority.title), translate(priority.description)
        entries.append(_make_entry("Priority", priority.priority, *texts, "/priorities", priority.priority))
    return entries


def _make_entry(kind: str, name: str, title: str, text: str, *path: str) -> Row:
    return {"kind": kind, "name": name, "title": title, "text": text, "path": list(path)}


def _translate_entry(row: Row) -> Row:
    """Return a found entry with the texts that SQL wrote in English in the language of the page."""
    title, text = " – ".join(map(translate, row["title"].split(" – "))), row["text"]
    if row["kind"] == "Cycle":
        title = gettext("Document of cycle %(cycle)s", cycle=row["path"][-1])
        start, _, end = text.partition(" to ")
        text = gettext("%(start)s to %(end)s", start=write_period(start), end=write_period(end))
    elif row["kind"] == "Note":
        title = translate_series(row["title"])
    elif text:
        text = translate(text)
    return {**row, "title": title, "text": text}
