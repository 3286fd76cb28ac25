"""A query that a user wrote: run statement by statement, its faults told by line, its result written in a format."""

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

WIDEST_EXCERPT = 100
COPY_OPTIONS = {
    "csv": "format csv, header true",
    "json": "format json, array true",
    "parquet": "format parquet, compression zstd",
}


# With it DuckDB says where in the text a fault is.
TELL_PLACES = "set global errors_as_json = true"


def extract_statements(session: Connection, text: str) -> list[duckdb.Statement]:
    """Return the statements of `text`, at least one. Raises QueryError."""
    with translate_errors(text):
        statements = session.extract_statements(text)
    if not statements:
        raise QueryError("there is no query here")
    return statements


def has_result(statement: duckdb.Statement) -> bool:
    """Return whether a statement answers with rows."""
    # A PIVOT is more than one statement, and answers; DuckDB 1.5 gives them one by one.
    is_pivot = statement.type == duckdb.StatementType.MULTI
    return is_pivot or list(statement.expected_result_type) == [duckdb.ExpectedResultType.QUERY_RESULT]


def run_statement(session: Connection, statement: duckdb.Statement, text: str) -> Relation | None:
    """Run a statement of `text`; return its rows, computed as they are read, or None where it has none. Raises QueryError.

    What reads the rows does so within `translate_errors`.
    """
    with translate_errors(text):
        if not has_result(statement):
            session.execute(statement)
            return None
        try:
            return session.sql(statement)
        except (duckdb.BinderException, duckdb.CatalogException):
            # Unlike sql(), execute() says where the fault is; what cannot be bound does nothing.
            session.execute(statement)
            raise


@contextmanager
def translate_errors(text: str) -> Iterator[None]:
    """Raise what DuckDB finds wrong with `text` as QueryError, with line and pointer."""
    try:
        yield
    except duckdb.Error as error:
        raise find_fault(error, text) from None


def find_fault(error: duckdb.Error, text: str) -> QueryError:
    """Return what DuckDB found wrong with `text`, where it did."""
    told = str(error)
    written = re.search(r"\{.*\}", told, re.DOTALL)
    try:
        fault = json.loads(written[0]) if written else {}
        message = str(fault["exception_message"])
    except (ValueError, KeyError):
        return QueryError(told)
    if "position" not in fault:
        return QueryError(message)
    # DuckDB counts bytes.
    before = text.encode()[: int(fault["position"])].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    excerpt = (text.split("\n") or [""])[line - 1].replace("\t", " ")
    first = max(0, column - 1 - WIDEST_EXCERPT // 2) if len(excerpt) > WIDEST_EXCERPT else 0
    return QueryError(message, line, column, excerpt[first : first + WIDEST_EXCERPT], column - first)


def open_writer() -> Connection:
    """Return a connection to nothing that writes results to files; no query of a user runs in it."""
    writer = duckdb.connect(config={"threads": "1", "python_enable_replacements": "false"})
    writer.execute("set TimeZone = 'UTC'")
    return writer


def write_result(relation: Relation, file_format: FileFormat, target: Path) -> None:
    """Write the rows of a relation to a file, as they are computed. Raises duckdb.Error."""
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
