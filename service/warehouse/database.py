"""The warehouse file: opening, migrating and checkpointing it, and its single write transaction at a time."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from service.errors import WarehouseError, WarehouseLocked, WarehouseLost
from service.settings import MAX_TEMP_BYTES, find_in_tree
from service.system.disk import check_space, measure_free_bytes, translate_write_error
from service.warehouse.manifest import check_nothing_lost, count_rows, find_manifest, read_manifest

log = logging.getLogger(__name__)

STORAGE_VERSION = "v1.5.0"
DUCKDB_CONFIG = {
    "storage_compatibility_version": STORAGE_VERSION,
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}

# The digest of all views is at the end of the comment of one of them: a release that creates the views again removes it.
READ_VIEWS_DIGEST = (
    "select comment, (select max(version) from store.migrations) from duckdb_views() "
    "where schema_name = 'store' and view_name = 'newest_kpis' and database_name = current_database()"
)

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
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in row.items() if name in names}, **further)


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
        self._max_temp_bytes = max_temp_bytes
        self.is_new = is_new
        self._reconnect = connect
        self._connection = connect()
        self._accepted_at = accepted_at
        self._identity = identify_file(file)
        self._write_lock = threading.Lock()

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

    def limit_temp_files(self) -> None:
        """Limit temporary files to `max_temp_bytes`, or to 90 % of the free disk space if that is less."""
        # DuckDB rejects a limit below the current use of other sessions. The previous limit then remains.
        with suppress(duckdb.Error, OSError), self._connection.cursor() as cursor:
            limit = min(self._max_temp_bytes, measure_free_bytes(self.file.parent) * 9 // 10)
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


def prepare_directory(directory: Path) -> None:
    """Create the data directory if it does not exist. Raises WarehouseError when it is not writable."""
    try:
        if not directory.is_dir():
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o750)
        probe = directory / ".write-probe"
        probe.touch()
        probe.unlink(missing_ok=True)  # another command may probe at the same time
    except OSError as error:
        if unwritable := translate_write_error(error, directory):
            raise unwritable from None
        raise WarehouseError(
            f"the data directory {directory} cannot be written ({error.strerror}); "
            "correct its permissions, or set A4P_DATA_DIR to another directory"
        ) from None


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


def check_not_held(file: Path) -> None:
    """Raise WarehouseLocked when another process has the warehouse open. A missing or damaged file is not locked."""
    if not file.exists():
        return
    try:
        duckdb.connect(str(file), read_only=True).close()
    except duckdb.Error as error:
        translated = translate_open_error(error, file)
        if isinstance(translated, WarehouseLocked):
            raise translated from None


def open_warehouse(
    file: Path,
    threads: int,
    memory_limit: str,
    accept_loss: bool = False,
    clock: Callable[[], datetime] | None = None,
    max_temp_bytes: int = MAX_TEMP_BYTES,
) -> Warehouse:
    """Open the warehouse for writing. Create it if it does not exist, and update its tables and views.

    Raises WarehouseLocked when another process has it open, WarehouseLost when it is missing where one existed or has fewer
    rows than were recorded (not with `accept_loss`), WarehouseError when it is not a warehouse, is damaged, or was created
    by a newer version.
    """
    prepare_directory(file.parent)
    manifest = read_manifest(find_manifest(file))
    accepted_at = manifest.accepted_at if manifest else None
    if accept_loss:
        accepted_at = (clock or read_clock)()
    else:
        check_nothing_lost(file)
    is_new = not file.exists()
    if is_new:
        _set_log_aside(file)
    connect = partial(_connect, file, threads, memory_limit, max_temp_bytes)
    warehouse = Warehouse(connect, file, is_new, accepted_at, max_temp_bytes)
    try:
        migrate(warehouse)
    except BaseException:
        warehouse.close()
        raise
    return warehouse


def _connect(file: Path, threads: int, memory_limit: str, max_temp_bytes: int) -> Connection:
    try:
        connection = duckdb.connect(
            str(file),
            config={
                **DUCKDB_CONFIG,
                "threads": str(threads),
                "memory_limit": memory_limit,
                "temp_directory": str(file.parent / "tmp"),
            },
        )
        connection.execute("set global TimeZone = 'UTC'")
        # DuckDB 1.5.5 ignores this limit in `config`.
        connection.execute(f"set global max_temp_directory_size = '{max_temp_bytes}B'")
    except duckdb.Error as error:
        raise translate_open_error(error, file) from None
    return connection


def _set_log_aside(file: Path) -> None:
    # The log of a deleted warehouse does not belong to the new one.
    log_file = file.with_name(file.name + ".wal")
    if log_file.exists():
        log_file.rename(log_file.with_name(f"{log_file.name}.without-warehouse"))


def open_copy(file: Path) -> Connection:
    """Open a read copy or backup for reading. Raises WarehouseError when it does not exist or is not a warehouse."""
    if not file.exists():
        raise WarehouseError(f"{file} does not exist; start the service once, or set A4P_DATA_DIR to another directory")
    try:
        connection = duckdb.connect(str(file), read_only=True, config={"python_enable_replacements": "false"})
        connection.execute("set TimeZone = 'UTC'")
    except duckdb.Error as error:
        raise translate_open_error(error, file) from None
    return connection


def translate_open_error(error: duckdb.Error, file: Path) -> WarehouseError | WarehouseLocked:
    """Return the service error for a failure to open a DuckDB file."""
    text = str(error)
    if unwritable := translate_write_error(error, file.parent):
        return unwritable
    if "Could not set lock" in text or "Conflicting lock" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        return WarehouseLocked(f"{file} is in use by {who}; stop it, or set A4P_DATA_DIR to another directory")
    if "newer version" in text or "storage version" in text.lower():
        return WarehouseError(f"{file} was written by a newer version of DuckDB; upgrade this service to open it")
    first_line = text.splitlines()[0]
    return WarehouseError(f"{file} cannot be opened ({first_line}); restore a backup with 'a4p restore'")


def list_migrations() -> list[tuple[int, str]]:
    """Return number and name of each migration of this release, in order."""
    files = sorted((find_in_tree("sql") / "migrations").glob("*.sql"))
    return [(int(file.stem.split("_")[0]), file.stem) for file in files]


def migrate(warehouse: Warehouse) -> None:
    """Apply the pending migrations, and create the views again when they differ from those of this release.

    Raises WarehouseError when the warehouse has a migration that this version does not know, or belongs to another program.
    """
    with warehouse.cursor() as cursor:
        if is_migrated(cursor):
            return
    with warehouse.write() as cursor:
        tables = set(
            cursor.execute(
                "select schema_name, table_name from duckdb_tables() "
                "union all select schema_name, view_name from duckdb_views() where not internal"
            ).fetchall()
        )
        if tables and ("store", "migrations") not in tables:
            raise WarehouseError(
                f"{warehouse.file} is a DuckDB database but not an A4P+ warehouse; set A4P_DATA_DIR to another directory"
            )
        run_sql(cursor, "definitions/prepare_migrations")
        applied = {version for (version,) in cursor.execute("select version from store.migrations").fetchall()}
        version = max(applied, default=0)
        known = list_migrations()
        if version > known[-1][0]:
            raise WarehouseError(
                f"{warehouse.file} was created by a newer version of this service (its tables are version {version}, "
                f"this version supports {known[-1][0]}); upgrade the service, or set A4P_DATA_DIR to another directory"
            )
        for number, name in known:
            if number not in applied:
                run_sql(cursor, f"migrations/{name}")
                cursor.execute("insert into store.migrations values (?, ?, ?)", [number, name, read_clock()])
    with warehouse.write() as cursor:
        for name in list_sql("views"):
            run_sql(cursor, name)
        make_reconciliation(cursor)
        for (statement,) in run_sql(cursor, "schema/list_column_comments").fetchall():
            cursor.execute(statement)
        ((comment, _),) = cursor.execute(READ_VIEWS_DIGEST).fetchall()
        cursor.execute(f"comment on view store.newest_kpis is '{comment} {digest_views()}'")


def list_sql(folder: str) -> list[str]:
    """Return the names of the SQL files in a folder of `sql`, as `run_sql` takes them, in their order."""
    return [f"{folder}/{file.stem}" for file in sorted((find_in_tree("sql") / folder).glob("*.sql"))]


@cache
def digest_views() -> str:
    """Return a digest of the names of the migrations, of all SQL that creates views, and of the version of DuckDB."""
    names = [*list_sql("views"), *list_sql("checks/reconciliation"), *list_sql("definitions"), "schema/list_column_comments"]
    parts = [duckdb.__version__, *(name for _, name in list_migrations()), *map(read_sql, names)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_migrated(cursor: Connection) -> bool:
    """Return whether the warehouse has the tables and views of this release. Creating the views takes a quarter of a second."""
    try:
        stored = cursor.execute(READ_VIEWS_DIGEST).fetchone()
    except duckdb.CatalogException:  # no table of migrations
        return False
    return stored is not None and (stored[0] or "").endswith(digest_views()) and stored[1] == list_migrations()[-1][0]


def make_reconciliation(cursor: Connection) -> None:
    """Create the view `reconciliation`: the rows of every query in sql/checks/reconciliation."""
    queries = [f"({read_sql(name)})" for name in list_sql("checks/reconciliation")]
    compared = "\nunion all by name\n".join(f"select * from {query}" for query in queries)
    cursor.execute(
        f"""
        create or replace view reconciliation as
        select
            check_name, expected, computed, computed - expected as difference,
            abs(computed - expected) <= tolerance as agrees, note
        from (
            -- Read once for all comparisons: 5 times faster with a million rows.
            with observations as materialized (select * from main.observations)
            {compared}
        )
        order by check_name
        """
    )
    run_sql(cursor, "definitions/comment_reconciliation")


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
