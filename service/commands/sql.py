"""`a4p sql`: SQL queries on the read copy."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import IO, Literal, cast

import click
import duckdb
from rich.console import Console

from service.commands.options import AS_OF, INSTANT, data_dir_option
from service.errors import QueryError, ServiceError
from service.queries.examples import read_examples
from service.queries.moments import set_moment
from service.queries.query import (
    REPORT_POSITIONS,
    Connection,
    FileFormat,
    Relation,
    extract_statements,
    has_result,
    run_statement,
    translate_errors,
    write_result,
)
from service.queries.result_table import MAX_ROWS, print_rows
from service.settings import read_settings
from service.system.atomic_file import replace_file
from service.warehouse.connection import open_copy
from service.warehouse.schema import read_schema

PIPE_WIDTH = 10_000
OutputFormat = Literal["table", "csv", "json", "parquet"]


@click.command(
    epilog="""\b
Examples:
  a4p sql
  a4p sql "select mission, value from latest where indicator = 'sofa_incidents_total'"
  a4p sql --as-of 2023-10-31 "from kpi_latest"
  a4p sql -f query.sql --output result.parquet
  echo "from missions" | a4p sql --format json
"""
)
@click.argument("query", required=False)
@click.option("-f", "--file", type=click.File(encoding="utf-8"), help="File with the query; - is standard input.")
@click.option(
    "--format",
    "chosen",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="Format of the result.  [default: by the ending of --output; else table on a terminal, csv in a pipe]",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; parquet needs one.")
@click.option("--as-of", type=AS_OF, help="Values that were current on this date.  [default: that of the snapshot]")
@click.option("--known-at", type=INSTANT, help="Data recorded until this date or time (UTC unless it has an offset).")
@data_dir_option
def sql(
    query: str | None,
    file: IO[str] | None,
    chosen: OutputFormat | None,
    output: Path | None,
    as_of: date | None,
    known_at: datetime | None,
    data_dir: Path | None,
) -> None:
    """Run QUERY on the read copy, or open a prompt without a query. Works with and without a running service.

    Nothing is written: the copy is opened for reading. docs/sql.md lists the views and their columns.
    """
    settings = read_settings(data_dir=data_dir)
    if query is not None and file is not None:
        raise click.UsageError("give the query or -f FILE, not both")
    text = query if query is not None else file.read() if file else None if sys.stdin.isatty() else sys.stdin.read()
    chosen = choose_format(chosen, output, text is None)
    copy = OpenCopy(settings.read_copy_file, as_of, known_at)
    try:
        if text is None:
            console = Console()
            # Only a prompt needs its packages, which take a fifth of the time of a start.
            from service.commands.sql_prompt import Prompt

            prompt = Prompt(
                console,
                read_schema(copy.connection),
                read_examples(),
                lambda typed: show_tables(console, copy.connection, typed),
                copy.describe,
                copy.refresh,
            )
            prompt.run()
        elif chosen == "table":
            with output.open("w", encoding="utf-8") if output else nullcontext() as stream:
                console = Console(file=stream)
                if not console.is_terminal:
                    console.width = PIPE_WIDTH
                show_tables(console, copy.connection, text)
        else:
            write_output(copy.connection, text, cast(FileFormat, chosen), output)
    except RuntimeError as error:
        if isinstance(error, duckdb.Error):
            raise
        # DuckDB raises RuntimeError on Ctrl-C.
        raise click.Abort() from None
    finally:
        copy.close()


def choose_format(chosen: OutputFormat | None, output: Path | None, is_prompt: bool) -> OutputFormat:
    """Return the output format. Raises UsageError for conflicting options."""
    if is_prompt and (chosen not in (None, "table") or output is not None):
        raise click.UsageError("the prompt prints tables; add a query or -f FILE for other formats")
    if chosen == "parquet" and output is None:
        raise click.UsageError("Parquet is a binary format: add --output FILE")
    if chosen is None and output is not None:
        ending = output.suffix.lstrip(".").lower()
        if ending not in ("csv", "json", "parquet"):
            raise click.UsageError(f"unknown file format of {output}; add --format")
        return cast(OutputFormat, ending)
    return chosen or ("table" if is_prompt or sys.stdout.isatty() else "csv")


class OpenCopy:
    """The open read copy. It stays the same until `refresh`, even if the service publishes a newer one."""

    def __init__(self, file: Path, as_of: date | None, known_at: datetime | None) -> None:
        self._file = file
        self._as_of = as_of
        self._known_at = known_at
        self.connection: Connection
        self._open()

    def _open(self) -> None:
        self.connection = open_copy(self._file)
        try:
            row = self.connection.execute("select snapshot_id, as_of, made_at from snapshot_info").fetchone()
        except duckdb.Error:
            raise ServiceError(f"{self._file} is not a read copy of this version; start the service once") from None
        # What /metrics of this snapshot shows.
        as_of = self._as_of or (row[1] if row else None)
        self._description = f"snapshot {row[0]} of {row[2]:%Y-%m-%d %H:%M} UTC" if row else "no snapshot yet"
        self._description += f", as of {as_of}" if as_of else ""
        self._description += f", known at {self._known_at:%Y-%m-%d %H:%M:%S} UTC" if self._known_at else ""
        self.connection.execute(REPORT_POSITIONS)
        set_moment(
            self.connection, as_of.isoformat() if as_of else None, self._known_at.isoformat() if self._known_at else None
        )

    def describe(self) -> str:
        """Return the snapshot of the copy, with as_of and known_at."""
        return self._description

    def refresh(self) -> None:
        """Open the newest published copy."""
        # Within a process DuckDB identifies a database by its path, so the old copy has to be closed first.
        self.connection.close()
        self._open()

    def close(self) -> None:
        self.connection.close()


def show_tables(console: Console, connection: Connection, text: str) -> None:
    """Run every statement and print its rows. Raises QueryError, KeyboardInterrupt."""
    for statement in extract_statements(connection, text):
        try:
            relation = run_statement(connection, statement, text)
            if relation is None:
                continue
            with translate_errors(text):
                rows = relation.limit(MAX_ROWS + 1).fetchall()
        except RuntimeError as error:
            if isinstance(error, duckdb.Error):
                raise
            raise KeyboardInterrupt from None
        if relation.columns == ["explain_key", "explain_value"]:
            console.print("\n".join(str(plan) for _, plan in rows), markup=False, highlight=False, soft_wrap=True)
            continue
        print_rows(console, relation.columns, list(map(str, relation.types)), rows[:MAX_ROWS], len(rows) > MAX_ROWS)


def write_output(connection: Connection, text: str, file_format: FileFormat, output: Path | None) -> None:
    """Run every statement and write the rows of the one that returns rows. Raises QueryError, ServiceError."""
    statements = extract_statements(connection, text)
    row_statements = sum(map(has_result, statements))
    if row_statements > 1:
        raise QueryError(f"{file_format} supports the result of one query, but there are {row_statements}; use --format table")
    for statement in statements:
        relation = run_statement(connection, statement, text)
        if relation is None:
            continue
        with translate_errors(text):
            if output is None:
                stream_result(connection, relation, file_format, sys.stdout.buffer)
            else:
                _write_whole(relation, file_format, output)


def stream_result(connection: Connection, relation: Relation, file_format: FileFormat, stream: IO[bytes]) -> None:
    """Write the rows of a relation of `connection` to a stream as they are computed. Raises duckdb.Error, BrokenPipeError."""
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            write_result(relation, file_format, Path(f"/dev/fd/{writing}"))
        except BaseException as error:
            failures.append(error)
        finally:
            os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with os.fdopen(reading, "rb", buffering=0) as result:
            while block := result.read(1 << 16):
                stream.write(block)
            stream.flush()
    except BaseException:
        # The reader closed the pipe, or Ctrl-C: end the query before its thread.
        connection.interrupt()
        raise
    finally:
        writer.join()
    if failures:
        raise failures[0]


def _write_whole(relation: Relation, file_format: FileFormat, output: Path) -> None:
    try:
        with replace_file(output) as unfinished:
            write_result(relation, file_format, unfinished)
    except OSError as error:
        raise ServiceError(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"{output}: {output.stat().st_size:,} bytes", err=True)
