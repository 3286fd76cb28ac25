"""Reads CSV files: detects encoding and delimiter and checks the header and rows. DuckDB parses the rows."""

from __future__ import annotations

import codecs
import csv
import glob
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from service.errors import LoadError, RowError
from service.loading.readers.columns import IGNORED, KNOWN, check_columns, fold_columns, select_staged
from service.loading.readers.dialect import STANDARD, Dialect, Example, decide_dialect
from service.loading.readers.encoding import NotUtf8, copy_utf16, copy_windows_1252
from service.loading.readers.row_budget import RowBudget
from service.system.time_limit import check_time
from service.warehouse.database import Connection, run_sql

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 16
MAX_LINE_BYTES = 1 << 20
# Appends the rows of a file in UTF-8 to `staged`; returns notes.
Stage = Callable[[Connection, Path, str, int, RowBudget], tuple[str, ...]]
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

csv.field_size_limit(MAX_LINE_BYTES)
# Raised by the query that stages rows. DuckDB adds a prefix.
_TOO_MANY_ROWS = "the file has more rows than the load may have"


def stage_csv(
    cursor: Connection, file: Path, file_name: str, file_ordinal: int, budget: RowBudget, stage: Stage | None = None
) -> tuple[str, ...]:
    """Append the rows of a CSV file to `staged`; return notes on how it was read.

    `stage` reads it in UTF-8; the default is `stage_utf8`. Raises LoadError when it is not a table of observations, or has
    more rows than `budget` has left.
    """
    stage = stage or stage_utf8
    with file.open("rb") as stream:
        is_utf16 = stream.read(2) in UTF16_MARKS
    if is_utf16:
        with copy_utf16(file, file_name) as copy:
            return stage(cursor, copy, file_name, file_ordinal, budget)
    try:
        return stage(cursor, file, file_name, file_ordinal, budget)
    except NotUtf8:
        with copy_windows_1252(file, file_name) as copy:
            return ("read as Windows-1252", *stage(cursor, copy, file_name, file_ordinal, budget))


def stage_utf8(cursor: Connection, file: Path, file_name: str, file_ordinal: int, budget: RowBudget) -> tuple[str, ...]:
    """Append the rows of a CSV file in UTF-8 to `staged`; return notes on its dialect. Raises LoadError or NotUtf8."""
    with file.open("rb") as stream:
        head = stream.read(SAMPLE_BYTES)
    delimiter, columns = read_header(head, file_name)
    check_columns(file_name, columns)
    source = TextFile(file, file_name, file_ordinal, delimiter, tuple(columns))
    _stage_rows(cursor, source, STANDARD, budget)
    rows = _check_rows(cursor, source)
    dialect = _find_dialect(cursor, source, rows)
    if dialect != STANDARD:
        cursor.execute("delete from staged where file_ordinal = ?", [file_ordinal])
        _stage_rows(cursor, source, dialect, budget)
        _check_rows(cursor, source)
    budget.take(source.count_rows(cursor))
    return dialect.notes


@dataclass(frozen=True)
class TextFile:
    """A CSV file in UTF-8, with its delimiter and columns."""

    file: Path
    name: str
    ordinal: int
    delimiter: str
    columns: tuple[str, ...]

    @property
    def lines(self) -> str:
        """The SQL of its rows: text columns, numbered from the header on. Bind `parameters` to it."""
        return f"select row_number() over () + 1 as file_row, * from {self.table}"

    @property
    def table(self) -> str:
        """The SQL of its rows as a table, without numbers."""
        names = ", ".join("'{}': 'VARCHAR'".format(column.replace("'", "''")) for column in self.columns)
        return f"""
            read_csv($file, columns = {{{names}}}, header = true, delim = $delimiter, quote = '"', escape = '"',
                auto_detect = false, nullstr = '', max_line_size = {MAX_LINE_BYTES}, strict_mode = true,
                compression = 'none', hive_partitioning = false)
        """

    def count_rows(self, cursor: Connection) -> int:
        """Return the number of its staged rows."""
        (count,) = cursor.execute("select count(*) from staged where file_ordinal = ?", [self.ordinal]).fetchone() or (0,)
        return int(count)

    @property
    def parameters(self) -> dict[str, str]:
        return {"file": glob.escape(str(self.file.absolute())), "delimiter": self.delimiter}

    @property
    def within_limit(self) -> str:
        """The SQL condition that fails at the first row after $last_row, for `run`."""
        return f"if(file_row > $last_row, error('{_TOO_MANY_ROWS}'), true)"

    def run(self, cursor: Connection, sql: str, budget: RowBudget, **parameters: object) -> None:
        """Run a statement that reads `lines` and has `within_limit`. Raises LoadError or NotUtf8."""
        try:
            cursor.execute(sql, {**self.parameters, "last_row": budget.left + 1, **parameters})
        except (duckdb.OutOfMemoryException, duckdb.InterruptException):
            raise
        except (duckdb.Error, UnicodeDecodeError) as error:
            if isinstance(error, duckdb.InvalidInputException) and str(error) == f"Invalid Input Error: {_TOO_MANY_ROWS}":
                raise budget.refuse(self.name, f"has more than {budget.left:,} rows") from None
            raise _explain_csv_error(error, self.name, len(self.columns)) from None

    def find_row_numbers(self, count: int, count_marks: Callable[[], tuple[int, int] | None]) -> list[int]:
        """Return the row numbers of a spreadsheet from the header on, or an empty list if they are 1, 2, 3 and so on.

        `count` is the number of rows that DuckDB read, and `count_marks` returns the numbers of delimiters and line ends in
        them. DuckDB skips blank lines without counting them and, before 2.0, drops surplus empty columns: a row that ends in
        `Report, cycle 5,12,` instead of `"Report, cycle 5",12,` would be loaded one column off. Both change these numbers.
        The file is read again row by row only if they differ from those in the file. `count_marks` is not called for a file
        with no more of them than its rows need. Raises LoadError for a row with too many columns.
        """
        column_count = len(self.columns)
        delimiters, lines, last = 1 - column_count, -1, b""
        with self.file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                check_time()
                delimiters += chunk.count(self.delimiter.encode())
                lines += chunk.count(b"\n")
                last = chunk[-1:]
        written = (delimiters, lines + (last != b"\n"))
        if written == (count * (column_count - 1), count) or written == count_marks():
            return []
        rows = []
        with self.file.open(encoding="utf-8-sig", newline="") as stream:
            for row, values in enumerate(csv.reader(stream, delimiter=self.delimiter, skipinitialspace=True), 1):
                if len(values) > column_count:
                    raise _blame_width(self.name, row, len(values), column_count)
                if values:
                    rows.append(row)
        return rows if rows[-1] > len(rows) else []


def read_first_line(head: bytes, file_name: str, known: Sequence[str] = KNOWN) -> str:
    """Return the first line of a text file; `known` are the columns that it should have. Raises LoadError or NotUtf8."""
    if b"\0" in head:
        raise LoadError(f"{file_name} is not a text file; load CSV, XLSX or Parquet")
    lines = head.removeprefix(codecs.BOM_UTF8).splitlines()
    try:
        line = lines[0].decode("utf-8") if lines else ""
    except UnicodeDecodeError:
        raise NotUtf8 from None
    if not line.strip():
        raise LoadError(f"{file_name}, row 1: is empty; the first line must be the header {','.join(known)}")
    return line


def read_header(head: bytes, file_name: str, known: Sequence[str] = KNOWN) -> tuple[str, list[str]]:
    """Return the delimiter and column names of the first line: the delimiter that yields the most known names.

    Raises LoadError or NotUtf8.
    """
    line = read_first_line(head, file_name, known)
    readings = {delimiter: fold_columns(next(csv.reader([line], delimiter=delimiter), [])) for delimiter in DELIMITERS}
    delimiter = max(readings, key=lambda candidate: len(set(readings[candidate]) & set(known)))
    if not set(readings[delimiter]) & set(known):
        raise LoadError(
            f"{file_name}, row 1: no known column in {line[:80]!r}; "
            f"the first line must be the header {','.join(known)}, separated by a comma, semicolon, tab or |"
        )
    return delimiter, readings[delimiter]


def _stage_rows(cursor: Connection, source: TextFile, dialect: Dialect, budget: RowBudget) -> None:
    used = [column for column in source.columns if column not in IGNORED]
    blank = " and ".join(f"{column} is null" for column in used)
    source.run(
        cursor,
        f"""
        insert into staged
        with lines as ({source.lines})
        select $file_ordinal, file_row, {select_staged(used, map_dimensions=False, dialect=dialect)}
        from lines
        where {source.within_limit} and not ({blank})
        """,
        budget,
        file_ordinal=source.ordinal,
    )


def _check_rows(cursor: Connection, source: TextFile) -> list[int]:
    """Raise LoadError for a row with too many columns. Give the staged rows the row numbers of a spreadsheet.

    Returns the row numbers from the header on, or an empty list if they are 1, 2, 3 and so on.
    """

    def count_marks() -> tuple[int, int] | None:
        return run_sql(
            cursor,
            "load/count_marks",
            file_ordinal=source.ordinal,
            delimiter=source.delimiter,
            column_count=len(source.columns),
        ).fetchone()

    rows = source.find_row_numbers(source.count_rows(cursor), count_marks)
    if rows:
        cursor.execute(
            "update staged set file_row = coalesce($rows[file_row], file_row) where file_ordinal = $file_ordinal",
            {"rows": rows, "file_ordinal": source.ordinal},
        )
    return rows


def _find_dialect(cursor: Connection, source: TextFile, rows: list[int]) -> Dialect:
    """Return the formats of dates and numbers. `rows` are those of _check_rows. Raises LoadError if they are ambiguous."""
    # A comma in a number is rejected if the delimiter is a comma: it may be an unquoted value.
    are_commas_free = source.delimiter != ","
    found = run_sql(cursor, "load/has_local_forms", file_ordinal=source.ordinal).fetchone()
    has_dates, has_numbers = found or (False, False)
    if not has_dates and not (has_numbers and are_commas_free):
        return STANDARD
    value = "value" if are_commas_free else "if(contains(value, ','), null, value) as value"
    cursor.execute(
        f"""
        create or replace temp table written_cells as
        select file_row, period_start, period_end, {value}
        from ({source.lines})
        """,
        source.parameters,
    )
    return find_forms(cursor, source.name, rows)


def find_forms(cursor: Connection, file_name: str, rows: Sequence[int], columns: Mapping[str, str] | None = None) -> Dialect:
    """Return the formats of the dates and numbers in the table `written_cells`. Raises LoadError if they are ambiguous.

    `rows` are those of `find_row_numbers`, `columns` the names in errors of the columns of `written_cells`.
    """
    examples = {
        form: Example(rows[row - 1] if rows else row, (columns or {}).get(column, column), written)
        for form, row, column, written in run_sql(cursor, "load/find_forms").fetchall()
    }
    return decide_dialect(file_name, examples)


def _blame_width(file_name: str, row: int, found: int, expected: int) -> LoadError:
    problem = f"has {found} columns where the header has {expected}"
    fix = "correct the row; put a value that contains the delimiter in double quotes"
    return LoadError(f"{file_name} was not loaded", (RowError(file_name, row, "(row)", "", problem, fix),), 1)


def _explain_csv_error(error: duckdb.Error | UnicodeDecodeError, file_name: str, column_count: int) -> LoadError | NotUtf8:
    # DuckDB quotes the line and may cut it within a character. Its message is then invalid UTF-8.
    text = error.object.decode(errors="replace") if isinstance(error, UnicodeDecodeError) else str(error)
    line = re.search(r"on Line: (\d+)", text, re.IGNORECASE)
    row = int(line[1]) if line else 1
    if expected := re.search(r"Expected Number of Columns: \d+ Found: (\d+)", text):
        return _blame_width(file_name, row, int(expected[1]), column_count)
    # The message quotes the line, so match only DuckDB's own sentences.
    if "Invalid unicode" in text:
        return NotUtf8()
    if "Maximum line size" in text:
        problem, fix = "is longer than 1 MB", "check that the line ends and quotes are right"
    elif "unterminated quote" in text:
        problem, fix = "has a quote that is not closed", 'close it; a quote within a value is written twice: ""'
    else:
        problem, fix = f"cannot be read ({text.splitlines()[0]})", "check delimiter, quotes and line ends"
    return LoadError(f"{file_name} was not loaded", (RowError(file_name, row, "(row)", "", problem, fix),), 1)
