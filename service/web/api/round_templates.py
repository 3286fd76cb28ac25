"""The template of a round in the API."""

from __future__ import annotations

import re

from flask import Blueprint, Response

from service.application import Application
from service.web.problems import Refused
from service.web.round_templates import make_template_view


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the route of templates."""
    download = make_template_view(application)

    @routes.get("/rounds/<cycle>/<mission>/template.xlsx")
    def get_template(cycle: str, mission: str) -> Response:
        # No converter: the OpenAPI document has the names of the path only.
        if not re.fullmatch("[0-9]{1,9}", cycle):
            raise Refused(404, f"Unknown cycle {cycle[:100]!r}. A cycle is a number.")
        return download(int(cycle), mission)
