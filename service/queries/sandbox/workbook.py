"""What the modes of the process that reads workbooks have in common: refusals, checks of the archive, and text of cells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import IO, Any

from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]
from openpyxl.worksheet._reader import WorkSheetParser  # type: ignore[import-untyped]

# A sheet of a million rows and ten columns unpacks to some 500 MB, at a ratio of 5 to 50.
UNPACKED_BYTES = 1 << 30
MAX_RATIO = 400
RATIO_FROM_BYTES = 10 << 20
CHUNK_BYTES = 1 << 20
ERRORS = frozenset(["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"])
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]{1,3}\d{1,7}(?::[A-Z]{1,3}\d{1,7})?)"')
# Longer than the element of a range of merged cells, or the beginning of a formula.
_OVERLAP = 200


class Refused(Exception):
    """A rejected workbook; the message has the reason and the fix."""


def check_archive(stream: IO[bytes], max_bytes: int = UNPACKED_BYTES) -> bool:
    """Raise Refused for an archive that is not a workbook or is too large unpacked. Return whether a sheet has formulas."""
    with zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if "xl/workbook.bin" in names:
            raise Refused("is a binary workbook (.xlsb); save it as .xlsx")
        if any(name.endswith("vbaProject.bin") for name in names):
            raise Refused("contains macros; save it as .xlsx without macros")
        if "xl/workbook.xml" not in names:
            raise Refused("is a ZIP archive but not an Excel workbook; unpack it, or save the sheet as .xlsx or CSV")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > max_bytes:
            raise Refused(f"unpacks to {unpacked / 1e9:.1f} GB, more than {max_bytes / 1e9:.1f} GB; save the sheet as CSV")
        for entry in entries:
            if entry.file_size > RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
                raise Refused(
                    f"contains {entry.filename}, which unpacks to more than {MAX_RATIO} times its size; save it as CSV"
                )
        return any(_has_formula(archive, name) for name in names if name.startswith("xl/worksheets/"))


def _has_formula(archive: zipfile.ZipFile, name: str) -> bool:
    tail = b""
    with archive.open(name) as sheet:
        while chunk := sheet.read(CHUNK_BYTES):
            text = tail + chunk
            if b"<f>" in text or b"<f " in text or b":f>" in text or b":f " in text:
                return True
            tail = text[-4:]
    return False


def list_rows(sheet: Any, max_column: int, values_only: bool = True) -> Iterator[tuple[int, Sequence[Any]]]:
    """Yield the number and the first cells of each row of the file, in their order.

    openpyxl 3.1 also yields the rows that are not in the file: a million for a file of LibreOffice, which has the last row.
    """
    book = sheet.parent
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source, sheet._shared_strings, data_only=book.data_only, epoch=book.epoch,
            date_formats=book._date_formats, timedelta_formats=book._timedelta_formats,
        )  # fmt: skip
        for number, cells in parser.parse():
            if cells:
                yield number, sheet._get_row(cells, 1, max_column, values_only)


def list_merged(stream: IO[bytes], name: str) -> list[str]:
    """Return the ranges of merged cells of a sheet, such as J5:J7. openpyxl does not read them in its read-only mode."""
    found: dict[bytes, None] = {}
    tail = b""
    with zipfile.ZipFile(stream) as archive, archive.open(name) as sheet:
        while chunk := sheet.read(CHUNK_BYTES):
            text = tail + chunk
            found |= dict.fromkeys(_MERGED.findall(text))
            tail = text[-_OVERLAP:]
    return [reference.decode() for reference in found]


def name_cell(sheet: str, row: int, column: int) -> str:
    """Return the name of a cell in messages."""
    return f"cell {get_column_letter(column)}{row} of sheet {sheet!r}"


def write_text(value: object) -> str:
    """Return the value of a cell as text: numbers with a decimal point, dates as YYYY-MM-DD, 1 and 0 for true and false."""
    match value:
        case None:
            return ""
        case str() if "\r" in value:
            # Line ends of other programs. CSV readers take a carriage return for the end of a row.
            return value.replace("\r\n", "\n").replace("\r", "\n")
        case bool():
            return str(int(value))
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


def is_moment(value: object) -> bool:
    """Return whether openpyxl has read a number as a date, a time or a duration, by the format of its cell."""
    return isinstance(value, date | time | timedelta)


def lacks_stored_value(cell: Any, formula: Any) -> bool:
    """Return whether a cell has a formula without a stored value. `cell` is read with values, `formula` with formulas."""
    # The stored value of a formula that returns an empty text has the type text.
    return bool(formula.data_type == "f" and cell.value is None and cell.data_type != "str")
