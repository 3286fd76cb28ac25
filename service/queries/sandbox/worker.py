"""The worker process: runs queries on a read copy, one after the other, isolated by DuckDB and by the operating system.

Started by the pool with an empty environment as `python -I -m service.queries.sandbox COPIES COPY SPILL THREADS MEMORY`; it
reads requests from standard input and writes responses to standard output. The pool does not trust its responses.
"""

from __future__ import annotations

import base64
import json
import math
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, get_args
from uuid import UUID

import duckdb

from service.errors import QueryError
from service.queries.moments import set_moment
from service.queries.query import REPORT_POSITIONS, Connection, FileFormat, extract_statements, locate_error, write_table
from service.queries.sandbox.isolation import isolate, limit_resources
from service.queries.sandbox.protocol import LENGTH, MAX_RESULT_BYTES, READY, Format, QueryRequest, QueryResponse, encode
from service.queries.sandbox.seccomp import deny_sockets_and_processes
from service.queries.sandbox.time_limit import SLOW_NICENESS, TimeLimit
from service.queries.sandbox.xlsx import MAX_ROWS, write_xlsx

# Scrapes have priority over queries. With SLOW_NICENESS from the start, a small query took up to three times as long while a
# snapshot was published; without it, scrapes took twice as long while slow queries ran.
NICENESS = 5
# JavaScript and most JSON parsers lose digits of larger integers.
MAX_EXACT_INTEGER = 1 << 53
# A query with values of all types, run before the isolation, so that Python imports its modules for them.
ALL_TYPES = """
select 1::hugeint as a, 1.5::decimal(9, 2) as b, uuid() as c, now() as d, date '2024-01-01' as e, interval 1 day as f,
    time '10:00' as g, map {'a': 1} as h, {'a': [1]} as i, 'a'::blob as j, 1::double as k, '10:00:00+01'::timetz as l
"""
# DuckDB 2.0 starts 8 more threads for each database, and each takes address space.
FEW_THREADS = {"async_threads": "1"} if int(duckdb.__version__.partition(".")[0]) >= 2 else {}
ALLOWED_TYPES = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
REJECTED = "send one read-only query: SELECT, FROM, WITH, VALUES, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN"


def open_locked(copy: Path, spill: Path, threads: int, memory_bytes: int) -> Connection:
    """Open a read copy without external access and with locked settings, so that queries can only read it."""
    connection = duckdb.connect(
        str(copy),
        read_only=True,
        config={
            **FEW_THREADS,
            "threads": str(threads),
            "memory_limit": f"{memory_bytes}B",
            "temp_directory": str(spill),
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "max_expression_depth": "250",
        },
    )
    connection.execute("set global TimeZone = 'UTC'")
    # DuckDB 1.5.5 ignores this limit in `config`: a query with a limit of 64 MB spilled 2.7 GB.
    connection.execute(f"set global max_temp_directory_size = '{memory_bytes}B'")
    connection.execute(REPORT_POSITIONS)
    # After temp_directory, which it locks too.
    connection.execute("set global enable_external_access = false")
    connection.execute("set global lock_configuration = true")
    return connection


@dataclass(frozen=True)
class OpenCopy:
    """An open read copy: the number and the date of its snapshot, and the settings of its DuckDB instance."""

    name: str
    connection: Connection
    snapshot_id: int
    as_of: str
    settings: list[Any]

    @classmethod
    def open(cls, name: str, connection: Connection) -> OpenCopy:
        """Read what requests need of an open copy. Raises duckdb.Error, and ValueError if it has no snapshot."""
        row = connection.execute("select snapshot_id, as_of from snapshot_info").fetchone()
        if row is None:
            raise ValueError("the read copy has no snapshot yet")
        return cls(name, connection, row[0], row[1].isoformat(), read_settings(connection))


def read_settings(connection: Connection) -> list[Any]:
    """Return the settings of a DuckDB instance, sorted."""
    with connection.cursor() as session:
        # Sorting them in DuckDB takes half of the time again.
        return sorted(session.execute("select name, value from duckdb_settings()").fetchall())


class Worker:
    """Runs requests, each on the copy that it names."""

    _current: OpenCopy
    # A new session takes a tenth of the time of a small query, so it is opened before the request arrives.
    _next_session: Connection
    # The copy that later requests will name.
    _next: OpenCopy | None = None
    # Closing a copy takes several times as long as a small query, so the one before is closed after the response.
    _left: OpenCopy | None = None
    _ran_out_of_memory = False

    def __init__(self, copies: Path, copy: str, spill: Path, threads: int, memory_bytes: int) -> None:
        self.time_limit = TimeLimit()
        self._copies = copies
        self._spill = spill
        self._threads = threads
        self._memory_bytes = memory_bytes
        self._writer = duckdb.connect(
            config={**FEW_THREADS, "threads": "1", "memory_limit": f"{memory_bytes}B", "temp_directory": ""}
        )
        self._writer.execute("set TimeZone = 'UTC'")
        self._current = self._open(copy)
        self.prepare()
        for kind in get_args(Format):
            self.run({**_WARM_UP, "format": kind})
            self.prepare()
        self.run({**_WARM_UP, "sql": "selec"})

    def reopen(self) -> None:
        """Open the copy again to restart DuckDB's threads: Landlock and capabilities apply to each thread separately."""
        self._next_session.close()
        self._current.connection.close()
        self._current = self._open(self._current.name)
        self.prepare()

    def open_copy(self, copy: str, is_current: bool) -> None:
        """Open a copy while requests still name the one before, and change to it if it `is_current`."""
        # The query that needs the copy will raise the error.
        with suppress(duckdb.Error, OSError, ValueError, MemoryError, RuntimeError):
            if copy != self._current.name and (self._next is None or copy != self._next.name):
                self._next = self._open(copy)
            if is_current:
                self._change_to(copy)
                self._close_left()

    def _open(self, copy: str) -> OpenCopy:
        # DuckDB's threads inherit the priority of the one that opens a database. They work for slow queries.
        with ThreadPoolExecutor(1, initializer=os.nice, initargs=(SLOW_NICENESS,)) as executor:
            return executor.submit(self._open_slowly, copy).result()

    def _open_slowly(self, copy: str) -> OpenCopy:
        return OpenCopy.open(copy, open_locked(self._copies / copy, self._spill, self._threads, self._memory_bytes))

    def _change_to(self, copy: str) -> None:
        if copy == self._current.name:
            return
        following = self._next if self._next is not None and self._next.name == copy else self._open(copy)
        self._next_session.close()
        self._left, self._current, self._next = self._current, following, None
        self._open_session()

    def _open_session(self) -> None:
        self._next_session = self._current.connection.cursor()
        set_moment(self._next_session, self._current.as_of)

    def _close_left(self) -> None:
        if self._left is not None:
            self._left.connection.close()
            self._left = None

    def prepare(self) -> None:
        """Open the session of the next request, as of the date of the snapshot."""
        self._close_left()
        self._open_session()

    def run(self, request: QueryRequest) -> tuple[QueryResponse, bytes]:
        """Return the response to a request and the bytes of the result. Call `is_reusable` and `prepare` before the next."""
        self._change_to(request.get("copy", self._current.name))
        with self._next_session as session:
            try:
                with self.time_limit.watch(session, request["seconds"]):
                    response, body = self._run(session, request)
            except QueryError as error:
                response, body = _reject(error), b""
            except (duckdb.OutOfMemoryException, MemoryError):
                response, body = _respond("out_of_memory", ""), b""
            except duckdb.Error as error:
                is_large = isinstance(error, duckdb.IOException) and "too large" in str(error).lower()
                response = _respond("out_of_memory", "") if is_large else _reject(locate_error(error, request["sql"]))
                body = b""
            except Exception as error:
                # A value that Python cannot represent, for example a date before year 1.
                response, body = _respond("rejected", f"the result cannot be written: {error}"), b""
        self._ran_out_of_memory = response["outcome"] == "out_of_memory"
        if self.time_limit.has_passed and response["outcome"] != "succeeded":
            response = _respond("out_of_time", "")
        response["snapshot_id"] = self._current.snapshot_id
        return response, body

    def is_reusable(self) -> bool:
        """Return whether the last request left the worker as it was. It takes longer than a small query."""
        # A process near its memory limit may end during the next query, which would then get the error.
        if self._ran_out_of_memory:
            return False
        # Functions such as enable_logging() change locked settings, and one setting can break every later query.
        try:
            return read_settings(self._current.connection) == self._current.settings
        except (duckdb.Error, MemoryError):
            return False

    def _run(self, session: Connection, request: QueryRequest) -> tuple[QueryResponse, bytes]:
        set_moment(session, request["as_of"], request["known_at"])
        text = request["sql"]
        statement = self._take_statement(session, text)
        max_rows = request["max_rows"]
        if request["format"] == "json":
            result = session.execute(statement)
            columns = [{"name": column[0], "type": str(column[1])} for column in result.description or ()]
            rows = result.fetchmany(max_rows + 1)
            is_truncated = len(rows) > max_rows
            members = {
                "columns": columns,
                "rows": rows[:max_rows],
                "truncated": is_truncated,
                "snapshot": str(self._current.snapshot_id),
            }
            body = json.dumps(_write_json(members), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
            count = min(len(rows), max_rows)
        elif request["format"] == "xlsx":
            result = session.execute(statement)
            limit = min(max_rows, MAX_ROWS)
            rows = result.fetchmany(limit + 1)
            count, is_truncated = min(len(rows), limit), len(rows) > limit
            body = write_xlsx([column[0] for column in result.description or ()], rows[:limit], _write_json)
        else:
            body, count, is_truncated = self._write(session, statement, max_rows, request["format"])
        if len(body) > MAX_RESULT_BYTES:
            return _respond("out_of_memory", ""), b""
        return {**_respond("succeeded", ""), "row_count": count, "is_truncated": is_truncated, "size": len(body)}, body

    def _take_statement(self, session: Connection, text: str) -> duckdb.Statement:
        statements = extract_statements(session, text)
        # A PIVOT is one query of the user. Before 2.0 DuckDB splits it, and the statements it adds have no text.
        *before, last = statements
        is_pivot = last.type == duckdb.StatementType.MULTI
        if any(statement.query.strip() for statement in before) or not (last.type in ALLOWED_TYPES or is_pivot):
            raise QueryError(REJECTED)
        for statement in before:
            session.execute(statement)
        return last

    def _write(
        self, session: Connection, statement: duckdb.Statement, max_rows: int, file_format: FileFormat
    ) -> tuple[bytes, int, bool]:
        try:
            relation = session.sql(statement)
        except (duckdb.BinderException, duckdb.CatalogException):
            session.execute(statement)  # reports the position of the error
            raise
        writer = self._writer
        writer.register("streamed", relation.__arrow_c_stream__())
        try:
            writer.execute(f"create or replace table fetched as select * from streamed limit {max_rows + 1:d}")
            (count,) = writer.execute("select count(*) from fetched").fetchone() or (0,)
            writer.execute(f"create or replace view result as select * from fetched limit {max_rows:d}")
            with os.fdopen(os.memfd_create("result"), "rb") as stream:
                write_table(writer, "result", file_format, Path(f"/proc/self/fd/{stream.fileno()}"))
                stream.seek(0)
                return stream.read(MAX_RESULT_BYTES + 1), min(count, max_rows), count > max_rows
        finally:
            writer.unregister("streamed")
            writer.execute("drop view if exists result")
            writer.execute("drop table if exists fetched")


_WARM_UP: QueryRequest = {
    "sql": ALL_TYPES, "as_of": None, "known_at": "2024-01-01T00:00:00+00:00", "max_rows": 1, "seconds": 30.0,
    "format": "json",
}  # fmt: skip


def _respond(outcome: Any, detail: str, line: int | None = None, column: int | None = None) -> QueryResponse:
    return {
        "outcome": outcome, "snapshot_id": 0, "detail": detail[:10_000], "line": line, "column": column,
        "row_count": 0, "is_truncated": False, "size": 0,
    }  # fmt: skip


def _reject(error: QueryError) -> QueryResponse:
    return _respond("rejected", str(error), error.line, error.column)


def _write_json(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= MAX_EXACT_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return float(value) if Decimal(repr(float(value))) == value else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return [_write_json(item) for item in value]
        case dict():
            return {key if isinstance(key, str) else str(key): _write_json(item) for key, item in value.items()}
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case timedelta() | UUID():
            return str(value)
        case _:
            return str(value)


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    block = stream.read(size)
    if len(block) < size:
        # The service closed the pipe.
        os._exit(0)
    return block


def main(copies: Path, copy: str, spill: Path, threads: int, memory_bytes: int) -> None:
    """Run requests until standard input ends."""
    responses = sys.stdout.buffer
    try:
        limit_resources(memory_bytes, memory_bytes)
        worker = Worker(copies, copy, spill, threads, memory_bytes)
        has_landlock = isolate(copies, spill)
        os.nice(NICENESS)
        worker.reopen()
        has_seccomp = deny_sockets_and_processes()
        worker.time_limit.start()
    except (duckdb.Error, OSError, ValueError) as error:
        responses.write(encode({"error": str(error)}))
        responses.flush()
        return
    responses.write(encode({"has_landlock": has_landlock, "has_seccomp": has_seccomp}))
    responses.flush()
    while True:
        serving = threading.Thread(target=_serve, args=[worker])
        serving.start()
        serving.join()


def _serve(worker: Worker) -> None:
    """Run requests until one was slow: only a new thread has the priority of small queries again."""
    try:
        while True:
            _serve_one(worker, sys.stdin.buffer, sys.stdout.buffer)
            if worker.time_limit.was_slow:
                return
    except BaseException:
        os._exit(1)


def _serve_one(worker: Worker, requests: BinaryIO, responses: BinaryIO) -> None:
    (length,) = LENGTH.unpack(_read_exactly(requests, LENGTH.size))
    request = json.loads(_read_exactly(requests, length))
    if "sql" in request:
        response, body = worker.run(request)
        responses.write(encode(response))
        responses.write(body)
        responses.flush()
        if not worker.is_reusable():
            # Without closing the database, which may be broken.
            os._exit(0)
        worker.prepare()
    else:
        worker.open_copy(request["copy"], request["is_current"])
    responses.write(READY)
    responses.flush()
