"""Endpoints for Prometheus and orchestrators: /metrics, /-/healthy and /-/ready."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder

from service.application import Application
from service.web.authorization import for_prometheus
from service.web.chunks import make_chunked_response
from service.web.repeated_answers import READ_BODY


def make_scrape_blueprint(application: Application) -> Blueprint:
    """Return the routes. They serve rendered text and never read the warehouse."""
    routes = Blueprint("scrape", __name__)

    @routes.get("/metrics")
    @for_prometheus
    def metrics() -> Response:
        if not application.is_ready:
            # A response without the values of the snapshot would resolve all alerts.
            return Response("not ready: no snapshot yet\n", 503, content_type="text/plain; charset=utf-8")
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
        is_openmetrics = content_type.startswith("application/openmetrics-text")
        is_gzip = request.accept_encodings["gzip"] > 0

        def read_text() -> Sequence[bytes]:
            exposition = application.exposition
            body = exposition.openmetrics if is_openmetrics else exposition.text
            tail = application.self_metrics.render(content_type, encoder)
            application.self_metrics.count_scrape(
                "openmetrics" if is_openmetrics else "text", "gzip" if is_gzip else "identity"
            )
            return body.finish_gzip(tail) if is_gzip else body.finish_plain(tail)

        if application.settings.prometheus_access == "open":
            # Otherwise the token could be revoked.
            request.environ[READ_BODY] = read_text
        response = make_chunked_response(read_text(), content_type)
        response.headers["Vary"] = "Accept, Accept-Encoding"
        if is_gzip:
            response.headers["Content-Encoding"] = "gzip"
        return response

    @routes.get("/-/healthy")
    @for_prometheus
    def healthy() -> Response:
        return Response("healthy\n", content_type="text/plain; charset=utf-8")

    @routes.get("/-/ready")
    @for_prometheus
    def ready() -> Response:
        if application.is_ready:
            return Response("ready\n", content_type="text/plain; charset=utf-8")
        return Response("not ready: no snapshot yet\n", 503, content_type="text/plain; charset=utf-8")

    return routes
