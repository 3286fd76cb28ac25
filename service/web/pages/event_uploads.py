"""The page `/events/load`: an export of a feed is previewed and loaded, as by `a4p events load`."""

from __future__ import annotations

import math

from flask import Blueprint, Response, request

from metrics.feeds import find_feed
from service.access.roles import Right
from service.application import Application
from service.client.local import ApplicationClient
from service.client.protocol import EventsRequest
from service.errors import LoadError
from service.events.report import EventReport
from service.loading.interrupt import Interrupt
from service.system.progress import ignore_progress
from service.system.time_limit import is_never_abandoned, left_seconds, limit_time
from service.web.api.uploads import find_upload, read_name, store_upload
from service.web.api.writing import MAX_WAIT_SECONDS
from service.web.authorization import current_identity, requires
from service.web.clients import find_client
from service.web.pages.layout import Page
from service.web.pages.private import answer_private, explain_missing_right, link_to_sign_in


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    feeds = application.definitions.feeds
    folder = application.settings.data_dir / "tmp"

    @routes.get("/events/load")
    def show_upload() -> Response:
        return render()

    @routes.post("/events/load")
    @requires(Right.LOAD)
    def upload_export() -> Response:
        client = ApplicationClient(application, True, current_identity())
        interrupt = Interrupt(request.environ.get("waitress.client_disconnected", is_never_abandoned))
        # The buttons of the form differ in their URL: the form itself has one field, the file.
        given = {name: request.args.get(name) == "true" for name in ("dry_run", "skip_unreadable")}
        try:
            found = find_upload()
            with (
                application.writes.take(find_client(), left_seconds(MAX_WAIT_SECONDS)),
                limit_time(math.inf),
                store_upload(found, folder, application.settings.load_max_bytes) as file,
            ):
                requested = {"file": file, "name": read_name(found), "feed": request.args.get("feed", ""), **given}
                if digest := request.args.get("digest"):
                    requested["digest"] = digest
                report = client.load_events(EventsRequest.model_validate(requested), ignore_progress, interrupt)
        except LoadError as error:
            return render(400, error=error)
        return render(report=report)

    def render(status: int = 200, report: EventReport | None = None, error: LoadError | None = None) -> Response:
        copy, identity = application.read_copy, current_identity()
        body = Page(copy.info if copy else None).render(
            "event_upload.html",
            hide_moment=True,
            feeds=feeds,
            feed=find_feed(feeds, request.args.get("feed", "")) or (feeds[-1] if feeds else None),
            report=report,
            error_text=error.message if error else "",
            row_errors=error.rows if error else (),
            is_anonymous=identity.is_anonymous,
            sign_in_link=link_to_sign_in(),
            refusal=explain_missing_right(identity, Right.LOAD),
        )
        return answer_private(body, status)
