"""A cycle as PDF, set by Typst: one package with its own fonts, the same bytes for the same document, tagged for readers."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import typst

from service.report.document import Document
from service.settings import find_in_tree


def render_pdf(document: Document, made_at: datetime) -> bytes:
    """Return the document as PDF/UA-1; `made_at`, the time of its snapshot, is the time written into the file."""
    template = (find_in_tree("service") / "report" / "templates" / "cycle.typ").read_bytes()
    pdf = typst.compile(
        template,
        format="pdf",
        sys_inputs={"document": json.dumps(asdict(document))},
        ignore_system_fonts=True,
        timestamp=int(made_at.timestamp()),
        pdf_standards="ua-1",
    )
    assert isinstance(pdf, bytes)
    return pdf
