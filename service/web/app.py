"""The web application: all routes and their common checks."""

from __future__ import annotations

from flask import Flask

from service.application import Application
from service.queries.sandbox.shared_runs import MAX_SHARING
from service.system.memory import flush_thread_cache
from service.web.alerts import make_alerts_blueprint
from service.web.answer_cache import RECENT_PAGES
from service.web.api import make_api_blueprint
from service.web.authorization import add_authorization
from service.web.budget import AnswerBudget
from service.web.charts import make_charts_blueprint
from service.web.host_check import add_checks
from service.web.language import add_languages
from service.web.openapi import make_openapi_blueprint
from service.web.openid import add_openid
from service.web.pages import make_pages_blueprint
from service.web.pages.errors import show_errors
from service.web.proxy import TrustedProxies
from service.web.recent_pages import RecentPages
from service.web.remote_read import make_remote_read_blueprint
from service.web.scrape import make_scrape_blueprint
from service.web.sdmx import make_sdmx_blueprint
from service.web.sql import make_sql_blueprint
from service.web.time_limits import limit_requests

WEB_THREADS = 8


def make_app(application: Application) -> Flask:
    """Return the public WSGI application. Every view needs a right, and every write is in the audit."""
    app = Flask("service.web")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    add_languages(app, application)
    add_checks(app, application.settings)
    limit_requests(app, application.settings)
    add_authorization(app, application)
    add_openid(app, application)
    show_errors(app, application)
    app.teardown_request(lambda _: flush_thread_cache())
    recent = RecentPages(app, application.definitions.find_language)
    app.extensions[RECENT_PAGES] = recent
    application.preparations.append(recent.prepare)
    budget = AnswerBudget()
    app.register_blueprint(make_scrape_blueprint(application))
    app.register_blueprint(make_pages_blueprint(application))
    app.register_blueprint(make_charts_blueprint(application))
    app.register_blueprint(make_api_blueprint(application))
    app.register_blueprint(make_sql_blueprint(application, budget))
    app.register_blueprint(make_alerts_blueprint(application))
    app.register_blueprint(make_openapi_blueprint(application))
    app.register_blueprint(make_remote_read_blueprint(application, budget))
    app.register_blueprint(make_sdmx_blueprint(application, budget))
    if application.settings.proxy_addresses:
        app.wsgi_app = TrustedProxies(app.wsgi_app, application.settings.proxy_addresses)  # type: ignore[method-assign]
    return app


def count_threads(application: Application) -> int:
    """Return the number of request threads, so that waiting requests do not block others."""
    waiting = (application.pages, application.writes, application.remote_reader.slots, application.sandbox.slots)
    return WEB_THREADS + MAX_SHARING + sum(slots.slots + slots.waiting for slots in waiting)
