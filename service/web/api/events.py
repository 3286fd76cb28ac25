"""Events in the API: an uploaded export of a feed is loaded, or previewed, as by `a4p events load`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime

from flask import Blueprint, Response, request
from pydantic import Field

from service.access.roles import Right
from service.application import Application
from service.client.protocol import EventsRequest
from service.events.report import EventReport
from service.loading.interrupt import Interrupt
from service.loading.request import DIGEST_PATTERN
from service.system.progress import ignore_progress
from service.system.time_limit import is_never_abandoned
from service.web.api.queries import Flag
from service.web.api.uploads import check_digest, find_upload, hash_upload, read_name, store_upload
from service.web.api.writing import Answer, Given, make_client, read_parameters, send, writes


class EventsLoadQuery(Given):
    """How an export is loaded."""

    feed: str = Field(min_length=1, max_length=100, description="Feed of the export; `feeds` lists them.")
    dry_run: Flag = Field(False, description="Return the preview: what the load would change. Nothing is loaded.")
    digest: str | None = Field(
        None,
        pattern=DIGEST_PATTERN,
        description="Digest of a preview. The load does exactly what was previewed; otherwise the answer is 409.",
    )
    skip_unreadable: Flag = Field(False, description="Load the other rows if some cannot be read; otherwise that is an error.")


class UnreadableRow(Answer):
    """A text that cannot be read, in the first row that has it."""

    row: int
    column: str
    value: str | None
    problem: str
    fix: str


class FaultyRow(Answer):
    """A duplicate: another row of an event; or a conflict: other content with the same time of update."""

    row: int
    fault: str
    event_id: str | None
    problem: str


class ChangedField(Answer):
    """How many events changed a field in the same way."""

    field: str
    before: str | None
    after: str | None
    events: int


class LeftOutRows(Answer):
    """Rows that the feed leaves out, by reason."""

    reason: str
    rows: int
    names: list[str]


class ChangedCount(Answer):
    """A count that is revised, with the reason. A null value with a status says that there is no count."""

    indicator: str
    mission: str
    dimensions: dict[str, str]
    period_start: date
    period_end: date
    previous_value: float | None
    previous_status: str | None
    value: float | None
    status: str
    note: str | None


class EventsAnswer(Answer):
    """The report on an export. `batch_id` is null if it added nothing, and in a preview. Lists have the first entries only."""

    dry_run: bool
    file_name: str
    feed: str
    batch_id: int | None
    row_count: int
    new: int
    changed: int
    unchanged: int
    older: int
    withdrawn: int
    duplicates: int
    conflicts: int
    unreadable: int
    left_out: int
    sha256: str
    exported_at: datetime | None
    text: str
    unreadable_rows: list[UnreadableRow]
    faults: list[FaultyRow]
    changes: list[ChangedField]
    left_out_rows: list[LeftOutRows]
    new_counts: int
    revised_counts: int
    changed_counts: list[ChangedCount]
    started: list[str] = Field(description="Breaches of thresholds that the load would start; empty for a load.")
    cleared: list[str] = Field(description="Breaches of thresholds that the load would clear; empty for a load.")
    digest: str | None = Field(description="Digest of a preview, to confirm it by a load with this digest; null for a load.")
    notes: list[str]
    delays: list[str]


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the route of loads of events."""
    folder = application.settings.data_dir / "tmp"

    @routes.post("/events")
    @writes(application, Right.LOAD, hash_upload)
    def load_events() -> Response:
        query = read_parameters(EventsLoadQuery)
        check_digest(query.dry_run, query.digest)
        upload = find_upload()
        name = read_name(upload)
        interrupt = Interrupt(request.environ.get("waitress.client_disconnected", is_never_abandoned))
        with store_upload(upload, folder, application.settings.load_max_bytes) as file:
            requested = EventsRequest.model_validate({"file": file, "name": name, **query.model_dump()})
            report = make_client(application).load_events(requested, ignore_progress, interrupt)
        return send(_describe(report), 201 if report.batch_id is not None else 200)


def _describe(report: EventReport) -> EventsAnswer:
    return EventsAnswer(
        dry_run=report.is_preview,
        file_name=report.file_name,
        feed=report.feed,
        batch_id=report.batch_id,
        row_count=report.row_count,
        new=report.new,
        changed=report.changed,
        unchanged=report.unchanged,
        older=report.older,
        withdrawn=report.withdrawn,
        duplicates=report.duplicates,
        conflicts=report.conflicts,
        unreadable=report.unreadable_count,
        left_out=report.left_out_count,
        sha256=report.sha256,
        exported_at=report.exported_at,
        text=str(report),
        unreadable_rows=[
            UnreadableRow(row=row.row, column=row.column, value=row.value, problem=row.problem, fix=row.fix)
            for row in report.unreadable
        ],
        faults=[
            FaultyRow(row=fault.row, fault=fault.fault, event_id=fault.event_id, problem=fault.problem)
            for fault in report.faults
        ],
        changes=[ChangedField(**asdict(change)) for change in report.changes],
        left_out_rows=[LeftOutRows(reason=entry.reason, rows=entry.rows, names=list(entry.names)) for entry in report.left_out],
        new_counts=report.counts.new if report.counts else 0,
        revised_counts=report.counts.revised if report.counts else 0,
        changed_counts=[ChangedCount(**asdict(change)) for change in report.counts.changes] if report.counts else [],
        started=list(map(str, report.breaches.started)) if report.breaches else [],
        cleared=list(map(str, report.breaches.cleared)) if report.breaches else [],
        digest=report.digest,
        notes=list(report.notes),
        delays=list(report.delays),
    )
