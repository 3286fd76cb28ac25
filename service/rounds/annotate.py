"""The uploaded workbook with a comment on each faulty cell."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence

from service.errors import RowError
from service.loading.readers.workbook_process import run_workbook_process


def annotate(workbook: bytes, errors: Sequence[RowError], file_name: str) -> bytes:
    """Return a workbook with a comment and a red fill on each cell with an error. Errors without a cell are skipped.

    Content that openpyxl does not keep is lost, such as pictures. Raises LoadError for a workbook that cannot be read or is too
    large, and as `check_time` does.
    """
    marks = [[error.sheet, error.cell, _write_comment(error)] for error in errors if error.sheet and error.cell]
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(json.dumps(marks).encode() + b"\n" + workbook)
        source.seek(0)
        run_workbook_process(source, file_name, target, "annotate")
        target.seek(0)
        return target.read()


def _write_comment(error: RowError) -> str:
    value = f"{error.value!r} " if error.value else "The cell "
    sentence = f"{value}{error.problem}."
    return f"{sentence}\n{error.fix[:1].upper()}{error.fix[1:]}."
