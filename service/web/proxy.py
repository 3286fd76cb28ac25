"""Trusted reverse proxies: addresses of clients, and the user that a proxy has authenticated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from service.access.groups import map_groups, read_group_roles
from service.access.identity import Identity
from service.application import Application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Set for requests that came from a trusted address, which a client cannot set.
FROM_PROXY = "a4p.from_proxy"


class TrustedProxies:
    """A WSGI application that takes the client's address and scheme from X-Forwarded-For and -Proto of trusted proxies only."""

    def __init__(self, app: WSGIApplication, addresses: tuple[str, ...]) -> None:
        self._app = app
        self._from_proxy = ProxyFix(app, x_for=1, x_proto=1, x_host=0, x_port=0, x_prefix=0)
        self._addresses = frozenset(addresses)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        environ.pop(FROM_PROXY, None)
        if environ.get("REMOTE_ADDR") not in self._addresses:
            return self._app(environ, start_response)
        environ[FROM_PROXY] = True
        return self._from_proxy(environ, start_response)


def identify_by_proxy(application: Application, address: str) -> Identity | None:
    """Return the identity that a trusted proxy states in A4P_PROXY_USER_HEADER, or None.

    With groups in A4P_PROXY_GROUPS_HEADER their roles replace those of the user. Raises AccessError for an invalid name.
    """
    settings, access = application.settings, application.access
    if not settings.proxy_user_header or FROM_PROXY not in request.environ:
        return None
    name = request.headers.get(settings.proxy_user_header, "").strip()
    if not name:
        return None
    header = settings.proxy_groups_header
    grants = None
    if header:
        groups = [group.strip() for group in request.headers.get(header, "").split(",") if group.strip()]
        grants = map_groups(groups, read_group_roles(settings.group_roles))
    user = access.users.sign_in_from_outside(name, "proxy", grants)
    return Identity(user.name, user.grants, "proxy", address)
