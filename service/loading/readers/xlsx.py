"""Reads Excel workbooks: a process converts a sheet or a template to CSV, which is then staged."""

from __future__ import annotations

import tempfile
from pathlib import Path

from service.loading.readers.columns import fold_columns
from service.loading.readers.csv import stage_utf8
from service.loading.readers.row_budget import RowBudget
from service.loading.readers.staged_file import StagedFile, name_sheet
from service.loading.readers.template import stage_template
from service.loading.readers.workbook_process import run_workbook_process
from service.warehouse.database import Connection


def stage_xlsx(
    cursor: Connection, file: Path, file_name: str, file_ordinal: int, sheet_name: str | None, budget: RowBudget
) -> StagedFile:
    """Append the rows of a sheet (by default the first), or those of a template, to `staged`. Return how they were read.

    Raises LoadError when it is not a table of observations, has more rows than `budget` has left, or takes more time or
    memory than the process may use.
    """
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        with file.open("rb") as stream:
            reply = run_workbook_process(stream, file_name, copy.file, "convert", sheet_name or "")
        if "template" in reply:
            return stage_template(cursor, Path(copy.name), file_name, file_ordinal, reply, budget)
        columns: dict[str, str] = reply["columns"]
        sheet = str(reply["sheet"])
        letters = dict(zip(fold_columns(list(columns)), columns.values(), strict=True))
        notes = stage_utf8(cursor, Path(copy.name), name_sheet(file_name, sheet), file_ordinal, budget)
    return StagedFile(file_name, notes, {sheet: letters})
