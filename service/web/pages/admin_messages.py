"""The page `/admin/messages`: messages about rounds, newest first, and which could not be mailed."""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.access.roles import Right
from service.application import Application
from service.rounds.outbox import STATES
from service.web.authorization import requires
from service.web.pages.layout import Page
from service.web.pages.private import answer_private
from service.web.problems import Refused

MAX_MESSAGES = 200


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""

    @routes.get("/admin/messages")
    @requires(Right.MANAGE_USERS)
    def list_messages() -> Response:
        state = request.args.get("state", "")
        if state and state not in STATES:
            raise Refused(400, f"state: {state!r} is not a state of messages; states are {', '.join(STATES)}.")
        copy = application.read_copy
        body = Page(copy.info if copy else None).render(
            "admin_messages.html",
            hide_moment=True,
            messages=application.outbox.list_newest(MAX_MESSAGES, state or None),
            is_enabled=application.outbox.is_enabled,
            maximum=MAX_MESSAGES,
            states=STATES,
            state=state,
        )
        return answer_private(body)
