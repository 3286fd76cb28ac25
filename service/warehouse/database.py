"""The open warehouse: sessions, its single write transaction at a time, and SQL from files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from service.errors import WarehouseLost
from service.settings import MAX_TEMP_BYTES, find_in_tree
from service.system.disk import check_space, measure_free_bytes, translate_write_error
from service.warehouse.manifest import count_rows, find_manifest

log = logging.getLogger(__name__)

# The largest backward step of a clock that is corrected while it runs. Rows further ahead were recorded by a wrong clock.
MAX_CORRECTION = timedelta(minutes=5)

Row = TypeVar("Row")
Connection = duckdb.DuckDBPyConnection


@cache
def read_sql(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return (find_in_tree("sql") / f"{name}.sql").read_text(encoding="utf-8")


def run_sql(connection: Connection, name: str, **parameters: object) -> Connection:
    """Run every statement of `sql/<name>.sql` with the named parameters it uses. Return the last result."""
    for statement in connection.extract_statements(read_sql(name)):
        bound = {key: parameters[key] for key in statement.named_parameters}
        connection.execute(statement, bound or None)
    return connection


def read_rows(result: Connection) -> list[dict[str, Any]]:
    """Return the rows of a small result, each a dictionary by column."""
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def make_object(kind: type[Row], row: Mapping[str, Any], **further: Any) -> Row:
    """Return a dataclass with the fields that a row has by name, and further ones. Other columns are ignored.

    Raises TypeError if a field without default is missing.
    """
    names = _list_fields(kind)  # type: ignore[arg-type]
    if row.keys() <= names:
        return kind(**row, **further)
    return kind(**{name: value for name, value in row.items() if name in names}, **further)


@cache
def _list_fields(kind: type[object]) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))  # type: ignore[arg-type]


def read_objects(result: Connection, kind: type[Row]) -> list[Row]:
    """Return the rows of a small result as dataclasses, bound by the names of the columns."""
    return [make_object(kind, row) for row in read_rows(result)]


def read_clock() -> datetime:
    """Return the time now, UTC."""
    return datetime.now(UTC)


class Warehouse:
    """An open warehouse. Readers use `cursor()`, writers use `write()`. Both see committed states only.

    After each commit the manifest beside the file records what was committed.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        file: Path,
        is_new: bool = False,
        accepted_at: datetime | None = None,
        max_temp_bytes: int = MAX_TEMP_BYTES,
    ) -> None:
        self.file = file
        self.max_temp_bytes = max_temp_bytes
        self.is_new = is_new
        self._reconnect = connect
        self._connection = connect()
        self._accepted_at = accepted_at
        self._identity = identify_file(file)
        self._write_lock = threading.Lock()
        # Since it was opened: the same number means the same content.
        self.commits = 0

    def cursor(self) -> Connection:
        """Return a new session on the same database: variables and temporary tables are not shared."""
        return self._connection.cursor()

    @contextmanager
    def write(self, session: Connection | None = None) -> Iterator[Connection]:
        """Open the write transaction. It is committed at the end, or rolled back on any exception.

        It runs in `session`, with its temporary tables, or in a new session if none is given.
        """
        with self._write_lock:
            self.check_file()
            cursor = self._connection.cursor() if session is None else session
            cursor.begin()
            try:
                yield cursor
                cursor.commit()
                self.commits += 1
            except duckdb.Error as error:
                with suppress(duckdb.Error):
                    cursor.rollback()
                translated = translate_write_error(error, self.file.parent)
                if translated is None:
                    raise
                raise translated from None
            except BaseException:
                # A failed commit has already rolled back. On a full disk the rollback fails too: raise the first error.
                with suppress(duckdb.Error):
                    cursor.rollback()
                raise
            finally:
                if session is None:
                    cursor.close()
            self._write_manifest()

    def write_cache(self) -> AbstractContextManager[Connection]:
        """Open the write transaction for tables that are computed from others, in a new session."""
        return self.write()

    def limit_temp_files(self) -> None:
        """Limit temporary files to `max_temp_bytes`, or to 90 % of the free disk space if that is less."""
        # DuckDB rejects a limit below the current use of other sessions. The previous limit then remains.
        with suppress(duckdb.Error, OSError), self._connection.cursor() as cursor:
            limit = min(self.max_temp_bytes, measure_free_bytes(self.file.parent) * 9 // 10)
            cursor.execute(f"set global max_temp_directory_size = '{limit}B'")

    def check_file(self) -> None:
        """Raise WarehouseLost when the file was deleted or replaced since it was opened."""
        if identify_file(self.file) != self._identity:
            raise WarehouseLost(
                f"{self.file} was deleted or replaced while the service ran, so nothing is written to it. The service still "
                "has its content: run 'a4p backup FILE', stop the service, then run 'a4p restore FILE'"
            )

    def restore_log(self) -> bool:
        """Checkpoint a deleted write-ahead log into the file. Return whether the log was deleted."""
        with self._write_lock:
            if not is_log_deleted(self.file):
                return False
            with self._connection.cursor() as cursor:
                cursor.execute("force checkpoint")
            return True

    def _write_manifest(self) -> None:
        # The commit is on disk already. An outdated manifest counts fewer rows, which no check reports as a loss.
        try:
            with self._connection.cursor() as cursor:
                count_rows(cursor, self._accepted_at).write(find_manifest(self.file))
        except (OSError, duckdb.Error) as error:
            log.warning("the manifest of %s could not be written: %s", self.file, error)

    @contextmanager
    def rehearse(self, session: Connection) -> Iterator[Connection]:
        """Open the write transaction in `session` and always roll it back at the end."""
        with self._write_lock:
            session.begin()
            try:
                yield session
            finally:
                with suppress(duckdb.Error):  # an error may have rolled back already
                    session.rollback()

    def checkpoint(self) -> None:
        """Move the content of the write-ahead log into the file. Raises WarehouseUnwritable when the disk is too full."""
        with self._write_lock, self._connection.cursor() as cursor:
            log_file = self.file.with_name(self.file.name + ".wal")
            # A checkpoint that runs out of space makes the whole database unusable until it is opened again.
            check_space(self.file.parent, 2 * (log_file.stat().st_size if log_file.exists() else 0))
            cursor.execute("checkpoint")

    def recover(self) -> bool:
        """Open the database again when DuckDB invalidated it after a fatal error. Return whether that was needed.

        Committed data is in the file or its log. Raises WarehouseError when it cannot be opened.
        """
        with self._write_lock:
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute("select 1")
                return False
            except (duckdb.FatalException, duckdb.ConnectionException):
                log.error("the warehouse %s is opened again after a fatal error", self.file)
            self.check_file()
            self._connection.close()
            self._connection = self._reconnect()
            return True

    def close(self) -> None:
        self._connection.close()


def identify_file(file: Path) -> tuple[int, int] | None:
    """Return the identity of a file (device and inode), or None if it does not exist."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_log_deleted(file: Path) -> bool:
    """Return whether this process has a write-ahead log of the file open that was deleted (Linux)."""
    deleted = f"{file.resolve()}.wal (deleted)"
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if str(descriptor.readlink()) == deleted:
                return True
    return False


def next_recorded_at(cursor: Connection, now: datetime) -> datetime:
    """Return `now`, or a microsecond after the newest batch if the clock has not passed it.

    A later batch then has a later time, so that known_at and batch_id sort revisions in the same order. A batch further
    ahead was recorded while the clock was wrong. It does not affect later batches, and `a4p doctor` reports it.
    """
    newest: datetime | None
    (newest,) = cursor.execute("select max(recorded_at) from store.batches").fetchone() or (None,)
    if newest is not None and now <= newest <= now + MAX_CORRECTION:
        return newest + timedelta(microseconds=1)
    return now


def after_newest(cursor: Connection, table: str, column: str, now: datetime) -> datetime:
    """Return `now`, or a microsecond after the newest time in a column of `store` by which its rows are sorted.

    Unlike batches these rows have no number: a row with an earlier time would never be the newest.
    """
    newest: datetime | None
    (newest,) = cursor.execute(f"select max({column}) from store.{table}").fetchone() or (None,)
    return now if newest is None or newest < now else newest + timedelta(microseconds=1)
