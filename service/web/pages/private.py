"""Answers of pages that depend on the identity: never cached, with a message after a change, or a link to sign in."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, flash, make_response, request

from service.access.identity import Identity
from service.access.roles import Right
from service.errors import NotAllowed, NotSignedIn
from service.web.pages.sign_in import go


def answer_private(body: str, status: int = 200) -> Response:
    """Return a page that no cache may store."""
    answer = make_response(body, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def go_to(target: str, message: str = "") -> Response:
    """Return a redirect after a form was processed. The next private page shows the message once."""
    if message:
        flash(message)
    return go(target)


def link_to_sign_in() -> str:
    """Return the link to sign in and return to this page."""
    return f"/sign-in?{urlencode({'next': request.full_path.removesuffix('?')})}"


def explain_missing_right(identity: Identity, right: Right, mission: str | None = None) -> str:
    """Return why the identity does not have a right, as a sentence; empty if it has, or is not signed in."""
    try:
        identity.check(right, mission)
    except NotSignedIn:
        return ""
    except NotAllowed as error:
        return f"{error}."
    return ""
