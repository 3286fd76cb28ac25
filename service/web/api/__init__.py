"""The JSON API, /api/v1/. Every answer comes from one snapshot and includes its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from service.application import Application
from service.names import suggest_names
from service.system.time_limit import left_seconds, watch_session
from service.web.answer_cache import MAX_WAIT_SECONDS
from service.web.api import alerts, audit, events, loads, round_templates, rounds, saved_queries, thresholds
from service.web.api.answer import link_next, make_answer, read_page, send_json, write_members
from service.web.api.copies import open_copy
from service.web.api.queries import ALL_NAMES, Names, bind_query, list_names, read_query
from service.web.api.resources import RESOURCES, Resource
from service.web.clients import find_client
from service.web.problems import Refused

PREFIX = "/api/v1"


def make_api_blueprint(application: Application) -> Blueprint:
    """Return the routes of the API, made from the table of resources."""
    routes = Blueprint("api", __name__, url_prefix=PREFIX)
    names = list_names(application.definitions)
    for resource in RESOURCES:
        rule = f"/{resource.path}".replace("{", "<").replace("}", ">")
        routes.add_url_rule(rule, resource.operation, _answer(application, resource, names), methods=["GET"])

    for module in (thresholds, alerts, loads, events, saved_queries, audit, round_templates, rounds):
        module.add_routes(routes, application)

    @routes.get("/")
    def list_resources() -> Response:
        paths = [f"{PREFIX}/{resource.path}" for resource in RESOURCES]
        return send_json(f"{{{write_members({'openapi': f'{PREFIX}/openapi.json', 'resources': paths})[2:]}}}\n", None)

    return routes


def _answer(application: Application, resource: Resource, names: Names) -> Callable[..., Response]:
    def answer(**path: str) -> Response:
        query = read_query(resource.query, request.args, names)
        bound: dict[str, Any] = {"limit": 1, **bind_query(query)}
        item = resource.item
        if item is not None:
            bound[item] = [path[item]]
        copy = open_copy(application)
        as_of, known_at = bound.get("as_of"), bound.get("known_at")
        with (
            application.pages.take(find_client(), left_seconds(MAX_WAIT_SECONDS)),
            application.open_live_session() if resource.is_live else copy.open_session(as_of, known_at) as session,
            watch_session(session),
        ):
            page = read_page(session, resource.sql, bound)
        if item is None:
            following = link_next(page.next)
            made = make_answer(copy.info, as_of, known_at, "rows", page.rows, next=following)
            if following is not None:
                made.headers["Link"] = f'<{following}>; rel="next"'
            return made
        if page.rows == "[]":
            hint = suggest_names(path[item], names[resource.item_kind], ALL_NAMES)
            raise Refused(404, f"Unknown {item} {path[item]!r}. {hint}")
        return make_answer(copy.info, as_of, known_at, "row", page.rows[1:-1])

    return answer
