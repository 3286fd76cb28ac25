"""What a person sees when a page cannot be shown; an error of the API is problem details."""

from __future__ import annotations

from flask import Flask, Response, make_response
from werkzeug.exceptions import HTTPException

from service.application import Application
from service.errors import ServiceError
from service.web.pages.layout import Page
from service.web.problems import OWN_FAULT, RETRY_SECONDS, answer_problem, is_api_request, refuse_service_error

TITLES = {
    400: "This cannot be asked",
    404: "There is no such page",
    405: "A page is only read",
    500: "Something went wrong here",
    503: "Not ready yet",
}
DETAILS = {
    404: "The address may be mistyped, or what it named may have another name in this catalogue.",
    500: OWN_FAULT,
}


def show_errors(app: Flask, application: Application) -> None:
    """Answer errors with a page in the layout; those of the API are problem details."""

    @app.errorhandler(HTTPException)
    def show(error: HTTPException) -> Response | HTTPException:
        status = error.code or 500
        if error.response is not None or status < 400:
            return error
        if is_api_request():
            return answer_problem(error)
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

    @app.errorhandler(ServiceError)
    def show_service_error(error: ServiceError) -> Response | HTTPException:
        app.logger.error("%s", error)
        return show(refuse_service_error(error))
