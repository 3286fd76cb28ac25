"""Stages the rows of a template, which the process that reads workbooks has written as CSV."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metrics.values import LEVELS
from service.loading.readers.row_budget import RowBudget
from service.loading.readers.staged_file import StagedFile
from service.rounds.template_format import NOTE, VALUE, YES_AND_NO, TemplateIdentity, name_source
from service.warehouse.database import Connection, run_sql

MAX_NOTES = 20
# The number of each choice, by unit and choice.
WORDS = {
    **dict(zip((f"boolean {word}" for word in YES_AND_NO), (1.0, 0.0), strict=True)),
    **{f"level {text}": value for value, text in LEVELS.items()},
}


def stage_template(
    cursor: Connection, records: Path, file_name: str, file_ordinal: int, reply: dict[str, Any], budget: RowBudget
) -> StagedFile:
    """Append the filled rows of a template to `staged`, its unreadable cells to `load_errors`. Return how it was read.

    `records` and `reply` are those of the process that reads workbooks. Raises LoadError when the template has more rows than
    `budget` has left.
    """
    identity = TemplateIdentity(**reply["template"])
    sheets: dict[str, dict[str, str]] = reply["sheets"]
    run_sql(
        cursor,
        "load/stage_template",
        file=glob.escape(str(records)),
        file_ordinal=file_ordinal,
        sheets=list(sheets),
        words=list(WORDS),
        numbers=list(WORDS.values()),
        mission=identity.mission,
        cycle=identity.cycle,
        source=name_source(identity.mission, identity.cycle),
    )
    (rows,) = cursor.execute("select count(*) from staged where file_ordinal = ?", [file_ordinal]).fetchone() or (0,)
    budget.check_rows(file_name, rows)
    budget.take(rows)
    notes = run_sql(
        cursor,
        "load/list_template_notes",
        catalogue_digest=identity.catalogue_digest,
        sheets=list(sheets),
        value_letters=[letters[VALUE] for letters in sheets.values()],
        note_letters=[letters[NOTE] for letters in sheets.values()],
    ).fetchall()
    named = _name_columns(sheets)
    return StagedFile(file_name, (*reply["notes"], *_shorten([note for (note,) in notes])), named, True, identity)


def _name_columns(sheets: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the letters of the columns by the names that checks of rows have."""
    return {
        sheet: {**letters, "dimensions": letters.get("breakdown") or letters.get("indicator", "")}
        for sheet, letters in sheets.items()
    }


def _shorten(notes: Sequence[str]) -> list[str]:
    shown = list(notes[:MAX_NOTES])
    return [*shown, f"{len(notes) - MAX_NOTES:,} more values were read from text"] if len(notes) > MAX_NOTES else shown
