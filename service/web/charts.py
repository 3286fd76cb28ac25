"""Charts as images: `/charts/indicators/<indicator>.svg`.

A page embeds one so; an image needs nothing of the page's Content-Security-Policy but `img-src 'self'`, works without
JavaScript, and prints:

    <img class="chart" alt="History of {{ title }}; the table below has the figures"
         src="{{ url_for('charts.draw_indicator_history', indicator=name, mission=mission, as_of=as_of, known_at=known_at) }}">

`mission`, `as_of` and `known_at` may be left out. The ETag is of the bytes: a browser asks again and is told 304 until the
figures change. Text in the image is text; the SVG can also stand inline, as it has no style attribute or element.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, date, datetime

from flask import Blueprint, Response, abort, request

from service.application import Application
from service.charts import draw_indicator
from service.read_copy import ReadCopy

# Of the sizes at hand about 5 MB.
MOST_KEPT = 200


class ChartStore:
    """Charts that were drawn from one read copy; those of a copy that was replaced are forgotten.

    The engine that draws holds Python's lock for 20 to 150 ms a chart, so the same chart is not drawn twice.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copy: ReadCopy | None = None
        self._charts: dict[tuple[object, ...], bytes] = {}

    def find(self, copy: ReadCopy, key: tuple[object, ...]) -> bytes | None:
        """Return the chart of this key, or None where it has not been drawn from this copy."""
        with self._lock:
            return self._charts.get(key) if self._copy is copy else None

    def keep(self, copy: ReadCopy, key: tuple[object, ...], chart: bytes) -> None:
        """Keep a chart, forgetting the oldest where there are too many."""
        with self._lock:
            if self._copy is not copy:
                self._copy, self._charts = copy, {}
            while len(self._charts) >= MOST_KEPT:
                del self._charts[next(iter(self._charts))]
            self._charts[key] = chart


def make_charts_blueprint(application: Application) -> Blueprint:
    """Return the routes of charts."""
    routes = Blueprint("charts", __name__)
    store = ChartStore()

    @routes.get("/charts/indicators/<indicator>.svg")
    def draw_indicator_history(indicator: str) -> Response:
        catalogue = application.definitions.catalogue
        found = next((entry for _, entry in catalogue.indicators if entry.indicator == indicator), None)
        if found is None:
            abort(404, f"no indicator is named {indicator!r}; /indicators lists them")
        mission = request.args.get("mission") or None
        if mission is not None and mission not in {entry.mission for entry in catalogue.missions}:
            abort(404, f"no mission is named {mission!r}; /missions lists them")
        try:
            as_of = date.fromisoformat(request.args["as_of"]) if request.args.get("as_of") else None
            known_at = datetime.fromisoformat(request.args["known_at"]) if request.args.get("known_at") else None
        except ValueError:
            abort(400, "as_of must be a date (2023-10-31), known_at a date or time (2024-07-01T12:00:00Z)")
        if known_at is not None and known_at.tzinfo is None:
            known_at = known_at.replace(tzinfo=UTC)
        copy = application.read_copy
        if copy is None:
            abort(503, "no snapshot yet; try again in a moment")
        key = (indicator, mission, as_of, known_at)
        chart = store.find(copy, key)
        if chart is None:
            with copy.ask(as_of, known_at) as session:
                chart = draw_indicator(session, found, mission)
            store.keep(copy, key, chart)
        response = Response(chart, content_type="image/svg+xml; charset=utf-8")
        response.set_etag(hashlib.sha256(chart).hexdigest()[:32])
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response

    return routes
