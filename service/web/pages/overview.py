"""The page `/`: counts, latest data, changes, threshold breaches, firing alerts and overdue reports."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.alerting.alerts import list_firing
from service.application import Application
from service.web.answer_cache import AnswerCache
from service.web.pages.layout import MAX_CACHED, answer_page, open_page

MAX_CHANGES = 8


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    cache: AnswerCache[str] = AnswerCache(MAX_CACHED, application.pages)

    @routes.get("/")
    def show_overview() -> Response:
        # Alerts change between snapshots, so they are read from the warehouse itself.
        with application.open_live_session() as cursor:
            firing = list_firing(cursor)
        return answer_page(application, cache, lambda: render_overview(application, firing), firing)


def render_overview(application: Application, firing: list[dict[str, Any]]) -> str:
    """Return the page with the firing alerts."""
    with open_page(application) as page:
        changes = page.read("pages/list_changes", max_rows=MAX_CHANGES)
        return page.render(
            "overview.html",
            contents=page.read("pages/describe_contents")[0],
            priorities=page.read("pages/list_priorities"),
            tones={tone: [row for row in changes if row["tone"] == tone] for tone in ("better", "worse")},
            counts={row["tone"]: row["tone_count"] for row in changes},
            firing=firing,
            breaches=page.read("pages/list_breaches", metric=None, mission=None),
            overdue=page.read("pages/list_overdue", is_newest=True),
        )
