"""What guards the web application in a browser: the host names it answers to, and the headers of every answer."""

from __future__ import annotations

import re
from ipaddress import ip_address

from flask import Flask, Response, request

from service.settings import Settings
from service.web.problems import Refused, answer_problem

LOOPBACK_NAMES = frozenset(["localhost", "127.0.0.1", "::1"])
# Everything comes from the service itself, nothing is inline and nobody may frame it: what slips into a page cannot run.
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


def guard(app: Flask, settings: Settings) -> None:
    """Refuse requests by a name that is not ours with 421, and send the security headers with every answer.

    A site that has its own name resolve to this address (DNS rebinding) is asked for by that name, so it is refused.
    """

    @app.before_request
    def check_host() -> Response | None:
        host = request.headers.get("Host")
        # No browser leaves it out.
        if host is None or is_allowed_host(host, settings):
            return None
        told = f"the service does not answer to the name {host!r}; if it is yours, add it to A4P_ALLOWED_HOSTS\n"
        return Response(told, 421, content_type="text/plain; charset=utf-8")

    @app.before_request
    def check_site() -> Response | None:
        # Browsers send it; a page of another site can have the API called, but gets no answer and changes nothing.
        if request.path.startswith("/api/") and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return answer_problem(Refused(403, "The API does not answer to pages of other sites. Call it from a program."))
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
    """Return whether the service answers to a Host header: loopback, the bound host, or what A4P_ALLOWED_HOSTS names.

    Where it is bound to every address of the machine, any address is the bound host; a name is not.
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
