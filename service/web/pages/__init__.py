"""Pages for people, one module per kind; each answers from one read copy, whose snapshot its footer names."""

from __future__ import annotations

from flask import Blueprint

from service.application import Application
from service.web.pages import overview
from service.web.pages.layout import describe_names


def make_pages_blueprint(application: Application) -> Blueprint:
    """Return the routes of the pages."""
    routes = Blueprint("pages", __name__)
    for kind in (overview,):
        kind.add_routes(routes, application)
    # Pages that other blueprints add are shown in the same layout, and error pages in none.
    routes.app_context_processor(describe_names)
    return routes
