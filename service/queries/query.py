"""Running a user's query: statements, errors with line and column, and results written to a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb
import nanoarrow.ipc

from service.errors import QueryError

Connection = duckdb.DuckDBPyConnection
Relation = duckdb.DuckDBPyRelation
FileFormat = Literal["csv", "json", "parquet", "arrow"]

MAX_EXCERPT = 100
COPY_OPTIONS = {
    "csv": "format csv, header true",
    "json": "format json, array true",
    "parquet": "format parquet, compression zstd",
}


# With this setting DuckDB reports the position of an error.
REPORT_POSITIONS = "set global errors_as_json = true"


def extract_statements(session: Connection, text: str) -> list[duckdb.Statement]:
    """Return the statements of `text`, at least one. Raises QueryError."""
    with translate_errors(text):
        statements = session.extract_statements(text)
    if not statements:
        raise QueryError("the text contains no query")
    return statements


def has_result(statement: duckdb.Statement) -> bool:
    """Return whether a statement returns rows."""
    # A PIVOT consists of several statements and returns rows. DuckDB 1.5 returns the statements one by one.
    is_pivot = statement.type == duckdb.StatementType.MULTI
    return is_pivot or list(statement.expected_result_type) == [duckdb.ExpectedResultType.QUERY_RESULT]


def run_statement(session: Connection, statement: duckdb.Statement, text: str) -> Relation | None:
    """Run a statement of `text`. Return its rows, computed lazily, or None if it returns none. Raises QueryError.

    Read the rows within `translate_errors`.
    """
    with translate_errors(text):
        if not has_result(statement):
            session.execute(statement)
            return None
        try:
            return session.sql(statement)
        except (duckdb.BinderException, duckdb.CatalogException):
            # Unlike sql(), execute() reports the position. A statement that cannot be bound has no effect.
            session.execute(statement)
            raise


@contextmanager
def translate_errors(text: str) -> Iterator[None]:
    """Raise a DuckDB error in `text` as QueryError, with line and pointer."""
    try:
        yield
    except duckdb.Error as error:
        raise locate_error(error, text) from None


def locate_error(error: duckdb.Error, text: str) -> QueryError:
    """Return a DuckDB error in `text` as QueryError, with its position if DuckDB reports one."""
    report = str(error)
    written = re.search(r"\{.*\}", report, re.DOTALL)
    try:
        fault = json.loads(written[0]) if written else {}
        message = str(fault["exception_message"])
    except (ValueError, KeyError):
        return QueryError(report)
    if "position" not in fault:
        return QueryError(message)
    # DuckDB counts bytes.
    before = text.encode()[: int(fault["position"])].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    excerpt = (text.split("\n") or [""])[line - 1].replace("\t", " ")
    first = max(0, column - 1 - MAX_EXCERPT // 2) if len(excerpt) > MAX_EXCERPT else 0
    return QueryError(message, line, column, excerpt[first : first + MAX_EXCERPT], column - first)


def open_writer() -> Connection:
    """Return an in-memory connection that writes results to files. It runs no user's query."""
    writer = duckdb.connect(config={"threads": "1", "python_enable_replacements": "false"})
    writer.execute("set TimeZone = 'UTC'")
    return writer


def write_result(relation: Relation, file_format: FileFormat, target: Path) -> None:
    """Write the rows of a relation to a file while they are computed. Raises duckdb.Error."""
    with open_writer() as writer:
        writer.register("result", relation.__arrow_c_stream__())
        write_table(writer, "result", file_format, target)


def write_table(writer: Connection, table: str, file_format: FileFormat, target: Path) -> None:
    """Write a table of a writer to a file. Raises duckdb.Error."""
    if file_format == "arrow":
        with nanoarrow.ipc.StreamWriter.from_path(target) as stream:
            stream.write_stream(writer.table(table))
        return
    quoted_target = str(target).replace("'", "''")
    writer.execute(f"copy {table} to '{quoted_target}' ({COPY_OPTIONS[file_format]}, use_tmp_file false)")
