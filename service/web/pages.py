"""Pages for people."""

from __future__ import annotations

from flask import Blueprint, render_template

from service.application import Application


def make_pages_blueprint(application: Application) -> Blueprint:
    """Return the routes of the pages."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def home() -> str:
        return render_template(
            "home.html",
            snapshot=application.snapshot,
            catalogue=application.definitions.catalogue,
            kpi_count=len(application.definitions.kpis),
            read_copy=application.settings.read_copy_file,
        )

    return routes
