"""Reads the rows of a template in the process that reads workbooks: each sheet with the columns of a template, in any order."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import IO, Any

import openpyxl  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter, range_boundaries  # type: ignore[import-untyped]

from service.queries.sandbox.workbook import (
    ERRORS,
    Refused,
    is_moment,
    lacks_stored_value,
    list_merged,
    list_rows,
    name_cell,
    write_text,
)
from service.rounds.template_format import (
    BREAKDOWN,
    HEADER_KEYS,
    ID,
    IDENTITY_COLUMNS,
    IDENTITY_SHEET,
    INPUT_COLUMNS,
    INSTRUCTIONS,
    INSTRUCTIONS_TITLE,
    NEEDED_COLUMNS,
    NOTE,
    STATUS,
    TITLE,
    VALUE,
    VERSION,
    TemplateIdentity,
    make_id,
)

# Rows of a sheet in which the header is looked for.
MAX_HEADER_ROW = 10
MAX_COLUMNS = 100
MAX_SHOWN = 200
# The maximum of Excel.
MAX_TEXT = 32_767
# A row of the result: of the hidden sheet (identity), of a sheet (cell), or an error of one cell (fault).
RECORD = (
    "kind", "sheet", "row", "id", "title", "breakdown", "value_kind", "value", "status", "note",
    "indicator", "dimensions", "period_start", "period_end", "unit", "column_name", "problem", "fix",
)  # fmt: skip
# A spreadsheet adds a number to the name of a copied sheet.
_IDENTITY_NAME = re.compile(rf"{IDENTITY_SHEET}(_\d+| \(\d+\))?")
DOWNLOAD = "download the template again and copy the values into it"


@dataclass(frozen=True)
class Identity:
    """The hidden sheet of a template."""

    round: TemplateIdentity
    sheet: Any


def find_identity(book: Any) -> Identity | None:
    """Return the hidden sheet of a template, or None for another workbook. Raises Refused for a damaged one or several."""
    found: dict[TemplateIdentity, Identity] = {}
    for sheet in book.worksheets:
        if _IDENTITY_NAME.fullmatch(sheet.title):
            identity = _read_round(sheet)
            found.setdefault(identity, Identity(identity, sheet))
    if len(found) > 1:
        rounds = " and ".join(f"{entry.mission}, cycle {entry.cycle}" for entry in found)
        raise Refused(f"contains two templates ({rounds}); send one file for each")
    if not found and _has_instructions(book):
        raise Refused(f"is a template without its hidden sheet {IDENTITY_SHEET!r}; {DOWNLOAD}")
    return next(iter(found.values()), None)


def _has_instructions(book: Any) -> bool:
    sheet = next((sheet for sheet in book.worksheets if sheet.title == INSTRUCTIONS), None)
    if sheet is None:
        return False
    _, first = next(list_rows(sheet, 1), (1, ("",)))
    return str(first[0]).startswith(INSTRUCTIONS_TITLE)


def _read_round(sheet: Any) -> TemplateIdentity:
    rows = islice(list_rows(sheet, 2), len(HEADER_KEYS))
    header = {write_text(values[0]): write_text(values[1]) for _, values in rows}
    if tuple(header) != HEADER_KEYS or not header["cycle"].isdecimal() or len(header["cycle"]) > 9:
        raise Refused(f"is a template whose hidden sheet {sheet.title!r} was changed; {DOWNLOAD}")
    if header["version"] != VERSION:
        raise Refused(f"is a template of another version of the service; {DOWNLOAD}")
    return TemplateIdentity(header["mission"], int(header["cycle"]), header["catalogue"])


def convert_template(
    stream: IO[bytes], book: Any, identity: Identity, has_formulas: bool, target: IO[str]
) -> dict[str, object]:
    """Write the rows of a template as RECORDs. Return its round, its sheets with the letters of their columns, and notes.

    Raises Refused for a workbook whose rows cannot be identified.
    """
    writer = csv.DictWriter(target, RECORD, restval="", lineterminator="\n")
    writer.writeheader()
    ids = set()
    for values in _list_identities(identity):
        ids.add(values[ID])
        writer.writerow({"kind": "identity", **values})
    formulas = None
    if has_formulas:
        stream.seek(0)
        formulas = openpyxl.load_workbook(stream, read_only=True)
    sheets: dict[str, dict[str, str]] = {}
    notes: list[str] = []
    for sheet in book.worksheets:
        if _IDENTITY_NAME.fullmatch(sheet.title):
            continue
        reader = _SheetReader(stream, sheet, formulas[sheet.title] if formulas else None, len(sheets))
        for record in reader.list_records(ids):
            writer.writerow(record)
        if reader.columns:
            sheets[sheet.title] = reader.letters
        elif sheet.title != INSTRUCTIONS:
            notes.append(f"sheet {sheet.title!r} was not read: it has no columns {', '.join(NEEDED_COLUMNS)}")
    if not sheets:
        raise Refused(f"is a template without a sheet that has the columns {', '.join(NEEDED_COLUMNS)}; {DOWNLOAD}")
    return {"template": asdict(identity.round), "sheets": sheets, "notes": notes}


def _list_identities(identity: Identity) -> Iterator[dict[str, str]]:
    """Yield each row of the hidden sheet. Raises Refused when it was changed."""
    changed = f"is a template whose hidden sheet {identity.sheet.title!r} was changed; {DOWNLOAD}"
    rows = islice(list_rows(identity.sheet, len(IDENTITY_COLUMNS)), len(HEADER_KEYS), None)
    if tuple(next(rows, (0, ()))[1]) != IDENTITY_COLUMNS:
        raise Refused(changed)
    for _, row in rows:
        texts = [write_text(value) for value in row]
        if not any(texts):
            continue
        if any(len(text) > MAX_TEXT for text in texts):
            raise Refused(changed)
        values = dict(zip(IDENTITY_COLUMNS, texts, strict=True))
        named = [values[name] for name in ("indicator", "dimensions", "period_start", "period_end")]
        if values[ID] != make_id(identity.round.mission, named[0], named[1], named[2], named[3]):
            raise Refused(changed)
        yield values


class _SheetReader:
    """A sheet of a template being read. `columns` has the position of each column, and is empty if there is no header."""

    def __init__(self, stream: IO[bytes], sheet: Any, formulas: Any, ordinal: int) -> None:
        self._stream = stream
        self._sheet = sheet
        self._formulas = formulas
        self._ordinal = ordinal
        self.columns: dict[str, int] = {}

    @property
    def letters(self) -> dict[str, str]:
        """The letters of the columns by the names that errors have."""
        return {name: get_column_letter(position + 1) for name, position in self.columns.items()}

    def list_records(self, ids: set[str]) -> Iterator[dict[str, object]]:
        """Yield the rows that are identified or filled in, and the errors of cells."""
        header_row = self._find_header(ids)
        if not header_row:
            return
        width = 1 + max(self.columns.get(name, 0) for name in (*NEEDED_COLUMNS, TITLE, BREAKDOWN))
        # Reading values takes half the time of reading cells. Cells are read only if a formula may lack its stored value.
        formula_rows = iter(()) if self._formulas is None else list_rows(self._formulas, width, values_only=False)
        for row, cells in list_rows(self._sheet, width, values_only=self._formulas is None):
            _, formula_cells = next(formula_rows, (row, ()))
            if row > header_row:
                values = cells if self._formulas is None else [cell.value for cell in cells]
                yield from self._read_row(row, values, cells, formula_cells)
        yield from self._list_merged(header_row)

    def _find_header(self, ids: set[str]) -> int:
        """Return the row of the header, or 0 without one. Raises Refused for rows of a template that have none above them."""
        for row, values in list_rows(self._sheet, MAX_COLUMNS):
            if row <= MAX_HEADER_ROW and self._find_columns(row, values):
                return row
            if any(isinstance(value, str) and value in ids for value in values):
                raise Refused(
                    f"has rows of the template in sheet {self._sheet.title!r}, row {row}, below no header "
                    f"with the columns {', '.join(NEEDED_COLUMNS)}; restore the header, or {DOWNLOAD}"
                )
        return 0

    def _find_columns(self, row: int, values: Sequence[Any]) -> bool:
        names = [" ".join(value.lower().split()) if isinstance(value, str) else "" for value in values]
        # One may be renamed, which is an error.
        if len(set(NEEDED_COLUMNS) & set(names)) < len(NEEDED_COLUMNS) - 1:
            return False
        for name in NEEDED_COLUMNS:
            if names.count(name) != 1:
                problem = "has two columns" if name in names else "lacks the column"
                raise Refused(f"{problem} {name!r} in row {row} of sheet {self._sheet.title!r}; restore the header")
        self.columns = {name: position for position, name in enumerate(names) if name}
        return True

    def _read_row(
        self, row: int, values: Sequence[Any], cells: Sequence[Any], formula_cells: Sequence[Any]
    ) -> Iterator[dict[str, object]]:
        def read(column: str) -> Any:
            position = self.columns.get(column, MAX_COLUMNS)
            value = values[position] if position < len(values) else None
            if isinstance(value, str) and len(value) > MAX_TEXT:
                place = name_cell(self._sheet.title, row, position + 1)
                raise Refused(f"has a text of more than {MAX_TEXT:,} characters in {place}; shorten it")
            return None if isinstance(value, str) and not value.strip() else value

        found = {column: read(column) for column in INPUT_COLUMNS}
        identity = read(ID)
        record: dict[str, object] = {"kind": "cell", "sheet": self._ordinal, "row": row, ID: write_text(identity)}
        has_fault = False
        for column, value in found.items():
            position = self.columns[column]
            fault = _find_fault(column, value)
            if position < len(formula_cells) and lacks_stored_value(cells[position], formula_cells[position]):
                fix = "open the file in Excel and save it, or type the result"
                fault = (str(formula_cells[position].value)[:MAX_SHOWN], "is a formula without a stored result", fix)
            if fault:
                has_fault = True
                found[column] = None
                yield self._make_fault(row, column, *fault)
        if identity is None and not has_fault and not any(value is not None for value in found.values()):
            return
        kind = "boolean" if isinstance(found[VALUE], bool) else "text" if isinstance(found[VALUE], str) else "number"
        yield {
            **record, "title": write_text(read(TITLE)), "breakdown": write_text(read(BREAKDOWN)), "value_kind": kind,
            VALUE: write_text(found[VALUE]), STATUS: write_text(found[STATUS]), NOTE: write_text(found[NOTE]),
        }  # fmt: skip

    def _make_fault(self, row: int, column: str, value: str, problem: str, fix: str) -> dict[str, object]:
        return {
            "kind": "fault", "sheet": self._ordinal, "row": row, "column_name": column, "value": value, "problem": problem,
            "fix": fix,
        }  # fmt: skip

    def _list_merged(self, header_row: int) -> Iterator[dict[str, object]]:
        self._stream.seek(0)
        inputs = {self.columns[column] + 1: column for column in NEEDED_COLUMNS}
        for reference in list_merged(self._stream, self._sheet._worksheet_path):
            first_column, first_row, last_column, last_row = range_boundaries(reference)
            covered = [name for position, name in inputs.items() if first_column <= position <= last_column]
            if covered and last_row > header_row:
                row = max(first_row, header_row + 1)
                fix = "unmerge the cells and fill in each row"
                yield self._make_fault(row, covered[0], reference, "is a range of merged cells", fix)


def _find_fault(column: str, value: object) -> tuple[str, str, str] | None:
    """Return value, problem and fix of a cell that cannot be read, or None."""
    if isinstance(value, str) and value in ERRORS:
        return value, "is an error of a formula", "correct the formula, or type the result"
    if column == VALUE and is_moment(value):
        return write_text(value), "is a date or a time", "format the cell as a number and type the value again"
    return None
