"""The link `/rounds/<cycle>/<mission>/template.xlsx` of pages: the template of a round."""

from __future__ import annotations

from flask import Blueprint, Response

from service.application import Application
from service.web.round_templates import make_template_view


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the link to the routes."""
    download = make_template_view(application)

    @routes.get("/rounds/<int:cycle>/<mission>/template.xlsx")
    def get_template(cycle: int, mission: str) -> Response:
        return download(cycle, mission)
