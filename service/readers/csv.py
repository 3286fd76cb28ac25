"""Reads CSV files: finds encoding and delimiter, refuses what is no table, and leaves the parsing to DuckDB."""

from __future__ import annotations

import codecs
import csv
import glob
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

import duckdb

from service.errors import LoadError, RowError
from service.readers.columns import IGNORED, KNOWN, check_columns, select_staged
from service.warehouse import Connection, run_sql

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 16
MAX_LINE_BYTES = 1 << 20
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

csv.field_size_limit(MAX_LINE_BYTES)


def stage_csv(cursor: Connection, file: Path, file_name: str, file_ordinal: int) -> None:
    """Append the rows of a CSV file to `staged`. Raises LoadError where it is no table of observations."""
    with file.open("rb") as stream:
        head = stream.read(SAMPLE_BYTES)
    with ExitStack() as stack:
        if head.startswith(UTF16_MARKS):
            file = _transcode_utf16(file, file_name, stack)
            with file.open("rb") as stream:
                head = stream.read(SAMPLE_BYTES)
        delimiter, columns = _read_header(head, file_name)
        check_columns(file_name, columns)
        _stage_rows(cursor, file, file_name, file_ordinal, delimiter, columns)
        _check_rows(cursor, file, file_name, file_ordinal, delimiter, len(columns))


def _transcode_utf16(file: Path, file_name: str, stack: ExitStack) -> Path:
    copy = stack.enter_context(tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv"))  # noqa: SIM115
    try:
        with file.open(encoding="utf-16", newline="") as stream:
            while text := stream.read(1 << 20):
                copy.write(text)
    except UnicodeError as error:
        raise LoadError(f"{file_name} begins as UTF-16 but is not ({error}); save it as CSV in UTF-8") from None
    copy.flush()
    return Path(copy.name)


def _read_header(head: bytes, file_name: str) -> tuple[str, list[str]]:
    """Return the delimiter and column names of the first line: the delimiter is the one that makes known names."""
    if b"\0" in head:
        raise LoadError(f"{file_name} is not a text file; load CSV (UTF-8) or Parquet")
    lines = head.removeprefix(codecs.BOM_UTF8).splitlines()
    try:
        line = lines[0].decode("utf-8") if lines else ""
    except UnicodeDecodeError:
        raise LoadError(f"{file_name}, row 1: is not UTF-8 text; save the file as CSV in UTF-8") from None
    if not line.strip():
        raise LoadError(f"{file_name}, row 1: is empty; the first line must be the header {','.join(KNOWN)}")
    readings = {
        delimiter: [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])] for delimiter in DELIMITERS
    }
    delimiter = max(readings, key=lambda candidate: len(set(readings[candidate]) & set(KNOWN)))
    if not set(readings[delimiter]) & set(KNOWN):
        raise LoadError(
            f"{file_name}, row 1: no known column in {line[:80]!r}; "
            f"the first line must be the header {','.join(KNOWN)}, parted by a comma, semicolon, tab or |"
        )
    return delimiter, readings[delimiter]


def _stage_rows(cursor: Connection, file: Path, file_name: str, file_ordinal: int, delimiter: str, columns: list[str]) -> None:
    names = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    used = [column for column in columns if column not in IGNORED]
    blank = " and ".join(f"{column} is null" for column in used)
    try:
        cursor.execute(
            f"""
            insert into staged
            with lines as (
                select row_number() over () + 1 as file_row, *
                from read_csv($file, columns = {{{names}}}, header = true, delim = $delimiter, quote = '"', escape = '"',
                    auto_detect = false, nullstr = '', max_line_size = {MAX_LINE_BYTES}, strict_mode = true,
                    compression = 'none', hive_partitioning = false)
            )
            select $file_ordinal, file_row, {select_staged(used, map_dimensions=False)}
            from lines
            where not ({blank})
            """,
            {"file": glob.escape(str(file.absolute())), "delimiter": delimiter, "file_ordinal": file_ordinal},
        )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise _tell_csv_error(error, file_name, len(columns)) from None


def _check_rows(cursor: Connection, file: Path, file_name: str, file_ordinal: int, delimiter: str, column_count: int) -> None:
    """Raise LoadError for a row with too many columns, and number the staged rows as a spreadsheet does.

    DuckDB skips blank lines without counting them and, before 2.0, drops empty columns too many: a row that ends in
    `Report, cycle 5,12,` for `"Report, cycle 5",12,` would be loaded one column off. Both show in how many delimiters
    and line ends the file has; only where these do not fit what was staged is it read again row by row.
    """
    delimiters, lines, last = 1 - column_count, -1, b""
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            delimiters += chunk.count(delimiter.encode())
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    staged = run_sql(
        cursor, "load/count_marks", file_ordinal=file_ordinal, delimiter=delimiter, column_count=column_count
    ).fetchone()
    if staged == (delimiters, lines + (last != b"\n")):
        return
    rows = []
    with file.open(encoding="utf-8-sig", newline="") as stream:
        for row, values in enumerate(csv.reader(stream, delimiter=delimiter, skipinitialspace=True), 1):
            if len(values) > column_count:
                raise _tell_width(file_name, row, len(values), column_count)
            if values:
                rows.append(row)
    if rows[-1] > len(rows):
        cursor.execute(
            "update staged set file_row = coalesce($rows[file_row], file_row) where file_ordinal = $file_ordinal",
            {"rows": rows, "file_ordinal": file_ordinal},
        )


def _tell_width(file_name: str, row: int, found: int, expected: int) -> LoadError:
    problem = f"has {found} columns where the header has {expected}"
    mend = "mend the row; a value that holds the delimiter must stand in double quotes"
    return LoadError(f"{file_name} was not loaded", (RowError(file_name, row, "(row)", "", problem, mend),), 1)


def _tell_csv_error(error: duckdb.Error, file_name: str, column_count: int) -> LoadError:
    text = str(error)
    line = re.search(r"on Line: (\d+)", text, re.IGNORECASE)
    row = int(line[1]) if line else 1
    if expected := re.search(r"Expected Number of Columns: \d+ Found: (\d+)", text):
        return _tell_width(file_name, row, int(expected[1]), column_count)
    # The text quotes the line, whatever it holds, so only DuckDB's own sentences tell the cause.
    if "Invalid unicode" in text:
        problem, mend = "is not UTF-8 text", "save the file as CSV in UTF-8"
    elif "Maximum line size" in text:
        problem, mend = "is longer than 1 MB", "check that the line ends and quotes are right"
    elif "unterminated quote" in text:
        problem, mend = "has a quote that is not closed", 'close it; a quote within a value is written twice: ""'
    else:
        problem, mend = f"cannot be read ({text.splitlines()[0]})", "check delimiter, quotes and line ends"
    return LoadError(f"{file_name} was not loaded", (RowError(file_name, row, "(row)", "", problem, mend),), 1)
