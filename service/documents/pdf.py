"""A cycle as PDF, written by Typst, which brings its fonts: reproducible and tagged for screen readers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime

from service.documents.document import Document
from service.errors import ReportError
from service.settings import TREE
from service.system.time_limit import check_time, left_seconds

PDF_SECONDS = 60.0


def render_pdf(document: Document, made_at: datetime) -> bytes:
    """Return the document as PDF/UA-1. `made_at`, the time of its snapshot, is the creation time in the file.

    Typst runs in a separate process, since it cannot be interrupted otherwise. Raises ReportError when it fails, and
    TimeLimitPassed.
    """
    request = json.dumps({"document": asdict(document), "timestamp": int(made_at.timestamp())})
    try:
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-m", "service.documents.typst_process"],
            input=request.encode(),
            capture_output=True,
            cwd=TREE,
            env={},
            timeout=left_seconds(PDF_SECONDS),
        )
    except subprocess.TimeoutExpired:
        check_time()
        raise ReportError(f"the PDF was not written within {PDF_SECONDS:g} s; export HTML or XLSX") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ReportError(f"the PDF could not be written: {lines[-1] if lines else 'Typst ended'}")
    return done.stdout
