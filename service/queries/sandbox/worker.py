"""A worker: answers queries from one read copy, one after the other, isolated by DuckDB and by the operating system.

Started by the pool with an empty environment as `python -I -m service.queries.sandbox COPIES COPY SPILL THREADS MEMORY`; it
reads requests from standard input and writes replies to standard output. The pool does not trust its replies.
"""

from __future__ import annotations

import base64
import json
import math
import os
import sys
import threading
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import duckdb

from service.errors import QueryError
from service.queries.moments import set_moment
from service.queries.query import TELL_PLACES, Connection, extract_statements, find_fault, write_table
from service.queries.sandbox.isolation import isolate, limit_resources
from service.queries.sandbox.protocol import LARGEST_ANSWER_BYTES, LENGTH, Format, Question, Reply, encode
from service.queries.sandbox.seccomp import deny_sockets_and_processes

# Beyond it JavaScript and most readers of JSON lose digits.
LARGEST_EXACT_INTEGER = 1 << 53
# A query with all types of values, run before the isolation, so that Python loads its modules for them.
EVERY_KIND = """
select 1::hugeint as a, 1.5::decimal(9, 2) as b, uuid() as c, now() as d, date '2024-01-01' as e, interval 1 day as f,
    time '10:00' as g, map {'a': 1} as h, {'a': [1]} as i, 'a'::blob as j, 1::double as k, '10:00:00+01'::timetz as l
"""
# DuckDB 2.0 starts eight more threads for each database, and each takes address space.
FEW_THREADS = {"async_threads": "1"} if int(duckdb.__version__.partition(".")[0]) >= 2 else {}
ANSWERING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
REFUSED = "one query is answered here: SELECT, FROM, WITH, VALUES, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN"


def open_locked(copy: Path, spill: Path, threads: int, memory_bytes: int) -> Connection:
    """Open a read copy so that a query can reach nothing else, and change nothing that outlives it."""
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
    connection.execute(TELL_PLACES)
    # After temp_directory, which it closes too.
    connection.execute("set global enable_external_access = false")
    connection.execute("set global lock_configuration = true")
    return connection


class Worker:
    """Answers questions, each from the copy that it names."""

    _connection: Connection

    def __init__(self, copies: Path, copy: str, spill: Path, threads: int, memory_bytes: int) -> None:
        self._copies = copies
        self._spill = spill
        self._threads = threads
        self._memory_bytes = memory_bytes
        self._writer = duckdb.connect(
            config={**FEW_THREADS, "threads": "1", "memory_limit": f"{memory_bytes}B", "temp_directory": ""}
        )
        self._writer.execute("set TimeZone = 'UTC'")
        self._copy = ""
        self._open(copy)
        for kind in ("json", "csv", "arrow", "parquet"):
            self.answer({**_WARM_UP, "format": kind})
        self.answer({**_WARM_UP, "sql": "selec"})

    def reopen(self) -> None:
        """Open the copy again, so that DuckDB's threads start anew: Landlock and capabilities bind each thread by itself."""
        copy, self._copy = self._copy, ""
        self._connection.close()
        self._open(copy)

    def _open(self, copy: str) -> None:
        connection = open_locked(self._copies / copy, self._spill, self._threads, self._memory_bytes)
        row = connection.execute("select snapshot_id, as_of from snapshot_info").fetchone()
        if row is None:
            raise ValueError("the read copy holds no snapshot yet")
        if self._copy:
            self._connection.close()
        self._copy, self._connection = copy, connection
        self._snapshot_id, self._as_of = row[0], row[1].isoformat()
        self._settings = self._read_settings()

    def answer(self, question: Question) -> tuple[Reply, bytes]:
        """Return the reply to a question and the bytes of the answer."""
        if question.get("copy", self._copy) != self._copy:
            self._open(question["copy"])
        with self._connection.cursor() as session:
            is_late = threading.Event()

            def stop() -> None:
                is_late.set()
                session.interrupt()

            clock = threading.Timer(question["seconds"], stop)
            clock.daemon = True
            clock.start()
            try:
                reply, body = self._answer(session, question)
            except QueryError as error:
                reply, body = _refuse(error), b""
            except (duckdb.OutOfMemoryException, MemoryError):
                reply, body = _reply("out_of_memory", ""), b""
            except duckdb.Error as error:
                is_large = isinstance(error, duckdb.IOException) and "too large" in str(error).lower()
                reply, body = (_reply("out_of_memory", "") if is_large else _refuse(find_fault(error, question["sql"]))), b""
            except Exception as error:
                # A value that Python cannot hold, a date before its calendar among them.
                reply, body = _reply("refused", f"the answer cannot be written: {error}"), b""
            finally:
                clock.cancel()
        ran_out_of_memory = reply["outcome"] == "out_of_memory"
        if is_late.is_set() and reply["outcome"] != "answered":
            reply = _reply("out_of_time", "")
        reply["snapshot_id"] = self._snapshot_id
        # A process near its memory limit may end during the next query, which would be blamed for it.
        reply["is_last"] = ran_out_of_memory or not self._is_as_before()
        return reply, body

    def _answer(self, session: Connection, question: Question) -> tuple[Reply, bytes]:
        set_moment(session, question["as_of"] or self._as_of, question["known_at"])
        text = question["sql"]
        statement = self._take_statement(session, text)
        most = question["most_rows"]
        if question["format"] == "json":
            result = session.execute(statement)
            columns = [{"name": column[0], "type": str(column[1])} for column in result.description or ()]
            rows = result.fetchmany(most + 1)
            is_truncated = len(rows) > most
            members = {"columns": columns, "rows": rows[:most], "truncated": is_truncated, "snapshot": str(self._snapshot_id)}
            body = json.dumps(_write_json(members), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
            count = min(len(rows), most)
        else:
            body, count, is_truncated = self._write(session, statement, text, most, question["format"])
        if len(body) > LARGEST_ANSWER_BYTES:
            return _reply("out_of_memory", ""), b""
        return {**_reply("answered", ""), "row_count": count, "is_truncated": is_truncated, "size": len(body)}, body

    def _take_statement(self, session: Connection, text: str) -> duckdb.Statement:
        statements = extract_statements(session, text)
        # A PIVOT is one query of the user: before 2.0 DuckDB takes it apart, and what it adds has no text.
        *before, last = statements
        is_pivot = last.type == duckdb.StatementType.MULTI
        if any(statement.query.strip() for statement in before) or not (last.type in ANSWERING or is_pivot):
            raise QueryError(REFUSED)
        for statement in before:
            session.execute(statement)
        return last

    def _write(
        self, session: Connection, statement: duckdb.Statement, text: str, most: int, file_format: Format
    ) -> tuple[bytes, int, bool]:
        try:
            relation = session.sql(statement)
        except (duckdb.BinderException, duckdb.CatalogException):
            session.execute(statement)  # says where the fault is
            raise
        writer = self._writer
        writer.register("streamed", relation.__arrow_c_stream__())
        try:
            writer.execute(f"create or replace table held as select * from streamed limit {most + 1:d}")
            (count,) = writer.execute("select count(*) from held").fetchone() or (0,)
            writer.execute(f"create or replace view result as select * from held limit {most:d}")
            with os.fdopen(os.memfd_create("answer"), "rb") as answer:
                write_table(writer, "result", file_format, Path(f"/proc/self/fd/{answer.fileno()}"))
                answer.seek(0)
                return answer.read(LARGEST_ANSWER_BYTES + 1), min(count, most), count > most
        finally:
            writer.unregister("streamed")
            writer.execute("drop view if exists result")
            writer.execute("drop table if exists held")

    def _read_settings(self) -> list[Any]:
        with self._connection.cursor() as session:
            return session.execute("select name, value from duckdb_settings() order by name").fetchall()

    def _is_as_before(self) -> bool:
        # enable_logging() and its like change settings although they are locked, and one can break every later query.
        try:
            return self._read_settings() == self._settings
        except (duckdb.Error, MemoryError):
            return False


_WARM_UP: Question = {
    "sql": EVERY_KIND, "as_of": None, "known_at": "2024-01-01T00:00:00+00:00", "most_rows": 1, "seconds": 30.0,
    "format": "json",
}  # fmt: skip


def _reply(outcome: Any, detail: str, line: int | None = None, column: int | None = None) -> Reply:
    return {
        "outcome": outcome, "snapshot_id": 0, "detail": detail[:10_000], "line": line, "column": column,
        "row_count": 0, "is_truncated": False, "size": 0, "is_last": False,
    }  # fmt: skip


def _refuse(error: QueryError) -> Reply:
    return _reply("refused", str(error), error.line, error.column)


def _write_json(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= LARGEST_EXACT_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return float(value) if Decimal(repr(float(value))) == value else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case list() | tuple():
            return [_write_json(held) for held in value]
        case dict():
            return {key if isinstance(key, str) else str(key): _write_json(held) for key, held in value.items()}
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case timedelta() | UUID():
            return str(value)
        case _:
            return str(value)


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    block = stream.read(size)
    if len(block) < size:
        # The service has gone, or wants no more.
        sys.exit(0)
    return block


def main(copies: Path, copy: str, spill: Path, threads: int, memory_bytes: int) -> None:
    """Answer until standard input ends."""
    questions, replies = sys.stdin.buffer, sys.stdout.buffer
    try:
        limit_resources(memory_bytes, memory_bytes)
        worker = Worker(copies, copy, spill, threads, memory_bytes)
        has_landlock = isolate(copies, spill)
        worker.reopen()
        has_seccomp = deny_sockets_and_processes()
    except (duckdb.Error, OSError, ValueError) as error:
        replies.write(encode({"error": str(error)}))
        replies.flush()
        return
    replies.write(encode({"has_landlock": has_landlock, "has_seccomp": has_seccomp}))
    replies.flush()
    while True:
        (length,) = LENGTH.unpack(_read_exactly(questions, LENGTH.size))
        reply, body = worker.answer(json.loads(_read_exactly(questions, length)))
        replies.write(encode(reply))
        replies.write(body)
        replies.flush()
        if reply["is_last"]:
            # Without the ending of a database that may be broken.
            os._exit(0)
