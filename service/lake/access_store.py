"""The access store that the replicas of a lake share: a schema in its PostgreSQL, with the tables of `access.sqlite`."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import psycopg

from service.access.store import AccessStore, Connection
from service.errors import AccessError, AccessUnavailable
from service.lake.access_rows import clear_rows, copy_rows, count_rows, digest_rows
from service.lake.address import LakeAddress
from service.lake.locks import LOCK_CLASS
from service.lake.pool import SCHEMA, Pool, SharedConnection
from service.settings import find_in_tree

log = logging.getLogger(__name__)

# Beside those of `service/lake/locks.py`.
ACCESS_LOCK = 3
# The newest hash of the audit in the file whose rows were moved here.
MOVED = "moved_from"
# A lake with rows in these is in use; the others may have some from its start.
NEVER_REPLACED = ("users", "tokens", "audit", "saved_queries", "submissions")


class SharedStore(AccessStore):
    """The users, tokens, sessions, the audit and collection rounds of a lake.

    Its tables are created at the first use. `file` is `access.sqlite` of this replica, from before the lake had users: its rows
    are moved if the lake has none. Write transactions of all replicas run one after another.
    """

    def __init__(self, address: LakeAddress, file: Path, clock: Callable[[], datetime]) -> None:
        super().__init__(file, clock)
        self.address = address
        self.writer = f"{socket.gethostname()}:{file.parent.absolute()}"
        self._pool = Pool(address)
        self._is_ready = False
        self._making_ready = threading.Lock()

    def __str__(self) -> str:
        return str(self.address)

    def exists(self) -> bool:
        return True

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self._make_ready()
        with self._pool.borrow() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self._make_ready()
        with self._begin() as connection:
            yield connection

    def copy(self, target: Path) -> None:
        """Write all rows to a new file like `access.sqlite`; the target must not exist. Raises AccessUnavailable."""
        self._make_ready()
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with self._pool.borrow() as source, AccessStore(target, self.clock).write() as file:
            # All rows of one moment.
            source.execute("begin isolation level repeatable read read only")
            copy_rows(source, file)
            source.execute("commit")

    def move_file(self) -> dict[str, int]:
        """Move the rows of `file`, which is not changed, to the empty tables. Return the number of rows of each table.

        Does nothing if they were moved before. Raises AccessError if the lake has other users or the file is damaged, and
        AccessUnavailable.
        """
        self._make_ready(moves_file=False)
        with self._begin() as connection:
            return self._move(connection)

    def replace(self, file: Path) -> None:
        """Replace all rows by those of a file, without its sessions and links. Raises AccessError while replicas run."""
        self._make_ready()
        with self._begin() as connection:
            (others,) = connection.execute(
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
                "and application_name like 'a4p%'"
            ).fetchone()
            if others:
                raise AccessError(
                    f"replicas of the service have {others} connections to {self.address}; stop all replicas first"
                )
            clear_rows(connection)
            self._fill(connection, file)
            connection.execute("delete from sessions")
            connection.execute("delete from links")

    @contextmanager
    def _begin(self) -> Iterator[SharedConnection]:
        with self._pool.borrow() as connection:
            # The first statement after the lock must see what the transaction before it has committed.
            connection.execute("begin isolation level read committed")
            try:
                connection.execute("select pg_advisory_xact_lock(?, ?)", [LOCK_CLASS, ACCESS_LOCK])
                yield connection
            except BaseException:
                with suppress(psycopg.Error):
                    connection.execute("rollback")
                raise
            connection.execute("commit")

    def _make_ready(self, moves_file: bool = True) -> None:
        """Create or upgrade the tables, and move the rows of the file to new ones."""
        if self._is_ready:
            return
        with self._making_ready:
            if self._is_ready:
                return
            newest = list_shared_migrations()[-1][0]
            with self._pool.borrow() as connection:
                is_current = find_version(connection) == newest
            if not is_current:
                with self._begin() as connection:
                    self._migrate(connection)
            if moves_file:
                self._move_or_warn()
                self._is_ready = True

    def _migrate(self, connection: SharedConnection) -> None:
        migrations, version = list_shared_migrations(), find_version(connection)
        if version > migrations[-1][0]:
            raise AccessUnavailable(
                f"the users and the audit in {self.address} were changed by a newer release; upgrade this replica"
            )
        if version == 0 and not connection.execute("select 1 from pg_namespace where nspname = ?", [SCHEMA]).fetchone():
            connection.execute(f"create schema {SCHEMA}")
        for number, migration in migrations:
            if number > version:
                connection.run_script(migration.read_text(encoding="utf-8"))
                connection.execute("update version set version = ?", [number])

    def _move_or_warn(self) -> None:
        if not self.file.exists():
            return
        try:
            with self._begin() as connection:
                moved = self._move(connection)
        except AccessError as error:
            log.warning("%s", error)
            return
        if moved:
            log.warning(
                "the users and the audit of %s were moved to %s; the file is not used any more", self.file, self.address
            )

    def _move(self, connection: SharedConnection) -> dict[str, int]:
        if not self.file.exists():
            return {}
        file = AccessStore(self.file, self.clock, is_read_only=True)
        with self._explain_damage():
            newest = _find_newest_hash(file)
        moved = connection.execute("select value from settings where name = ?", [MOVED]).fetchone()
        if moved is not None and moved["value"] == newest:
            return {}
        present = count_rows(connection)
        if any(present[table] for table in NEVER_REPLACED):
            raise AccessError(
                f"{self.file} was not moved: {self.address} has users or an audit already. Delete the file if it is not "
                f"needed; to use it instead of those, stop all replicas and run 'a4p restore --access {self.file}'"
            )
        with self._explain_damage():
            _check_pages(file)
        clear_rows(connection)
        counts = self._fill(connection, self.file)
        connection.execute("insert into settings values (?, ?)", [MOVED, newest])
        return counts

    @contextmanager
    def _explain_damage(self) -> Iterator[None]:
        """Raise AccessError when the file cannot be read, as the lake works without it."""
        try:
            yield
        except AccessUnavailable as error:
            raise AccessError(
                f"{error}. The file was not moved: users and the audit are those in {self.address}. Delete the file if it is "
                "not needed; to use a copy of it instead of those, stop all replicas and run 'a4p restore --access COPY'"
            ) from None

    def _fill(self, connection: SharedConnection, file: Path) -> dict[str, int]:
        """Copy the rows of a file, which may be of an earlier release, to the empty tables, and compare them."""
        folder = self.file.parent / "tmp"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="access-", dir=folder) as directory:
            copy = Path(directory) / "access.sqlite"
            AccessStore(file, self.clock, is_read_only=True).copy(copy)
            with AccessStore(copy, self.clock).write() as source:
                copy_rows(source, connection)
                counts = count_rows(source)
                for table, digest in digest_rows(source).items():
                    if digest_rows(connection, [table]) != {table: digest}:
                        raise AccessError(
                            f"the rows of {table} in {self.address} differ from those of {file}; nothing was moved"
                        )
        return counts


def list_shared_migrations() -> list[tuple[int, Path]]:
    """Return number and file of each migration of the shared store, in order. The first creates the tables."""
    folder = find_in_tree("sql") / "access" / "postgres"
    return [(int(file.name.partition("_")[0]), file) for file in sorted(folder.glob("*.sql"))]


def find_version(connection: Connection) -> int:
    """Return the version of the tables, 0 without any."""
    # `to_regclass` would answer from what this connection knew before it had the lock.
    if not connection.execute("select 1 from pg_tables where schemaname = ? and tablename = 'version'", [SCHEMA]).fetchone():
        return 0
    return int(connection.execute("select version from version").fetchone()[0])


def _find_newest_hash(store: AccessStore) -> str:
    with store.read() as connection:
        row = connection.execute("select value from settings where name = 'audit_newest'").fetchone()
    return str(row["value"]) if row else ""


def _check_pages(store: AccessStore) -> None:
    with store.read() as connection:
        (found,) = connection.execute("pragma integrity_check(1)").fetchone()
    if found != "ok":
        raise AccessUnavailable(f"{store} is damaged ({' '.join(str(found).split())})")
