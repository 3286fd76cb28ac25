"""Pages for people, one module per kind; each answers from one read copy, whose snapshot its footer names."""

from __future__ import annotations

from flask import Blueprint

from service.application import Application
from service.web.pages import cycles, indicators, jobs, missions, overview, priorities, quality, sql, thresholds
from service.web.pages.layout import describe_names


def make_pages_blueprint(application: Application) -> Blueprint:
    """Return the routes of the pages."""
    routes = Blueprint("pages", __name__)
    for kind in (overview, priorities, indicators, missions, cycles, thresholds, quality, sql, jobs):
        kind.add_routes(routes, application)
    routes.record_once(lambda state: state.app.jinja_env.globals.update(describe_names()))
    return routes
