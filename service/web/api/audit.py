"""The audit in the API, as JSON and CSV."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, request
from pydantic import Field

from service.access.audit_csv import render_audit_csv
from service.access.roles import Right
from service.access.store import write_time
from service.application import Application
from service.web.api.queries import Count, Instant
from service.web.api.rows import AuditResult
from service.web.api.writing import Answer, Given, read_parameters, send
from service.web.authorization import requires
from service.web.problems import Refused

MAX_ENTRIES = 1_000
MEDIA_TYPES = ("application/json", "text/csv")


class AuditQuery(Given):
    """Filters of the audit, and its page."""

    actor: str | None = Field(None, description="Only entries of this user or service.")
    action: str | None = Field(None, description="Only this action, such as `set threshold`.")
    target: str | None = Field(None, description="Only this target.")
    result: AuditResult | None = Field(None, description="Only entries with this result.")
    since: Instant | None = Field(None, description="Only entries from this instant on.")
    until: Instant | None = Field(None, description="Only entries before this instant.")
    limit: Count = Field(100, ge=1, le=MAX_ENTRIES, description="Maximum number of entries of a page.")
    before_id: Count | None = Field(None, ge=1, description="Only entries before this one, from `next` of the previous page.")


class AuditEntry(Answer):
    """An entry of the audit. `before` and `after` are JSON; `hash` covers the entry and the one before it."""

    id: int
    at: str
    actor: str
    roles: str
    signed_in_by: str
    address: str
    action: str
    target: str
    before: str | None
    after: str | None
    reason: str | None
    result: AuditResult
    detail: str | None
    request_id: str
    hash: str


class AuditPage(Answer):
    """A page of the audit, newest first. `next` is the path of the next page, null on the last one."""

    entries: list[AuditEntry]
    next: str | None


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the route of the audit."""

    @routes.get("/audit")
    @requires(Right.READ_AUDIT)
    def list_audit() -> Response:
        query = read_parameters(AuditQuery)
        accepted = request.accept_mimetypes
        best = accepted.best_match(MEDIA_TYPES) if accepted else MEDIA_TYPES[0]
        if best is None:
            raise Refused(406, f"No accepted media type. Available: {', '.join(MEDIA_TYPES)}.")
        filters = {
            name: write_time(value) if name in ("since", "until") else str(value)
            for name, value in query.model_dump(exclude={"limit", "before_id"}, exclude_none=True).items()
        }
        entries = application.access.audit.list_entries(query.limit + 1, query.before_id, filters)
        shown, following = entries[: query.limit], None
        if len(entries) > query.limit:
            filters_of_page = [(name, value) for name, value in request.args.items() if name != "before_id"]
            following = f"{request.path}?{urlencode([*filters_of_page, ('before_id', shown[-1]['id'])])}"
        if best == "text/csv":
            response = Response(list(render_audit_csv(shown)), content_type="text/csv; charset=utf-8")
            response.headers["Content-Disposition"] = 'attachment; filename="a4p-audit.csv"'
            response.headers["Cache-Control"] = "no-cache"
        else:
            response = send(AuditPage(entries=[AuditEntry(**entry) for entry in shown], next=following))
        if following is not None:
            response.headers["Link"] = f'<{following}>; rel="next"'
        response.vary.add("Accept")
        return response
