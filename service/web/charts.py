"""Charts as images: of indicators and KPIs, of back-tests, and of events.

They are `/charts/indicators/<name>.svg`, `/charts/thresholds.svg` and `/charts/events.svg`.

Pages embed a chart as an image. It requires only `img-src 'self'` in the Content-Security-Policy, works without JavaScript,
and prints:

    <img class="chart" alt="History of {{ title }}; the table below lists the values"
         src="{{ url_for('charts.draw_indicator_history', indicator=name, mission=mission, as_of=as_of, known_at=known_at) }}">

`mission`, `as_of`, `known_at` and `width` are optional; the width `narrow` fits a phone without smaller text.
The ETag is a hash of the bytes, so that unchanged charts are answered with 304.
The SVG contains text as text and no style attribute or element, so that it can also be inlined.
"""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, abort, request

from metrics.catalogue import Indicator
from metrics.comparisons import WIDTH
from metrics.kpi_file import Kpi
from metrics.languages import get_language
from metrics.vega import render_svg
from service.alerting.thresholds import check_threshold, resolve_mission
from service.application import Application
from service.charts.events import draw_feed
from service.charts.published import draw_back_test, draw_indicator, draw_kpi
from service.errors import ThresholdError
from service.warehouse.database import read_rows, run_sql
from service.web.answer_cache import AnswerCache, answer_compressed, compress
from service.web.pages.event_filter import read_filter
from service.web.pages.layout import read_moment
from service.web.pages.threshold_form import read_form
from service.web.problems import NOT_READY

# About 5 MB.
MAX_CACHED = 200
SVG = "image/svg+xml; charset=utf-8"
# Widths in pixels by name; a narrow chart fits the page on a phone.
WIDTHS = {"wide": WIDTH, "narrow": 358}


def make_charts_blueprint(application: Application) -> Blueprint:
    """Return the routes of charts."""
    routes = Blueprint("charts", __name__)
    cache: AnswerCache[bytes] = AnswerCache(MAX_CACHED, application.pages)

    @routes.get("/charts/indicators/<indicator>.svg")
    def draw_indicator_history(indicator: str) -> Response:
        catalogue = application.definitions.catalogue
        found = next((entry for _, entry in catalogue.indicators if entry.indicator == indicator), None)
        kpi = next((entry for entry in application.definitions.kpis if entry.kpi == indicator), None)
        if found is None and kpi is None:
            abort(404, f"Unknown indicator or KPI {indicator!r}. The page /indicators lists them.")
        mission = request.args.get("mission") or None
        if mission is not None and mission not in {entry.mission for entry in catalogue.missions}:
            abort(404, f"Unknown mission {mission!r}. The page /missions lists them.")
        as_of, known_at = read_moment()
        room = read_room()
        copy = application.read_copy
        if copy is None:
            abort(503, NOT_READY)

        def draw() -> bytes:
            with copy.open_session(as_of, known_at) as session:
                chart = (
                    draw_indicator(session, found, mission, room) if found else draw_kpi(session, cast(Kpi, kpi), mission, room)
                )
            return compress(render_svg(chart, application.drawing.draw))

        return answer_compressed(cache.find(copy, (indicator, mission, as_of, known_at, room, get_language().code), draw), SVG)

    @routes.get("/charts/events.svg")
    def draw_event_history() -> Response:
        as_of, known_at = read_moment()
        copy = application.read_copy
        if copy is None:
            abort(503, NOT_READY)
        missions = [entry.mission for entry in application.definitions.catalogue.missions]

        def draw() -> bytes:
            with copy.open_session(as_of, known_at) as session:
                choices = read_rows(run_sql(session, "pages/list_event_choices"))
                chosen = read_filter(request.args, choices, missions)
                choice = next(row for row in choices if row["feed"] == chosen.feed)
                return compress(render_svg(draw_feed(session, chosen, choice, read_room()), application.drawing.draw))

        return answer_compressed(cache.find(copy, ("events", request.full_path, get_language().code), draw), SVG)

    @routes.get("/charts/thresholds.svg")
    def draw_threshold() -> Response:
        definitions = application.definitions
        try:
            tested = [check_threshold(definitions, target)[0] for target in read_form(request.args).list_targets()]
        except ThresholdError as error:
            abort(404, str(error))
        catalogue, kpis = definitions.catalogue, definitions.kpis
        measured: list[Indicator | Kpi] = [*(entry for _, entry in catalogue.indicators), *kpis]
        found = next((entry for entry in measured if tested and entry.metric == tested[0].metric), None)
        if found is None:
            abort(404, "Only thresholds of an indicator or KPI have a chart.")
        as_of, known_at = read_moment()
        room = read_room()
        copy = application.read_copy
        if copy is None:
            abort(503, NOT_READY)

        def draw() -> bytes:
            with copy.open_session(as_of, known_at) as session:
                resolved = [resolve_mission(session, definitions, target) for target in tested]
                chart = draw_back_test(session, found, resolved, room)
            return compress(render_svg(chart, application.drawing.draw))

        return answer_compressed(
            cache.find(
                copy, (*((target.key, target.limit) for target in tested), as_of, known_at, room, get_language().code), draw
            ),
            SVG,
        )

    return routes


def read_room() -> int:
    """Return the width in pixels that is requested. Aborts with 400 for an unknown one."""
    width = request.args.get("width", "wide")
    if width not in WIDTHS:
        abort(400, f"width: must be one of {', '.join(WIDTHS)}")
    return WIDTHS[width]
