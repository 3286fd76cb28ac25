"""The time limit of pages, charts, documents and the API; scrapes, history and SQL queries have limits of their own."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, g, request

from service.settings import Settings
from service.time_limit import limit_time

OWN_LIMITS = ("/metrics", "/-/", "/api/v1/read", "/api/v1/sql")


def limit_requests(app: Flask, settings: Settings) -> None:
    """End the work of each request after `A4P_PAGE_SECONDS`; the answer is then 503 with the reason."""

    @app.before_request
    def begin() -> None:
        if not request.path.startswith(OWN_LIMITS):
            g.limits = ExitStack()
            g.limits.enter_context(limit_time(settings.page_seconds))

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        limits: ExitStack | None = g.pop("limits", None)
        if limits is not None:
            limits.close()
