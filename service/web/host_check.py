"""Protection of the web application in browsers: check of the Host header, check of the calling site, security headers."""

from __future__ import annotations

import re
from ipaddress import ip_address

from flask import Flask, Response, request

from service.settings import Settings
from service.system.loopback import LOOPBACK_NAMES
from service.web.problems import Refused, answer_problem, is_api_request

# Only resources of the service itself, nothing inline, no frames: injected scripts cannot run.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/@\[\]]+))(?::\d{1,5})?")


def add_checks(app: Flask, settings: Settings) -> None:
    """Reject requests with an unknown Host header with 421, and add the security headers to every response.

    This prevents DNS rebinding: a name of another site that resolves to this address is an unknown Host header.
    """

    @app.before_request
    def check_host() -> Response | None:
        host = request.headers.get("Host")
        # Browsers always send it.
        if host is None or is_allowed_host(host, settings):
            return None
        message = f"Unknown Host header {host!r}. If it names this service, add it to A4P_ALLOWED_HOSTS.\n"
        return Response(message, 421, content_type="text/plain; charset=utf-8")

    @app.before_request
    def check_site() -> Response | None:
        # Browsers send this header. Pages of other sites cannot read or change anything through the API.
        if is_api_request() and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return answer_problem(Refused(403, "The API rejects requests from pages of other sites. Call it from a program."))
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response


def is_allowed_host(host: str, settings: Settings) -> bool:
    """Return whether a Host header is allowed: loopback, the bound host, or a name in A4P_ALLOWED_HOSTS.

    When the service is bound to all addresses, any IP address is allowed, but no further name.
    """
    matched = _HOST.fullmatch(host)
    if matched is None:
        return False
    name = (matched["v6"] or matched["name"]).lower().rstrip(".")
    allowed = LOOPBACK_NAMES | {settings.host.lower()} | {entry.strip("[]").lower() for entry in settings.allowed_hosts}
    return name in allowed or (_is_any_address(settings.host) and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_any_address(host: str) -> bool:
    return not host or (_is_address(host) and ip_address(host).is_unspecified)
