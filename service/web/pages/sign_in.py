"""The pages `/sign-in`, `/sign-out` and `/setup`, which turns a link into a password."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, make_response, redirect, request

from metrics.languages import gettext
from service.access.identity import Identity
from service.access.users import FIRST_ADMINISTRATOR, User
from service.application import Application
from service.errors import AccessError, SignInDelayed, SignInRefused
from service.web.authorization import begin_session, current_identity, end_session, find_address, public
from service.web.pages.layout import Page

MAX_NEXT = 4000


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes."""
    access = application.access

    def render(template: str, status: int = 200, **values: object) -> Response:
        copy = application.read_copy
        body = Page(copy.info if copy else None).render(template, hide_moment=True, **values)
        answer = make_response(body, status)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def enter(user: User, secret: str) -> Response:
        begin_session(user.name, user.grants, "password", secret)
        return go(check_next(request.values.get("next", "")))

    @routes.get("/sign-in")
    @public
    def show_sign_in() -> Response:
        return render("sign_in.html", next=check_next(request.args.get("next", "")), name="", error_text="")

    @routes.post("/sign-in")
    @public
    def sign_in() -> Response:
        name, password = request.form.get("name", "").strip(), request.form.get("password", "")
        try:
            user, secret = access.sign_in(name, password, find_address(), request.headers.get("User-Agent", ""))
        except (SignInRefused, SignInDelayed) as error:
            status = 429 if isinstance(error, SignInDelayed) else 401
            answer = render(
                "sign_in.html", status, next=check_next(request.form.get("next", "")), name=name, error_text=f"{error}."
            )
            if isinstance(error, SignInDelayed):
                answer.headers["Retry-After"] = str(error.seconds)
            return answer
        return enter(user, secret)

    @routes.post("/sign-out")
    @public
    def sign_out() -> Response:
        identity = current_identity()
        if identity.session:
            if request.form.get("everywhere"):
                access.sessions.end_all(identity.name)
            else:
                access.sessions.end(identity.session)
            access.audit.note(identity, "sign out", identity.name)
        end_session()
        return go("/sign-in")

    @routes.get("/setup")
    @public
    def show_setup() -> Response:
        return show_link(request.args.get("link", ""))

    def show_link(secret: str, status: int = 200, error_text: str = "") -> Response:
        found = access.users.find_link(secret)
        if found is None:
            return render("setup.html", 410, link="", name=None, is_first=False, error_text="")
        purpose, name = found
        return render(
            "setup.html", status, link=secret, name=name, is_first=purpose == FIRST_ADMINISTRATOR, error_text=error_text
        )

    @routes.post("/setup")
    @public
    def set_up() -> Response:
        form = request.form
        secret, password = form.get("link", ""), form.get("password", "")
        if password != form.get("repeated", ""):
            return show_link(secret, 400, gettext("The passwords differ. Type the same password twice."))
        found = access.users.find_link(secret)
        try:
            user = access.users.use_link(secret, (found[1] if found else None) or form.get("name", "").strip(), password)
        except SignInRefused:
            return show_link(secret)
        except AccessError as error:
            return show_link(secret, 400, f"{error}.")
        identity = Identity(user.name, user.grants, "password", find_address())
        access.audit.note(identity, "set password", user.name)
        session_secret = access.begin_session(user, "password", find_address(), request.headers.get("User-Agent", ""))
        return enter(user, session_secret)


def check_next(target: str) -> str:
    """Return a path of this service to go to after signing in; the overview for anything else."""
    parts = urlsplit(target)
    is_own = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith(("//", "/\\"))
    is_clean = is_own and len(target) <= MAX_NEXT and target.isprintable() and "\\" not in target
    return target if is_clean and parts.path not in ("/sign-in", "/sign-out", "/setup") else "/"


def redirect_to_sign_in() -> Response:
    """Return the way to the sign-in page, and back afterwards with the fields of the form that was sent, if any.

    A form is sent to the path of its page, which takes its fields as parameters too: nothing typed is lost.
    """
    fields = [
        (name, value) for name, value in request.form.items(multi=True) if name != "csrf_token" and "password" not in name
    ]
    fields = [*request.args.items(multi=True), *fields]
    target = f"{request.path}?{urlencode(fields)}" if fields else request.path
    return go(f"/sign-in?{urlencode({'next': target if len(target) <= MAX_NEXT else request.path})}")


def go(target: str) -> Response:
    """Return a redirect to a path of this service that a browser follows with GET."""
    answer = redirect(target, 303)
    assert isinstance(answer, Response)
    answer.headers["Cache-Control"] = "no-store"
    return answer
