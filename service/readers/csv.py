"""Reads CSV files: finds encoding and delimiter, refuses what is no table, and leaves the parsing to DuckDB."""

from __future__ import annotations

import codecs
import csv
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

import duckdb

from service.errors import LoadError, RowError
from service.readers.columns import IGNORED, KNOWN, check_columns, select_staged
from service.warehouse import Connection

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 16
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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
    first_line = head.removeprefix(codecs.BOM_UTF8).splitlines()[0] if head.strip() else b""
    try:
        line = first_line.decode("utf-8")
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
                    auto_detect = false, nullstr = '', max_line_size = 1048576, strict_mode = true, compression = 'none')
            )
            select $file_ordinal, file_row, {select_staged(used, map_dimensions=False)}
            from lines
            where not ({blank})
            """,
            {"file": str(file), "delimiter": delimiter, "file_ordinal": file_ordinal},
        )
    except duckdb.Error as error:
        raise _tell_csv_error(error, file_name, len(columns)) from None


def _tell_csv_error(error: duckdb.Error, file_name: str, column_count: int) -> LoadError:
    text = str(error)
    line = re.search(r"on Line: (\d+)", text, re.IGNORECASE)
    row = int(line[1]) if line else 1
    expected = re.search(r"Expected Number of Columns: \d+ Found: (\d+)", text)
    if expected:
        problem = f"has {expected[1]} columns where the header has {column_count}"
        mend = "mend the row; a value that holds the delimiter must stand in double quotes"
    elif "unicode" in text.lower() or "utf-8" in text.lower():
        problem, mend = "is not UTF-8 text", "save the file as CSV in UTF-8"
    elif "quote" in text.lower():
        problem, mend = "has a quote that is not closed", 'close it; a quote within a value is written twice: ""'
    elif "maximum line size" in text.lower():
        problem, mend = "is longer than 1 MB", "check that the line ends and quotes are right"
    else:
        problem, mend = f"cannot be read ({text.splitlines()[0]})", "check delimiter, quotes and line ends"
    return LoadError(f"{file_name} was not loaded", (RowError(file_name, row, "(row)", "", problem, mend),), 1)
