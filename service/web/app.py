"""The web application, and the server that answers it and the handoff in one loop."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from flask import Flask
from waitress.server import create_server

from service.application import Application
from service.errors import PortTaken
from service.handoff import make_handoff_app
from service.web.alerts import make_alerts_blueprint
from service.web.api import make_api_blueprint
from service.web.charts import make_charts_blueprint
from service.web.guard import guard
from service.web.openapi import make_openapi_blueprint
from service.web.pages import make_pages_blueprint
from service.web.pages.errors import show_errors
from service.web.remote_read import make_remote_read_blueprint
from service.web.scrape import make_scrape_blueprint
from service.web.sql import is_open, make_sql_blueprint
from service.web.time_limits import limit_requests

# waitress parks what a slow reader has not taken in a file beyond this; our bodies are in memory already.
NEVER_TO_FILE = 1 << 40
WEB_THREADS = 8
# Everything that is posted here is small; a larger body is refused before it is read.
LARGEST_BODY_BYTES = 16 << 20
# With Python's own five milliseconds a scrape waits that long for each of its turns while a history query is answered.
SWITCH_SECONDS = 0.001
HANDOFF_THREADS = 4


def make_app(application: Application) -> Flask:
    """Return the WSGI application that the world may ask; nothing in it writes, but alerts keeps notifications."""
    app = Flask("service.web")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    guard(app, application.settings)
    limit_requests(app, application.settings)
    show_errors(app, application)
    app.register_blueprint(make_scrape_blueprint(application))
    app.register_blueprint(make_pages_blueprint(application))
    app.register_blueprint(make_charts_blueprint(application))
    app.register_blueprint(make_api_blueprint(application))
    app.register_blueprint(make_sql_blueprint(application))
    app.register_blueprint(make_alerts_blueprint(application))
    app.register_blueprint(make_openapi_blueprint(application))
    app.register_blueprint(make_remote_read_blueprint(application))
    return app


def bind(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket. Raises PortTaken when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise PortTaken(
            f"cannot listen on {host}:{port} ({os.strerror(error.errno or 0)}); "
            "stop what uses it, or choose another port with A4P_PORT"
        ) from None


class WebServer:
    """One loop of waitress over two sockets: TCP for everybody, the Unix socket for the handoff.

    waitress, because it is one process (the warehouse has one writer), needs no compiler, and hands ready bytes to the
    kernel.
    """

    def __init__(self, application: Application, tcp: socket.socket, handoff: socket.socket, secret: str) -> None:
        self._application = application
        self._map: dict[int, Any] = {}
        common = {
            "map": self._map,
            "ident": "a4p",
            "outbuf_overflow": NEVER_TO_FILE,
            "outbuf_high_watermark": NEVER_TO_FILE,
            "clear_untrusted_proxy_headers": True,
        }
        sys.setswitchinterval(SWITCH_SECONDS)
        self._servers = [
            create_server(
                make_app(application),
                sockets=[tcp],
                # Queries that wait for their turn keep nobody else waiting.
                threads=WEB_THREADS + application.remote_reader.places + application.sandbox.places,
                max_request_body_size=LARGEST_BODY_BYTES,
                **common,
            ),
            create_server(make_handoff_app(application, secret), sockets=[handoff], threads=HANDOFF_THREADS, **common),
        ]

    def run(self) -> None:
        """Answer until SystemExit or KeyboardInterrupt is raised in this thread."""
        if is_open(self._application.settings):
            self._application.sandbox.start()
        self._servers[0].run()

    def close(self) -> None:
        """Stop answering."""
        for server in self._servers:
            server.task_dispatcher.shutdown()
            server.close()
