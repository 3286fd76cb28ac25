"""A cycle in one of its formats."""

from __future__ import annotations

from datetime import datetime

import duckdb

from service.documents.document import Document, write_document
from service.documents.html import render_html
from service.documents.pdf import render_pdf
from service.documents.report import CycleReport, read_cycle
from service.documents.xlsx import render_xlsx
from service.errors import WarehouseError
from service.snapshots.read_copy import ReadCopy
from service.system.progress import Progress, ignore_progress
from service.warehouse.definitions import Definitions

# The formats, each with its media type.
FORMATS = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def render_cycle(
    report: CycleReport, kind: str, document: Document | None = None, progress: Progress = ignore_progress
) -> bytes:
    """Return a cycle as a file of one of FORMATS. The same snapshot gives the same bytes.

    `document` is its document if it was already made; otherwise it is made here if needed.
    """
    if kind == "xlsx":
        return render_xlsx(report)
    document = document or write_document(report, progress)
    return render_pdf(document, report.snapshot.made_at) if kind == "pdf" else render_html(document)


def open_cycle(
    copy: ReadCopy, cycle: int, known_at: datetime | None = None, definitions: Definitions | None = None
) -> CycleReport:
    """Return a cycle as `read_cycle` does. Raises WarehouseError for a copy of an older service."""
    try:
        return read_cycle(copy, cycle, known_at, definitions)
    except duckdb.CatalogException:
        raise WarehouseError(
            "the read copy is of an older version of the service; make a new one with 'a4p snapshot'"
        ) from None


def name_file(cycle: int, kind: str) -> str:
    """Return the file name of a cycle."""
    return f"a4p-cycle-{cycle}.{kind}"
