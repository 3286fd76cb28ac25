"""The page `/search`: indicators, KPIs, missions, priorities, cycles, notes, pages and terms with the words of a query."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, request

from service.application import Application
from service.names import find_similar
from service.web.pages.layout import NAVIGATION, cache_pages, open_page

MAX_QUERY = 200
MAX_TERMS = 10
MAX_ROWS = 60
# Words to find a page by that its title does not have.
PAGE_WORDS = {
    "/about": ("About A4P+", "priorities, statuses, as of, as known at, origin of the values"),
    "/glossary": ("Glossary", "abbreviations and terms"),
    "/cycles": ("Cycles", "documents of a cycle as PDF, XLSX and HTML, downloads"),
    "/events": ("Events", "incidents, casualties, fatalities by cause, exports, feeds"),
    "/rounds": ("Rounds", "collection, submissions, templates, approval"),
    "/thresholds": ("Thresholds", "limits, breaches, back-tests"),
    "/alerts": ("Alerts", "firing alerts, acknowledgements, silences"),
    "/quality": ("Quality", "reconciliation, completeness, overdue reports, loads, warnings"),
    "/sql": ("SQL", "queries, views, downloads as CSV and Parquet, saved queries"),
    "/jobs": ("Jobs", "schedules, snapshots, runs"),
    "/account": ("Account", "password, tokens, sign in, sign out"),
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
    pages = {path: (title, "") for path, title in NAVIGATION} | PAGE_WORDS
    help_entries: list[dict[str, Any]] = [
        {"kind": "Page", "name": path, "title": title, "text": words, "path": [path]} for path, (title, words) in pages.items()
    ]
    help_entries += [
        {
            "kind": "Term",
            "name": term.term,
            "title": f"{term.term} – {term.name}" if term.name else term.term,
            "text": term.text,
            "path": [f"/glossary#{term.anchor}"],
        }
        for term in definitions.glossary
    ]

    @routes.get("/search")
    @cached
    def search() -> str:
        query = request.args.get("q", "").strip()
        if len(query) > MAX_QUERY:
            abort(400, f"q: has {len(query):,} characters; the maximum is {MAX_QUERY}")
        terms = list(dict.fromkeys(query.lower().split()))[:MAX_TERMS]
        with open_page(application) as page:
            rows = page.read("pages/search", terms=terms, help=help_entries, max_rows=MAX_ROWS) if terms else []
            return page.render(
                "search.html",
                query=query,
                rows=rows,
                found=rows[0]["found"] if rows else 0,
                similar=[] if rows or not terms else find_similar(query, names),
            )
