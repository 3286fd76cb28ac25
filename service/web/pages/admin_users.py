"""The pages `/admin/users` and `/admin/users/<name>`: users, their roles, and links to choose a password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, request

from metrics.languages import gettext
from service.access.administration import Administration
from service.access.roles import SCOPED_ROLES, Grant, Right, Role
from service.application import Application
from service.errors import AccessError
from service.web.authorization import current_identity, requires
from service.web.pages.layout import Page
from service.web.pages.private import answer_private, go_to


@dataclass(frozen=True)
class NewLink:
    """A link that is shown once, and its user."""

    name: str
    address: str


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes."""
    access, settings = application.access, application.settings
    missions = [entry.mission for entry in application.definitions.catalogue.missions]
    scoped = [role for role in Role if role in SCOPED_ROLES]

    def administer() -> Administration:
        return Administration(access, current_identity(), missions)

    def make_new_link(name: str, secret: str) -> NewLink:
        root = settings.public_url or request.host_url
        return NewLink(name, f"{root.rstrip('/')}/setup?link={secret}")

    def render(template: str, status: int = 200, **values: object) -> Response:
        copy = application.read_copy
        page = Page(copy.info if copy else None)
        roles = list(Role)
        body = page.render(template, hide_moment=True, roles=roles, scoped_roles=scoped, missions=missions, **values)
        return answer_private(body, status)

    def show_list(
        status: int = 200,
        error_text: str = "",
        new_link: NewLink | None = None,
        name: str = "",
        given: Sequence[str] = (),
        email: str = "",
    ) -> Response:
        users = access.users.list_all()
        return render(
            "admin_users.html", status, users=users, error_text=error_text, new_link=new_link, name=name, given=given,
            email=email,
        )  # fmt: skip

    def show_one(name: str, status: int = 200, error_text: str = "", new_link: NewLink | None = None) -> Response:
        user = access.users.find(name)
        if user is None:
            abort(404, f"There is no user {name!r}. The page /admin/users lists all.")
        given = request.values.getlist("grants") or [_write_grant(grant) for grant in user.grants]
        return render(
            "admin_user.html",
            status,
            user=user,
            given=given,
            tokens=access.tokens.list_all(user.name),
            sessions=access.sessions.list_of(user.name),
            now=access.store.now(),
            is_self=user.name == current_identity().name,
            error_text=error_text,
            new_link=new_link,
        )

    @routes.get("/admin/users")
    @requires(Right.MANAGE_USERS)
    def list_users() -> Response:
        return show_list(name=request.args.get("name", ""), given=request.args.getlist("grants"))

    @routes.post("/admin/users")
    @requires(Right.MANAGE_USERS)
    def add_user() -> Response:
        name, given = request.form.get("name", "").strip(), request.form.getlist("grants")
        email = request.form.get("email", "").strip()
        try:
            grants = _read_grants(given)
            if not grants:
                raise AccessError("select at least one role")
            administration = administer()
            administration.add_user(name, grants, email=email or None)
            return show_list(new_link=make_new_link(name, administration.make_link(name)))
        except AccessError as error:
            return show_list(400, f"{error}.", name=name, given=given, email=email)

    @routes.get("/admin/users/<name>")
    @requires(Right.MANAGE_USERS)
    def show_user(name: str) -> Response:
        return show_one(name)

    @routes.post("/admin/users/<name>")
    @requires(Right.MANAGE_USERS)
    def change_user(name: str) -> Response:
        administration, action = administer(), request.form.get("action", "")
        try:
            if action == "set roles":
                administration.set_grants(name, _read_grants(request.form.getlist("grants")))
                text = gettext("The roles are set.")
            elif action == "set email":
                email = request.form.get("email", "").strip()
                administration.set_email(name, email or None)
                text = gettext("The e-mail address is set.") if email else gettext("The e-mail address is removed.")
            elif action == "disable":
                administration.disable_user(name)
                text = gettext("The user is disabled. All sessions have ended, and tokens are refused.")
            elif action == "enable":
                administration.enable_user(name)
                text = gettext("The user is enabled.")
            elif action == "make link":
                return show_one(name, new_link=make_new_link(name, administration.make_link(name)))
            elif action == "reset password":
                return show_one(name, new_link=make_new_link(name, administration.reset_by_link(name)))
            elif action == "revoke token" and request.form.get("token", "").isdecimal():
                number = int(request.form["token"][:12])
                administration.revoke_token(number)
                text = gettext("Token %(number)s is revoked.", number=number)
            else:
                raise AccessError(f"action: unknown action {action!r}")
        except AccessError as error:
            return show_one(name, 400, f"{error}.")
        return go_to(request.path, text)


def _write_grant(grant: Grant) -> str:
    return f"{grant.role}:{grant.mission}" if grant.mission else str(grant.role)


def _read_grants(given: Sequence[str]) -> list[Grant]:
    """Return the grants of the boxes of a form, such as reader and analyst:UNMISS. Raises AccessError for an unknown role."""
    grants = []
    for text in given:
        role, _, mission = text.partition(":")
        if role not in list(Role):
            raise AccessError(f"unknown role {role!r}; roles are {', '.join(Role)}")
        grants.append(Grant(Role(role), mission))
    return grants
