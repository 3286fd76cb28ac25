"""The time limit of each request, and its end when the client has gone.

Pages, charts, documents and the API have `A4P_PAGE_SECONDS`; scrapes, history and SQL queries have limits of their own.
"""

from __future__ import annotations

import math
from contextlib import ExitStack

from flask import Flask, g, request

from service.settings import Settings
from service.time_limit import limit_time

OWN_LIMITS = frozenset(["/metrics", "/-/healthy", "/-/ready", "/api/v1/read", "/api/v1/sql"])


def limit_requests(app: Flask, settings: Settings) -> None:
    """End the work of each request after its time, or when its client has gone; the answer is then 503 with the reason."""

    @app.before_request
    def begin() -> None:
        seconds = math.inf if request.path in OWN_LIMITS else settings.page_seconds
        has_gone = request.environ.get("waitress.client_disconnected")
        g.limits = ExitStack()
        g.limits.enter_context(limit_time(seconds, has_gone) if has_gone else limit_time(seconds))

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        limits: ExitStack | None = g.pop("limits", None)
        if limits is not None:
            limits.close()
