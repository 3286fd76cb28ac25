"""What a person sees when a page cannot be shown."""

from __future__ import annotations

from flask import Flask, Response, make_response, request
from werkzeug.exceptions import HTTPException

from service.application import Application
from service.web.pages.layout import Page

TITLES = {
    400: "This cannot be asked",
    404: "There is no such page",
    405: "A page is only read",
    500: "Something went wrong here",
    503: "Not ready yet",
}
DETAILS = {
    404: "The address may be mistyped, or what it named may have another name in this catalogue.",
    500: "The fault is the service's own and is in its log.",
}
RETRY_SECONDS = 5


def show_errors(app: Flask, application: Application) -> None:
    """Answer errors with a page in the layout; those of the API are not pages and stay as they are."""

    @app.errorhandler(HTTPException)
    def show(error: HTTPException) -> Response | HTTPException:
        status = error.code or 500
        if request.path.startswith("/api/") or error.response is not None or status < 400:
            return error
        copy = application.read_copy
        # A description that we gave says more than werkzeug's own.
        is_own = error.description != type(error).description
        detail = error.description if is_own else DETAILS.get(status, error.description)
        body = Page(copy.info if copy else None).render(
            "error.html", status=status, title=TITLES.get(status, error.name), detail=detail
        )
        answer = make_response(body, status)
        if status == 503:
            answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer
