"""The page `/events`: events of a feed over time, by mission and kind, and one by one. No event has a page of its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, abort, request

from metrics.comparisons import PARTS
from metrics.event_charts import OTHER_KINDS
from metrics.feeds import find_feed
from service.application import Application
from service.web.pages.event_filter import read_filter
from service.web.pages.layout import cache_pages, open_page

MAX_EVENTS = 50
MAX_PAGES = 100_000
MAX_LOADS = 10


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    cached = cache_pages(application)
    feeds = application.definitions.feeds
    counted = [entry for _, entry in application.definitions.catalogue.indicators if entry.counted_from is not None]
    missions = [entry.mission for entry in application.definitions.catalogue.missions]

    @routes.get("/events")
    @cached
    def show_events() -> str:
        number = _read_page()
        with open_page(application) as page:
            choices = page.read("pages/list_event_choices")
            if not choices:
                return page.render("events.html", choices=[], feeds=feeds, counted=counted)
            chosen = read_filter(request.args, choices, missions)
            counts = page.read("pages/summarize_events", **chosen.parameters)
            total = sum(row["events"] for row in counts)
            last_page = max(1, -(-total // MAX_EVENTS))
            if number > last_page:
                abort(404, f"page: there are {last_page} pages.")
            return page.render(
                "events.html",
                choices=choices,
                choice=next(row for row in choices if row["feed"] == chosen.feed),
                chosen=chosen,
                feed=find_feed(feeds, chosen.feed),
                titles={feed.feed: feed.title for feed in feeds},
                total=total,
                first_day=min((row["first_day"] for row in counts), default=None),
                last_day=max((row["last_day"] for row in counts), default=None),
                table=_arrange(counts),
                events=page.read(
                    "pages/list_events", max_rows=MAX_EVENTS, skipped=(number - 1) * MAX_EVENTS, **chosen.parameters
                ),
                number=number,
                last_page=last_page,
                loads=page.read("pages/list_event_loads", feed=chosen.feed, max_rows=MAX_LOADS),
            )


def _read_page() -> int:
    written = request.args.get("page", "")
    if not written:
        return 1
    if not (written.isascii() and written.isdigit() and 1 <= int(written[:7]) <= MAX_PAGES):
        abort(400, f"page: {written!r} is not the number of a page.")
    return int(written)


def _arrange(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the table of missions by the most frequent kinds, and the others together; the largest missions first."""
    by_kind, by_mission = Counter[str](), Counter[str]()
    cells: dict[str, Counter[str]] = {}
    for row in counts:
        by_kind[row["kind"]] += row["events"]
        by_mission[row["mission"]] += row["events"]
    kinds = [kind for kind, _ in by_kind.most_common()]
    is_cut = len(kinds) > len(PARTS)
    if is_cut:
        kinds = [*kinds[: len(PARTS) - 1], OTHER_KINDS]
    for row in counts:
        cells.setdefault(row["mission"], Counter())[row["kind"] if row["kind"] in kinds else OTHER_KINDS] += row["events"]
    ordered = sorted(by_mission, key=lambda mission: (-by_mission[mission], mission))
    return {
        "kinds": kinds,
        "is_cut": is_cut,
        "rows": [(mission, [cells[mission][kind] for kind in kinds], by_mission[mission]) for mission in ordered],
        "totals": [sum(cells[mission][kind] for mission in ordered) for kind in kinds],
    }
