"""Converts one sheet of an Excel workbook to CSV, in a separate process with limits on memory, time and size.

Started by service/loading/readers/xlsx.py as `python -I -m service.queries.sandbox.xlsx_worker SHEET`: the workbook is
standard input, the CSV file standard output, and the last line of standard error is JSON: {"sheet", "columns"} or {"error"}.
Formulas are never computed: their stored values are read. Before it reads the workbook, the process drops access to
sockets, capabilities, programs, and all files except those of Python and its packages.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import sys
import sysconfig
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any

import openpyxl  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

from service.queries.sandbox.isolation import FS_READ, drop_capabilities, restrict_access, set_limits
from service.queries.sandbox.seccomp import deny_sockets_and_processes

# 200,000 rows take 60 MB; each distinct text of a workbook is held in memory once.
MEMORY_BYTES = 512 << 20
CSV_BYTES = 1 << 30
CPU_SECONDS = 100
# A sheet of a million rows and ten columns unpacks to some 500 MB, at a ratio of 5 to 50.
UNPACKED_BYTES = 1 << 30
MAX_RATIO = 400
RATIO_FROM_BYTES = 10 << 20
MAX_COLUMNS = 100
ERRORS = frozenset(["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"])


class Refused(Exception):
    """A rejected workbook; the message has the reason and the fix."""


def limit_process() -> None:
    """Limit memory, processor time and the size of the CSV file."""
    set_limits(
        {
            resource.RLIMIT_AS: MEMORY_BYTES,
            resource.RLIMIT_CPU: CPU_SECONDS,
            resource.RLIMIT_FSIZE: CSV_BYTES,
            resource.RLIMIT_CORE: 0,
        }
    )


def restrict_process() -> None:
    """Leave this process its open files, and read access to Python and its packages. Raises OSError.

    The restrictions apply to threads, and this process has one: it does not import DuckDB, which starts others. Without
    Landlock (kernels before 5.13) it can read the files of the service's user.
    """
    drop_capabilities()
    # Modules are imported late by Python's codecs and by openpyxl.
    packages = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    restrict_access({folder: FS_READ for folder in packages if folder.is_dir()})
    deny_sockets_and_processes()


def check_archive(stream: IO[bytes]) -> bool:
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
        if unpacked > UNPACKED_BYTES:
            raise Refused(f"unpacks to {unpacked / 1e9:.1f} GB, more than {UNPACKED_BYTES / 1e9:.1f} GB; save the sheet as CSV")
        for entry in entries:
            if entry.file_size > RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
                raise Refused(
                    f"contains {entry.filename}, which unpacks to more than {MAX_RATIO} times its size; save it as CSV"
                )
        return any(_has_formula(archive, name) for name in names if name.startswith("xl/worksheets/"))


def _has_formula(archive: zipfile.ZipFile, name: str) -> bool:
    tail = b""
    with archive.open(name) as sheet:
        while chunk := sheet.read(1 << 20):
            text = tail + chunk
            if b"<f>" in text or b"<f " in text or b":f>" in text or b":f " in text:
                return True
            tail = text[-4:]
    return False


def convert(stream: IO[bytes], target: IO[str], sheet_name: str) -> dict[str, object]:
    """Write a sheet (by default the first) as CSV with ; as delimiter. Return its name and the letters of its columns."""
    has_formulas = check_archive(stream)
    book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise Refused("has no worksheet; save the table as a worksheet")
    if sheet_name and sheet_name not in sheets:
        raise Refused(f"has no sheet {sheet_name!r}; it has {', '.join(map(repr, sheets))}")
    sheet = sheets[sheet_name or next(iter(sheets))]
    sheet.reset_dimensions()
    # Reading values takes half the time of reading cells. Cells are read only if a formula may lack its stored value.
    rows = sheet.iter_rows(max_col=MAX_COLUMNS, max_row=1, values_only=True)
    header = [" ".join(_write_value(value, sheet.title, 1, column).split()) for column, value in enumerate(next(rows, ()), 1)]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise Refused(f"has an empty row 1 in sheet {sheet.title!r}; the first row must be the header")
    if has_formulas:
        stream.seek(0)
        _check_formulas(sheet, openpyxl.load_workbook(stream, read_only=True)[sheet.title], len(header))
    writer = csv.writer(target, delimiter=";", lineterminator="\n")
    writer.writerow(header)
    # One column more than the header, to find a value without a header.
    for row, values in enumerate(sheet.iter_rows(min_row=2, max_col=len(header) + 1, values_only=True), 2):
        if values[-1] is not None:
            place = _name_cell(sheet.title, row, len(header) + 1)
            raise Refused(f"has a value in {place}, a column without a header; give it one, or empty the cell")
        writer.writerow([_write_value(value, sheet.title, row, column) for column, value in enumerate(values[:-1], 1)])
    columns = {name: get_column_letter(column) for column, name in enumerate(header, 1)}
    return {"sheet": sheet.title, "columns": columns}


def _name_cell(sheet: str, row: int, column: int) -> str:
    return f"cell {get_column_letter(column)}{row} of sheet {sheet!r}"


def _check_formulas(sheet: Any, formulas: Any, width: int) -> None:
    """Raise Refused for the first formula without a stored value."""
    formulas.reset_dimensions()
    rows = zip(sheet.iter_rows(max_col=width), formulas.iter_rows(max_col=width), strict=False)
    for row, (cells, formula_cells) in enumerate(rows, 1):
        for column, (cell, formula) in enumerate(zip(cells, formula_cells, strict=False), 1):
            # The stored value of a formula that returns an empty text has the type text.
            if formula.data_type == "f" and cell.value is None and cell.data_type != "str":
                place = _name_cell(sheet.title, row, column)
                raise Refused(f"has a formula without a stored value in {place}; open the file in Excel and save it")


def _write_value(value: object, sheet: str, row: int, column: int) -> str:
    match value:
        case None:
            return ""
        case str() if value in ERRORS:
            raise Refused(f"has the error {value} in {_name_cell(sheet, row, column)}; fix the formula")
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


def main() -> None:
    limit_process()
    response: dict[str, object]
    try:
        restrict_process()
    except OSError as error:
        reason = f"was not read, because the process that reads workbooks cannot be restricted ({error}); save the sheet as CSV"
        print(json.dumps({"error": reason}), file=sys.stderr, flush=True)
        return
    try:
        with os.fdopen(0, "rb") as stream, os.fdopen(1, "w", encoding="utf-8", newline="") as target:
            response = convert(stream, target, sys.argv[1])
    except Refused as refused:
        response = {"error": str(refused)}
    except MemoryError:
        response = {"error": f"needs more than {MEMORY_BYTES >> 20} MB of memory to read; save the sheet as CSV"}
    except Exception as error:  # any exception of openpyxl, zipfile or the XML parser
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        response = {"error": f"cannot be read as an Excel workbook ({first_line[:200]}); save it again as .xlsx, or as CSV"}
    print(json.dumps(response), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
