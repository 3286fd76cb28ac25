"""Time limits of requests, and cancellation when the client disconnects.

`A4P_PAGE_SECONDS` limits pages, charts, documents and the API. Scrapes, remote read and SQL queries have their own limits.
"""

from __future__ import annotations

import math
from contextlib import ExitStack

from flask import Flask, g, request

from service.settings import Settings
from service.system.time_limit import limit_time

OWN_LIMITS = frozenset(["/metrics", "/-/healthy", "/-/ready", "/api/v1/read", "/api/v1/sql"])


def limit_requests(app: Flask, settings: Settings) -> None:
    """Cancel each request after its time limit or when its client disconnects. The answer is 503 with the reason."""

    @app.before_request
    def begin() -> None:
        seconds = math.inf if request.path in OWN_LIMITS else settings.page_seconds
        is_disconnected = request.environ.get("waitress.client_disconnected")
        g.limits = ExitStack()
        g.limits.enter_context(limit_time(seconds, is_disconnected) if is_disconnected else limit_time(seconds))

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        limits: ExitStack | None = g.pop("limits", None)
        if limits is not None:
            limits.close()
