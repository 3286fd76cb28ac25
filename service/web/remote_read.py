"""Prometheus remote read: POST /api/v1/read."""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.application import Application
from service.errors import ReadRefused
from service.web.authorization import for_prometheus
from service.web.budget import AnswerBudget
from service.web.chunks import make_chunked_response
from service.web.clients import find_client


def make_remote_read_blueprint(application: Application, budget: AnswerBudget) -> Blueprint:
    """Return the route of remote read. A refusal is one line of text: Prometheus shows it as a warning of the query."""
    routes = Blueprint("remote_read", __name__)
    reader = application.remote_reader
    limit = application.settings.remote_read_body_bytes

    @routes.post("/api/v1/read")
    @for_prometheus
    def read() -> Response:
        try:
            if request.content_length is not None and request.content_length > limit:
                raise reader.refuse_body(request.content_length)
            body = request.stream.read(limit + 1)
            if len(body) > limit:
                raise reader.refuse_body(len(body))
            answer = reader.answer(body, find_client())
            release = budget.reserve(sum(map(len, answer)))
        except ReadRefused as refusal:
            return Response(f"{refusal}\n", refusal.status, content_type="text/plain; charset=utf-8")
        response = make_chunked_response(answer, "application/x-protobuf", release)
        response.headers["Content-Encoding"] = "snappy"
        return response

    return routes
