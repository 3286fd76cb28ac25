"""Loads in the API: an uploaded file is checked and loaded, or previewed, as by `a4p load`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from flask import Blueprint, Response, request
from pydantic import Field

from service.access.roles import Right
from service.application import Application
from service.loading.interrupt import Interrupt
from service.loading.report import Batch, Preview
from service.loading.request import DIGEST_PATTERN, LoadRequest
from service.system.progress import ignore_progress
from service.system.time_limit import is_never_abandoned
from service.web.api.queries import Flag
from service.web.api.uploads import PREFIX, check_digest, find_upload, hash_upload, read_name, store_upload
from service.web.api.writing import Answer, Given, make_client, read_parameters, send, writes


class LoadQuery(Given):
    """How a file is loaded."""

    dry_run: Flag = Field(False, description="Return the preview: what the load would change. Nothing is loaded.")
    sheet: str | None = Field(
        None, min_length=1, max_length=100, description="Sheet to read of a workbook; default: the first."
    )
    digest: str | None = Field(
        None,
        pattern=DIGEST_PATTERN,
        description="Digest of a preview. The load does exactly what was previewed; otherwise the answer is 409.",
    )


class CountedCells(Answer):
    """The cells of a file. Removed: a status O, L or M replaces a value. Ignored: the file was loaded before."""

    new: int
    changed: int
    removed: int
    unchanged: int
    ignored: int


class FoundCell(Answer):
    """A cell that violates a validation rule. High blocks a submission; medium needs a comment unless its row has a note."""

    rule: str
    severity: Literal["high", "medium", "low"]
    file_name: str
    row: int | None
    indicator: str
    mission: str
    dimensions: dict[str, str]
    period: str
    message: str
    action: str
    needs_comment: bool


class LoadedFile(Answer):
    """The report on a file. `batch_id` is null if it added nothing, and in a preview. `changes` lists changed cells."""

    file_name: str
    batch_id: int | None
    row_count: int
    new_observations: int
    revisions: int
    unchanged: int
    cells: CountedCells
    loaded_before_at: datetime | None
    sha256: str
    text: str
    changes: list[str]
    warnings: list[str]
    warning_count: int
    notes: list[str]
    delays: list[str]


class LoadAnswer(Answer):
    """The report on a load; of a preview also the breaches of thresholds that would start or end, and up to 1,000 findings."""

    dry_run: bool
    files: list[LoadedFile]
    started: list[str]
    cleared: list[str]
    findings: list[FoundCell]
    digest: str | None = Field(description="Digest of a preview, to confirm it by a load with this digest; null for a load.")


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the route of loads. Files that an earlier process left behind are deleted."""
    folder = application.settings.data_dir / "tmp"
    for left in folder.glob(f"{PREFIX}*"):
        left.unlink(missing_ok=True)

    @routes.post("/loads")
    @writes(application, Right.LOAD, hash_upload)
    def load_file() -> Response:
        query = read_parameters(LoadQuery)
        check_digest(query.dry_run, query.digest)
        upload = find_upload()
        name = read_name(upload)
        client = make_client(application)
        interrupt = Interrupt(request.environ.get("waitress.client_disconnected", is_never_abandoned))
        with store_upload(upload, folder, application.settings.load_max_bytes) as file:
            requested = LoadRequest.model_validate(
                {"files": [file], "names": [name], "sheet": query.sheet, "digest": query.digest}
            )
            if query.dry_run:
                preview = client.preview(requested, ignore_progress, interrupt)
                return send(_describe(preview.batches, preview))
            batches = client.load(requested, ignore_progress, interrupt)
        return send(_describe(batches), 201 if any(batch.batch_id is not None for batch in batches) else 200)


def _describe(batches: tuple[Batch, ...], preview: Preview | None = None) -> LoadAnswer:
    files = [
        LoadedFile(
            file_name=batch.file_name,
            batch_id=batch.batch_id,
            row_count=batch.row_count,
            new_observations=batch.new_observations,
            revisions=batch.revisions,
            unchanged=batch.unchanged,
            cells=CountedCells(**asdict(batch.cells)),
            loaded_before_at=batch.loaded_before_at,
            sha256=batch.sha256,
            text=str(batch),
            changes=list(map(str, batch.changes)),
            warnings=list(map(str, batch.warnings)),
            warning_count=batch.warning_count,
            notes=list(batch.notes),
            delays=list(batch.delays),
        )
        for batch in batches
    ]
    return LoadAnswer(
        dry_run=preview is not None,
        files=files,
        started=list(map(str, preview.started)) if preview else [],
        cleared=list(map(str, preview.cleared)) if preview else [],
        findings=[FoundCell(**asdict(finding)) for finding in preview.findings] if preview else [],
        digest=preview.digest if preview else None,
    )
