"""Reads Excel workbooks in a separate process with limits on memory, time and size.

Started by service/loading/readers/workbook_process.py as `python -I -m service.queries.sandbox.xlsx_worker MODE [SHEET]`. The
workbook is standard input, the result standard output, and the last line of standard error is JSON: a reply or {"error"}.

    convert    writes a sheet, or the rows of a template, as CSV
    annotate   writes the workbook again, with comments on faulty cells

Formulas are never computed: their stored values are read. Before it reads the workbook, the process drops access to
sockets, capabilities, programs, and all files except those of Python and its packages.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from service.system.imports import disable_optional_imports

if __name__ == "__main__":
    # Before openpyxl, which takes half of its time to import them.
    disable_optional_imports("numpy", "lxml")

import openpyxl  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

from service.queries.sandbox.annotation import annotate
from service.queries.sandbox.isolation import FS_READ, drop_capabilities, restrict_access, set_limits
from service.queries.sandbox.seccomp import deny_sockets_and_processes
from service.queries.sandbox.template_sheets import convert_template, find_identity
from service.queries.sandbox.workbook import (
    ERRORS,
    Refused,
    check_archive,
    lacks_stored_value,
    list_rows,
    name_cell,
    write_text,
)

# 200,000 rows take 60 MB; each distinct text of a workbook is held in memory once.
MEMORY_BYTES = 512 << 20
OUTPUT_BYTES = 1 << 30
CPU_SECONDS = 100
MAX_COLUMNS = 100


def limit_process() -> None:
    """Limit memory, processor time and the size of the result."""
    set_limits(
        {
            resource.RLIMIT_AS: MEMORY_BYTES,
            resource.RLIMIT_CPU: CPU_SECONDS,
            resource.RLIMIT_FSIZE: OUTPUT_BYTES,
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


def convert(stream: IO[bytes], target: IO[bytes], sheet_name: str) -> dict[str, object]:
    """Write a sheet as CSV with ; as delimiter: by default the first, or the rows of a template.

    Return its name and the letters of its columns, or the reply of `convert_template`.
    """
    has_formulas = check_archive(stream)
    book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    with io.TextIOWrapper(target, encoding="utf-8", newline="") as text:
        if not sheet_name and (identity := find_identity(book)):
            return convert_template(stream, book, identity, has_formulas, text)
        return _convert_sheet(stream, book, has_formulas, text, sheet_name)


def _convert_sheet(stream: IO[bytes], book: Any, has_formulas: bool, target: IO[str], sheet_name: str) -> dict[str, object]:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise Refused("has no worksheet; save the table as a worksheet")
    if sheet_name and sheet_name not in sheets:
        raise Refused(f"has no sheet {sheet_name!r}; it has {', '.join(map(repr, sheets))}")
    sheet = sheets[sheet_name or next(iter(sheets))]
    # Reading values takes half the time of reading cells. Cells are read only if a formula may lack its stored value.
    first_row, titles = next(list_rows(sheet, MAX_COLUMNS), (1, ()))
    if first_row > 1:
        titles = ()
    header = [" ".join(_write_value(value, sheet.title, 1, column).split()) for column, value in enumerate(titles, 1)]
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
    written = 1
    for row, values in list_rows(sheet, len(header) + 1):
        if row == 1 or not any(value is not None for value in values):
            continue
        # Blank lines, so that rows have the same numbers.
        writer.writerows([[""] * len(header)] * (row - written - 1))
        written = row
        if values[-1] is not None:
            place = name_cell(sheet.title, row, len(header) + 1)
            raise Refused(f"has a value in {place}, a column without a header; give it one, or empty the cell")
        writer.writerow([_write_value(value, sheet.title, row, column) for column, value in enumerate(values[:-1], 1)])
    columns = {name: get_column_letter(column) for column, name in enumerate(header, 1)}
    return {"sheet": sheet.title, "columns": columns}


def _check_formulas(sheet: Any, formulas: Any, width: int) -> None:
    """Raise Refused for the first formula without a stored value."""
    rows = zip(list_rows(sheet, width, values_only=False), list_rows(formulas, width, values_only=False), strict=True)
    for (row, cells), (_, formula_cells) in rows:
        for column, (cell, formula) in enumerate(zip(cells, formula_cells, strict=False), 1):
            if lacks_stored_value(cell, formula):
                place = name_cell(sheet.title, row, column)
                raise Refused(f"has a formula without a stored value in {place}; open the file in Excel and save it")


def _write_value(value: object, sheet: str, row: int, column: int) -> str:
    if isinstance(value, str) and value in ERRORS:
        raise Refused(f"has the error {value} in {name_cell(sheet, row, column)}; fix the formula")
    return write_text(value)


MODES: dict[str, Callable[..., dict[str, object]]] = {"convert": convert, "annotate": annotate}


def main() -> None:
    mode, *arguments = sys.argv[1:]
    limit_process()
    response: dict[str, object]
    try:
        restrict_process()
    except OSError as error:
        reason = f"was not read, because the process that reads workbooks cannot be restricted ({error}); save the sheet as CSV"
        print(json.dumps({"error": reason}), file=sys.stderr, flush=True)
        return
    try:
        with os.fdopen(0, "rb") as stream, os.fdopen(1, "wb") as target:
            response = MODES[mode](stream, target, *arguments)
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
