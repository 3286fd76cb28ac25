"""HTML pages, one module per kind of page. The footer of a page shows the snapshot of its values.

A module of this package with a function `add_routes(routes, application)` is a page. NAVIGATION in `layout.py` links to it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flask import Blueprint

from service.application import Application
from service.web.pages.layout import list_template_functions


def make_pages_blueprint(application: Application) -> Blueprint:
    """Return the routes of the pages."""
    routes = Blueprint("pages", __name__)
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        page = import_module(f"{__name__}.{module.name}")
        if hasattr(page, "add_routes"):
            page.add_routes(routes, application)
    known = list_template_functions(application.definitions.catalogue)
    routes.record_once(lambda state: state.app.jinja_env.globals.update(known))
    return routes
