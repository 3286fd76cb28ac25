"""The page `/`: what the service holds, how fresh it is, what changed, what fires, and who is late."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.alerts import list_firing
from service.application import Application
from service.web.kept import KeptAnswers
from service.web.pages.layout import MAX_KEPT, answer_page, open_page

MAX_CHANGES = 8


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    kept: KeptAnswers[str] = KeptAnswers(MAX_KEPT, application.pages)

    @routes.get("/")
    def show_overview() -> Response:
        # What fires is told between snapshots, so it is asked of the warehouse itself.
        with application.ask_live() as cursor:
            firing = list_firing(cursor)
        return answer_page(application, kept, lambda: render_overview(application, firing), firing)


def render_overview(application: Application, firing: list[dict[str, Any]]) -> str:
    """Return the page, with the alerts that fire."""
    with open_page(application) as page:
        changes = page.read("pages/list_changes", most=MAX_CHANGES)
        return page.render(
            "overview.html",
            holdings=page.read("pages/describe_holdings")[0],
            priorities=page.read("pages/list_priorities"),
            tones={tone: [row for row in changes if row["tone"] == tone] for tone in ("better", "worse")},
            counts={row["tone"]: row["tone_count"] for row in changes},
            firing=firing,
            breaches=page.read("pages/list_breaches", metric=None, mission=None),
            overdue=page.read("pages/list_overdue", is_newest=True),
        )
