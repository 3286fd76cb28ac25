"""The page `/admin/audit`: the audit with filters, newest first, the check of its chain, and a download as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, request

from service.access.audit_csv import render_audit_csv
from service.access.roles import Right
from service.access.store import write_time
from service.application import Application
from service.errors import ServiceError
from service.queries.moments import parse_instant
from service.web.authorization import requires
from service.web.pages.layout import Page
from service.web.pages.private import answer_private

MAX_ENTRIES = 100
ENTRIES_OF_A_READ = 1_000
RESULTS = ("done", "refused", "failed", "interrupted")
FILTERS = ("actor", "action", "result", "since", "until")


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes."""
    audit = application.access.audit

    @routes.get("/admin/audit")
    @requires(Right.READ_AUDIT)
    def show_audit() -> Response:
        given = {name: request.args.get(name, "").strip() for name in FILTERS}
        before = _read_before()
        entries = audit.list_entries(MAX_ENTRIES + 1, before, _read_filters(given))
        chain, is_broken = "", False
        if before is None:
            try:
                chain = f"{audit.verify_new():,} rows, unchanged"
            except ServiceError as error:
                chain, is_broken = f"{error}.", True
        copy = application.read_copy
        body = Page(copy.info if copy else None).render(
            "admin_audit.html",
            hide_moment=True,
            given=given,
            parameters={name: value for name, value in given.items() if value},
            entries=entries[:MAX_ENTRIES],
            older=str(entries[MAX_ENTRIES - 1]["id"]) if len(entries) > MAX_ENTRIES else "",
            before=before,
            results=RESULTS,
            chain=chain,
            is_broken=is_broken,
        )
        return answer_private(body)

    @routes.get("/admin/audit.csv")
    @requires(Right.READ_AUDIT)
    def download_audit() -> Response:
        filters = _read_filters({name: request.args.get(name, "").strip() for name in FILTERS})

        def read_all() -> Iterator[dict[str, Any]]:
            before: int | None = None
            while entries := audit.list_entries(ENTRIES_OF_A_READ, before, filters):
                yield from entries
                before = entries[-1]["id"]

        answer = Response((line.encode() for line in render_audit_csv(read_all())), content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = 'attachment; filename="a4p-audit.csv"'
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _read_filters(given: dict[str, str]) -> dict[str, str]:
    """Return the filters of the audit. Aborts with 400 for an invalid time."""
    filters = {name: value for name, value in given.items() if value}
    for name in ("since", "until"):
        if name in filters:
            try:
                filters[name] = write_time(parse_instant(filters[name]))
            except ValueError as error:
                abort(400, f"{name}: {error}")
    return filters


def _read_before() -> int | None:
    text = request.args.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        abort(400, f"before: {text!r} is not the number of a row.")
    return int(text)
