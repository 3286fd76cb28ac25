"""The page `/`: what the service holds, how fresh it is, what changed, what fires, and who is late."""

from __future__ import annotations

from flask import Blueprint

from service.application import Application
from service.web.pages.layout import open_page


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""

    @routes.get("/")
    def show_overview() -> str:
        with open_page(application) as page:
            return page.render("overview.html")
