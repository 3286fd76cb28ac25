"""The file `access.sqlite`: opened for each transaction, migrated, readable by the user of the service only.

In a lake, the store is in PostgreSQL (`service/lake/access_store.py`), so statements are in the SQL that both have, and tests
run on both. The column `user` is written `"user"` or with its table: in PostgreSQL the word alone is the user of the database.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from service.errors import AccessUnavailable
from service.settings import find_in_tree
from service.system.disk import has_no_inode

WAIT_SECONDS = 5.0
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Row(Protocol):
    """A row, whose values are read by the name or the number of a column."""

    def __getitem__(self, column: str | int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class Rows(Protocol):
    """The rows of a statement, or the number of those that it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection to the store; parameters are written `?`."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> Rows: ...


def write_time(moment: datetime) -> str:
    """Return a time as the store holds it; the text sorts like the time."""
    return moment.astimezone(UTC).strftime(TIME_FORMAT)


def read_time(text: str) -> datetime:
    """Return a time of the store."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)


class AccessStore:
    """The database of users, tokens, sessions and the audit in a data directory.

    Replicas of a lake share another, which is derived from this. `writer` names the replica, and is empty for a file, which one
    process has.

    The file is made at the first transaction. A store with `is_read_only` neither makes nor migrates it. Every method raises
    AccessUnavailable when it cannot be read or written.
    """

    writer = ""

    def __init__(self, file: Path, clock: Callable[[], datetime], is_read_only: bool = False) -> None:
        self.file = file
        self.clock = clock
        self._mode = "ro" if is_read_only else "rw"
        self._is_prepared = False
        self._preparing = threading.Lock()

    def now(self, later: timedelta = timedelta()) -> str:
        """Return the present time, or a later one, as the store holds it."""
        return write_time(self.clock() + later)

    def __str__(self) -> str:
        return str(self.file)

    def exists(self) -> bool:
        """Return whether anything was stored yet."""
        return self.file.exists()

    def close(self) -> None:
        """Close idle connections. The store can still be used."""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading."""
        with self._connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a write transaction, committed at the end, rolled back on an exception."""
        with self._connect() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def copy(self, target: Path) -> None:
        """Write a consistent copy of the database; the target must not exist. Raises AccessUnavailable."""
        with self._connect() as connection:
            # The copy holds password hashes: private from its first byte.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            copy = sqlite3.connect(target)
            try:
                connection.backup(copy)
            finally:
                copy.close()

    def replace(self, file: Path) -> None:
        """Replace all rows by those of a file, without its sessions and links. A file is replaced itself instead."""
        raise NotImplementedError

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self._is_prepared:
                with self._preparing:
                    self._prepare()
            connection = self._open()
            try:
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            if "disk is full" in str(error) or has_no_inode(self.file.parent):
                raise AccessUnavailable(
                    f"no space or no inode is left in {self.file.parent}; free some space. Nothing was changed"
                ) from None
            raise AccessUnavailable(f"the users and the audit in {self.file} cannot be used: {error}") from None
        except OSError as error:
            raise AccessUnavailable(f"the users and the audit in {self.file} cannot be used: {error.strerror}") from None

    def _open(self) -> sqlite3.Connection:
        # A file that was deleted while the service runs is not made anew: that would be a store without users.
        connection = sqlite3.connect(
            f"{self.file.absolute().as_uri()}?mode={self._mode}", uri=True, timeout=WAIT_SECONDS, isolation_level=None
        )
        connection.row_factory = sqlite3.Row
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma synchronous = full")
        return connection

    def _prepare(self) -> None:
        if self._is_prepared:
            return
        if self._mode == "ro":
            self._check_version()
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if not self.file.exists():
            os.close(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600))
        connection = self._open()
        try:
            # A current database is not written: the disk may be read-only.
            if connection.execute("pragma user_version").fetchone()[0] != list_migrations()[-1][0]:
                connection.execute("begin immediate")
                migrate(connection, self.file)
                connection.commit()
        finally:
            connection.close()
        self._is_prepared = True

    def _check_version(self) -> None:
        with closing(self._open()) as connection:
            (version,) = connection.execute("pragma user_version").fetchone()
        if not 1 <= version <= list_migrations()[-1][0]:
            raise AccessUnavailable(f"{self.file} is not a database of users, or was written by a newer release")
        self._is_prepared = True


def list_migrations() -> list[tuple[int, Path]]:
    """Return number and file of each migration of this release, in order."""
    return [(int(file.name.partition("_")[0]), file) for file in sorted((find_in_tree("sql") / "access").glob("*.sql"))]


def migrate(connection: sqlite3.Connection, file: Path) -> None:
    """Apply the migrations that a database lacks, within its transaction. Raises AccessUnavailable for a newer one."""
    (version,) = connection.execute("pragma user_version").fetchone()
    migrations = list_migrations()
    if version > migrations[-1][0]:
        raise AccessUnavailable(f"{file} was written by a newer release; start that release, or restore an older copy")
    for number, migration in migrations:
        if number > version:
            for statement in _split_statements(migration.read_text(encoding="utf-8")):
                connection.execute(statement)
            # A pragma takes no parameters; the number is from the name of a file of this release.
            connection.execute(f"pragma user_version = {number}")


def _split_statements(script: str) -> Iterator[str]:
    # executescript would commit the transaction first.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
