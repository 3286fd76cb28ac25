"""HTML pages, one module per kind of page. The footer of a page shows the snapshot of its values."""

from __future__ import annotations

from flask import Blueprint

from service.application import Application
from service.web.pages import cycles, indicators, jobs, missions, overview, priorities, quality, sql, thresholds
from service.web.pages.layout import list_template_functions


def make_pages_blueprint(application: Application) -> Blueprint:
    """Return the routes of the pages."""
    routes = Blueprint("pages", __name__)
    for kind in (overview, priorities, indicators, missions, cycles, thresholds, quality, sql, jobs):
        kind.add_routes(routes, application)
    routes.record_once(lambda state: state.app.jinja_env.globals.update(list_template_functions()))
    return routes
