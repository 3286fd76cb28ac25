"""The rows of an access store, copied between a file and PostgreSQL, and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from service.access.store import Connection
from service.lake.pool import SharedConnection

# In an order in which references are to rows that exist. The names of columns with numbers that the database gives.
TABLES = {
    "users": None,
    "grants": None,
    "tokens": "id",
    "sessions": None,
    "links": None,
    "attempts": None,
    "audit_begun": "id",
    "audit": None,
    "saved_queries": "id",
    "idempotency_keys": None,
    "settings": None,
    "submissions": "submission_id",
    "submission_events": "event_id",
    "submission_comments": "comment_id",
    "lock_exceptions": "exception_id",
    "outbox": "message_id",
    "reminders": None,
}
# Rows in memory at a time. Those of submissions have up to 10 MB each.
PART_ROWS, PART_FILES = 1_000, 4


def copy_rows(source: Connection, target: Connection) -> None:
    """Append all rows of `source` to the empty tables of `target`, within transactions."""
    for table, numbered in TABLES.items():
        columns = _list_columns(source, table)
        rows = _read(source, table, columns)
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" for _ in columns)
        while part := list(islice(rows, _find_part(table))):
            target.executemany(f"insert into {table} ({names}) values ({marks})", part)
        if numbered and isinstance(target, SharedConnection):
            target.execute(
                f"select setval(pg_get_serial_sequence('{table}', '{numbered}'), coalesce(max({numbered}), 0) + 1, false) "
                f"from {table}"
            )


def clear_rows(connection: Connection) -> None:
    """Delete all rows in PostgreSQL, also those that are never deleted otherwise."""
    connection.execute(f"truncate {', '.join(TABLES)} restart identity")


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES}


def digest_rows(connection: Connection, tables: Iterable[str] = TABLES) -> dict[str, tuple[int, int]]:
    """Return the number of rows of each table, and a digest of all their values, in any order."""
    found = {}
    for table in tables:
        count, digest = 0, 0
        for row in _read(connection, table, sorted(_list_columns(connection, table))):
            count += 1
            digest = (digest + int.from_bytes(hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).digest())) % (1 << 256)
        found[table] = (count, digest)
    return found


def _list_columns(connection: Connection, table: str) -> list[str]:
    if isinstance(connection, SharedConnection):
        rows = connection.execute(
            "select column_name as name from information_schema.columns where table_schema = current_schema() "
            "and table_name = ? order by ordinal_position",
            [table],
        )
    else:
        rows = connection.execute("select name from pragma_table_info(?)", [table])
    return [row["name"] for row in rows]


def _read(connection: Connection, table: str, columns: Sequence[str]) -> Iterator[list[Any]]:
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f"select {names} from {table}"
    if isinstance(connection, SharedConnection):
        rows: Iterable[Any] = connection.stream(statement, _find_part(table))
    else:
        rows = connection.execute(statement)
    return (list(row) for row in rows)


def _find_part(table: str) -> int:
    return PART_FILES if table == "submissions" else PART_ROWS
