"""The SDMX REST API, /sdmx/2.1/: data and structure queries as in version 2.1.0 of its specification."""

from __future__ import annotations

from flask import Blueprint, Response

from service.access.roles import Right
from service.application import Application
from service.web.authorization import requires
from service.web.budget import AnswerBudget
from service.web.problems import Refused
from service.web.sdmx.answers import clear_left_files
from service.web.sdmx.data import add_data_routes
from service.web.sdmx.structures import add_structure_routes

PREFIX = "/sdmx/2.1"
# Queries of the specification that the service does not answer.
OTHERS = ("availability", "schema", "metadata", "registration")


def make_sdmx_blueprint(application: Application, budget: AnswerBudget) -> Blueprint:
    """Return the routes of the SDMX REST API. Files that an earlier process left behind are deleted."""
    clear_left_files(application.settings.data_dir)
    routes = Blueprint("sdmx", __name__, url_prefix=PREFIX)
    add_data_routes(routes, application, budget)
    add_structure_routes(routes, application)

    @routes.get("/<any(" + ", ".join(OTHERS) + "):kind>/<path:rest>")
    @requires(Right.READ)
    def refuse_other(kind: str, rest: str) -> Response:
        raise Refused(501, f"{kind} queries are not supported. Use {PREFIX}/data/ or {PREFIX}/structure/.")

    return routes
