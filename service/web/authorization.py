"""Identification of each request, and the check of its right before its view runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import (  # type: ignore[import-untyped]
    LoginManager,
    UserMixin,
    current_user,
    login_user,
    logout_user,
)
from flask_wtf.csrf import CSRFError, CSRFProtect  # type: ignore[import-untyped]

from service.access.access import Access
from service.access.identity import Identity
from service.access.roles import Grant, Right
from service.application import Application
from service.errors import AccessUnavailable, NotAllowed, NotSignedIn
from service.web.problems import Refused, is_api_request
from service.web.proxy import identify_by_proxy

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
COOKIE_NAME = "a4p_session"
# Views that check their caller themselves, and those of Prometheus, which have a setting.
PUBLIC, PROMETHEUS = "public", "prometheus"
MAX_TOKEN_LENGTH = 500
CSRF_TEXT = "The form expired or was sent from another page. Load the page again and repeat the change."


def requires(right: Right | str) -> Callable[[View], View]:
    """Return a decorator that names the right a view needs. The view checks the mission, where the right is about one.

    A view without the decorator needs `Right.READ` for GET and HEAD, and is refused for every other method.
    """

    def mark(view: View) -> View:
        view.a4p_right = right  # type: ignore[attr-defined]
        return view

    return mark


public = requires(PUBLIC)
for_prometheus = requires(PROMETHEUS)


class SessionUser(UserMixin):  # type: ignore[misc]
    """The user of a session for Flask-Login, which stores the secret of the session in the cookie."""

    def __init__(self, identity: Identity, secret: str) -> None:
        self.identity = identity
        self._secret = secret

    def get_id(self) -> str:
        return self._secret


class Cookies(SecureCookieSessionInterface):
    """Signed cookies whose key is read when a request has one, or gets one: a scrape never opens the database of users."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def open_session(self, app: Flask, request: Any) -> Any:
        if not request.cookies.get(self.get_cookie_name(app)):
            return self.session_class()
        if not app.secret_key:
            app.secret_key = self._access.find_cookie_key()
        return super().open_session(app, request)


def add_authorization(app: Flask, application: Application) -> CSRFProtect:
    """Identify each request as `current_identity`, and answer 401 or 403, with a row in the audit, without the right."""
    access = application.access
    is_https = application.settings.public_url.startswith("https:")
    app.config.update(
        SESSION_COOKIE_NAME=f"__Host-{COOKIE_NAME}" if is_https else COOKIE_NAME,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=is_https,
        # Strict would lose the session on links in mail and in the redirect of OpenID.
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
        # The token is valid as long as the session; our pages send no referrer to compare.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = Cookies(access)
    csrf = CSRFProtect(app)
    login = LoginManager()
    login.init_app(app, add_context_processor=False)
    login.session_protection = None

    @login.user_loader  # type: ignore[untyped-decorator]
    def load(secret: str) -> SessionUser | None:
        identity = access.sessions.identify(secret, find_address())
        return SessionUser(identity, secret) if identity else None

    @app.before_request
    def authorize() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        right = getattr(view, "a4p_right", PUBLIC if request.endpoint == "static" else None)
        if right == PROMETHEUS and application.settings.prometheus_access == "open":
            return
        if not app.secret_key and request.endpoint != "static":
            # Readers without an identity are answered also while the database of users cannot be opened.
            with nullcontext() if right == PUBLIC else suppress(AccessUnavailable):
                app.secret_key = access.find_cookie_key()
        if right == PUBLIC and request.method in SAFE_METHODS and "Authorization" not in request.headers:
            return
        if right == PUBLIC and is_api_request():
            return
        identity = identify(application)
        g.identity = identity
        if request.method not in SAFE_METHODS and (identity.session or identity.signed_in_by == "proxy" or right == PUBLIC):
            # A bearer token is sent by a program, never by a browser on its own.
            try:
                csrf.protect()
            except CSRFError as error:
                action = f"{request.method} {request.path}"[:200]
                access.audit.note(identity, action, "", "refused", f"CSRF: {error.description}")
                raise Refused(400, CSRF_TEXT) from None
        if right == PUBLIC:
            return
        is_reading = right == PROMETHEUS or (right is None and request.method in SAFE_METHODS)
        needed = Right.READ if is_reading else Right(right) if right else None
        try:
            if needed is None:
                raise NotAllowed(f"{request.method} is not possible here")
            if needed == Right.QUERY and identity.is_anonymous and application.settings.sql_token.get_secret_value():
                raise NotSignedIn("send the value of A4P_SQL_TOKEN, or a token of a user, as a bearer token")
            identity.check(needed)
        except (NotSignedIn, NotAllowed) as error:
            if view is not None:
                action = f"{request.method} {request.path}"[:200]
                if request.method not in SAFE_METHODS or isinstance(error, NotAllowed):
                    access.audit.note_refusal(identity, action, str(needed or ""), error)
                raise
            # No view: the answer is 404 or 405 for every client; without an identity the first is hidden too.
            if isinstance(error, NotSignedIn):
                raise

    @app.after_request
    def keep_private(response: Response) -> Response:
        if "identity" in g and not g.identity.is_anonymous:
            response.headers["Cache-Control"] = f"private, {response.headers.get('Cache-Control', 'no-cache')}"
        return response

    return csrf


def identify(application: Application) -> Identity:
    """Return the identity of the request: of its bearer token, else of a trusted proxy or its session, else anonymous.

    Raises NotSignedIn for a token that is unknown, expired or revoked, and AccessError for a user of a proxy without access.
    """
    access = application.access
    address = find_address()
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        identity = None
        if scheme.lower() == "bearer" and 0 < len(secret.strip()) <= MAX_TOKEN_LENGTH:
            identity = access.identify_token(secret.strip(), address)
        if identity is None:
            raise NotSignedIn("the bearer token is unknown, expired or revoked")
        return identity
    if by_proxy := identify_by_proxy(application, address):
        return by_proxy
    user = current_user._get_current_object()
    return user.identity if isinstance(user, SessionUser) else access.make_anonymous(address, is_forwarded())


def is_forwarded() -> bool:
    """Return whether a proxy has forwarded the request."""
    return any(name in request.headers for name in ("Forwarded", "X-Forwarded-For"))


def current_identity() -> Identity:
    """Return the identity of the request, as `authorize` found it."""
    identity: Identity | None = g.get("identity")
    return identity or Identity("anonymous", (), "anonymous", find_address())


def find_address() -> str:
    """Return the address of the client."""
    return request.remote_addr or "unknown"


def begin_session(name: str, grants: tuple[Grant, ...], signed_in_by: str, secret: str) -> None:
    """Give the browser the session with this secret; nothing of an earlier session remains."""
    session.clear()
    login_user(SessionUser(Identity(name, grants, signed_in_by), secret))


def end_session() -> None:
    """Take the session from the browser."""
    logout_user()
    session.clear()
