"""The page `/`: what the service holds, how fresh it is, what changed, what fires, and who is late."""

from __future__ import annotations

from flask import Blueprint

from service.alerts import list_firing
from service.application import Application
from service.web.pages.layout import open_page

MOST_CHANGES = 8


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""

    @routes.get("/")
    def show_overview() -> str:
        # What fires is told between snapshots, so it is asked of the warehouse itself.
        with application.warehouse.cursor() as cursor:
            firing = list_firing(cursor)
        with open_page(application) as page:
            changes = page.read("pages/list_changes")
            tones = {tone: [row for row in changes if row["tone"] == tone] for tone in ("better", "worse")}
            return page.render(
                "overview.html",
                holdings=page.read("pages/describe_holdings")[0],
                priorities=page.read("pages/list_priorities"),
                tones=tones,
                most=MOST_CHANGES,
                firing=firing,
                breaches=page.read("pages/list_breaches", metric=None, mission=None),
                overdue=page.read("pages/list_overdue"),
                late=page.read("pages/list_late_missions"),
            )
