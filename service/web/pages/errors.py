"""Error pages. Errors of the API are problem details."""

from __future__ import annotations

from flask import Flask, Response, make_response, request
from werkzeug.exceptions import HTTPException

from metrics.languages import gettext, mark_message
from service.application import Application
from service.errors import NotSignedIn, ServiceError
from service.web.pages.layout import Page
from service.web.pages.sign_in import redirect_to_sign_in
from service.web.problems import INTERNAL_ERROR, RETRY_SECONDS, answer_problem, is_api_request, refuse_service_error

TITLES = {
    400: mark_message("Invalid request"),
    401: mark_message("Sign-in needed"),
    403: mark_message("Not allowed"),
    404: mark_message("Page not found"),
    405: mark_message("Method not allowed"),
    500: mark_message("Internal error"),
    503: mark_message("Service not ready"),
}
DETAILS = {
    404: mark_message("Check the address. The indicator, mission or priority may have another name in the catalogue."),
    500: INTERNAL_ERROR,
}


def show_errors(app: Flask, application: Application) -> None:
    """Answer errors with a page in the common layout, and errors of the API with problem details."""

    @app.errorhandler(HTTPException)
    def show(error: HTTPException) -> Response | HTTPException:
        status = error.code or 500
        if error.response is not None or status < 400:
            return error
        if is_api_request():
            return answer_problem(error)
        copy = application.read_copy
        # Prefer the description of this service to the default of werkzeug.
        is_own = error.description != type(error).description
        detail = error.description if is_own else DETAILS.get(status, error.description)
        body = Page(copy.info if copy else None).render(
            "error.html", status=status, title=gettext(TITLES.get(status, error.name)), detail=gettext(detail) if detail else ""
        )
        answer = make_response(body, status)
        if status == 503:
            answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer

    @app.errorhandler(ServiceError)
    def show_service_error(error: ServiceError) -> Response | HTTPException:
        if isinstance(error, NotSignedIn) and not is_api_request() and "Authorization" not in request.headers:
            return redirect_to_sign_in()
        refused = refuse_service_error(error)
        if (refused.code or 500) >= 500:
            app.logger.error("%s", error)
        return show(refused)
