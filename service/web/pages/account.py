"""The page `/account`: the roles, sessions, tokens, saved queries and password of the signed-in user."""

from __future__ import annotations

from flask import Blueprint, Response, request

from metrics.codes import write_code
from metrics.languages import gettext
from service.access.administration import Administration
from service.access.identity import Identity
from service.access.roles import READING, RIGHTS, Grant, Right, Role
from service.application import Application
from service.errors import AccessError, NotSignedIn, SignInDelayed, SignInRefused
from service.web.authorization import begin_session, current_identity, find_address, identify, public
from service.web.pages.layout import Page
from service.web.pages.private import answer_private, go_to, link_to_sign_in

# Days until a token ends; 0 for a token without an end.
TOKEN_DAYS = (30, 90, 365, 0)


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes. It is public: a user without any role sees why nothing else is."""
    access = application.access
    missions = [entry.mission for entry in application.definitions.catalogue.missions]

    @routes.get("/account")
    @public
    def show_account() -> Response:
        return show(identify(application))

    @routes.post("/account")
    @public
    def change_account() -> Response:
        identity, form = current_identity(), request.form
        if identity.is_anonymous or identity.is_service:
            raise NotSignedIn("sign in to change your account")
        administration = Administration(access, identity, missions)
        action = form.get("action", "")
        try:
            if action == "create token":
                number, secret = administration.create_user_token(identity.name, _read_days(form.get("days", "")))
                return show(identity, new_token=(number, secret))
            if action == "revoke token":
                number = _read_number(form.get("token", ""))
                administration.revoke_token(number, identity.name)
                return go_to("/account#tokens", gettext("Token %(number)s is revoked.", number=number))
            if action == "change password":
                return change_password(administration, identity)
        except (SignInRefused, SignInDelayed) as error:
            text = gettext("The present password is wrong.") if isinstance(error, SignInRefused) else f"{error}."
            return show(identity, 429 if isinstance(error, SignInDelayed) else 400, error_text=text)
        except AccessError as error:
            return show(identity, 400, error_text=f"{error}.")
        return show(identity, 400, error_text=f"action: unknown action {action!r}.")

    def change_password(administration: Administration, identity: Identity) -> Response:
        form = request.form
        if form.get("password", "") != form.get("repeated_password", ""):
            return show(identity, 400, error_text=gettext("The passwords differ. Type the new password twice."))
        administration.change_own_password(form.get("present_password", ""), form.get("password", ""))
        user = access.users.get(identity.name)
        secret = access.begin_session(user, "password", find_address(), request.headers.get("User-Agent", ""))
        begin_session(user.name, user.grants, "password", secret)
        return go_to("/account", gettext("The password is changed. All other sessions are signed out."))

    def show(identity: Identity, status: int = 200, error_text: str = "", new_token: tuple[int, str] | None = None) -> Response:
        copy = application.read_copy
        page = Page(copy.info if copy else None)
        if identity.is_anonymous or identity.is_service:
            return answer_private(page.render("account.html", hide_moment=True, user=None, sign_in_link=link_to_sign_in()))
        body = page.render(
            "account.html",
            hide_moment=True,
            user=access.users.get(identity.name),
            identity=identity,
            roles=describe_grants(identity.grants),
            sessions=access.sessions.list_of(identity.name),
            tokens=access.tokens.list_all(identity.name),
            queries=[query for query in access.saved_queries.list_visible(identity.owner) if query.owner == identity.owner],
            now=access.store.now(),
            token_days=TOKEN_DAYS,
            new_token=new_token,
            error_text=error_text,
            may_manage_users=identity.may(Right.MANAGE_USERS),
            may_read_audit=identity.may(Right.READ_AUDIT),
        )
        return answer_private(body, status)


def describe_grants(grants: tuple[Grant, ...]) -> list[tuple[str, str, str]]:
    """Return role, missions and rights of each role, in words."""
    found: dict[Role, list[str]] = {}
    for grant in grants:
        found.setdefault(grant.role, []).append(grant.mission or gettext("all missions"))
    described: list[tuple[str, str, str]] = []
    for role, missions in found.items():
        rights = [write_code(right) for right in Right if right in RIGHTS[role] - READING]
        described.append((role, ", ".join(missions), ", ".join([gettext("read pages and API"), gettext("query SQL"), *rights])))
    return described


def _read_days(text: str) -> int | None:
    if text not in map(str, TOKEN_DAYS):
        raise AccessError(f"days: select one of {', '.join(map(str, TOKEN_DAYS))}")
    return int(text) or None


def _read_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise AccessError(f"token: {text!r} is not the number of a token")
    return int(text)
