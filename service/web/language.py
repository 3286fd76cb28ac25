"""The language of a page, chart or document: that of the parameter `lang`, of the cookie, or one that the browser prefers."""

from __future__ import annotations

from flask import Flask, Response, g, request

from metrics.languages import ENGLISH, NAMES, choose_plural, gettext, pgettext, use_language
from service.application import Application
from service.settings import Settings
from service.web.problems import is_api_request

PARAMETER = "lang"
COOKIE_NAME = "a4p_language"
COOKIE_SECONDS = 365 * 86_400
# What a reader sees. Metrics and the API are English.
TRANSLATED_TYPES = ("text/html", "image/svg+xml", "application/pdf", "application/vnd.openxmlformats")


def add_languages(app: Flask, application: Application) -> None:
    """Set the language of each request, remember a chosen one, and name it in responses."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(gettext, choose_plural, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined]

    @app.before_request
    def begin() -> None:
        code = choose_language(application.settings)
        g.language = use_language(application.definitions.find_language(code))
        g.language.__enter__()

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        if "language" in g:
            g.pop("language").__exit__(None, None, None)

    @app.after_request
    def describe(response: Response) -> Response:
        if is_api_request() or not response.content_type.startswith(TRANSLATED_TYPES) or request.path.startswith("/static/"):
            return response
        response.headers["Content-Language"] = choose_language(application.settings)
        response.vary.update(("Accept-Language", "Cookie"))
        if (chosen := request.args.get(PARAMETER)) in NAMES and chosen != request.cookies.get(COOKIE_NAME):
            response.set_cookie(
                COOKIE_NAME, chosen, max_age=COOKIE_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure
            )
        return response


def choose_language(settings: Settings) -> str:
    """Return the code of the language of this request."""
    if is_api_request():
        return ENGLISH.code
    for code in (request.args.get(PARAMETER), request.cookies.get(COOKIE_NAME)):
        if code in NAMES:
            return str(code)
    return request.accept_languages.best_match(list(NAMES)) or settings.language
