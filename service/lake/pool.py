"""Connections to PostgreSQL for the access store: few, opened again after a loss, and never waited for without an end."""

from __future__ import annotations

import logging
import re
import select
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import pq

from service.access.store import WAIT_SECONDS, Rows
from service.errors import AccessUnavailable
from service.lake.address import LakeAddress
from service.lake.connection import LimitedConnection, NoAnswer

log = logging.getLogger(__name__)

SCHEMA = "a4p_access"
APPLICATION_NAME = "a4p access"
MAX_CONNECTIONS, MAX_IDLE = 8, 4
# The server ends a statement after this time, and a transaction whose process stopped, so that others can write.
STATEMENT_SECONDS, IDLE_SECONDS = 20, 60
# Longer than the server's: for a server that does not answer at all.
ANSWER_SECONDS = 25.0
# After a connection failed or was not answered, requests fail at once for this time: a host that does not answer takes
# CONNECT_SECONDS each time.
RETRY_SECONDS = 2.0
# The word alone; a comparison with the user of the database would be false, silently.
BARE_USER = re.compile(r'(?<![\w".])user(?![\w"])', re.IGNORECASE)


class Row:
    """A row as that of SQLite: values by name or number, in order, and as a dictionary."""

    __slots__ = ("_names", "_values")

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        self._names = names
        self._values = values

    def __getitem__(self, column: str | int) -> Any:
        return self._values[column if isinstance(column, int) else self._names.index(column)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> Sequence[str]:
        """Return the names of the columns."""
        return self._names


def _make_rows(cursor: psycopg.Cursor[Any]) -> Any:
    names = [column.name for column in cursor.description or ()]
    return lambda values: Row(names, values)


class SharedConnection:
    """A connection that takes statements and parameters as SQLite does."""

    def __init__(self, connection: LimitedConnection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement with `?` for each parameter."""
        return self._connection.execute(_translate(statement).encode(), _clean(parameters))

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Run a statement for each list of parameters."""
        cursor = self._connection.cursor()
        cursor.executemany(_translate(statement).encode(), [_clean(row) for row in parameters])
        return cursor

    def run_script(self, script: str) -> None:
        """Run statements without parameters."""
        self._connection.execute(script.encode())

    def stream(self, statement: str, rows: int) -> Iterator[Row]:
        """Yield the rows of a query within a transaction, so many of them in memory at a time."""
        with self._connection.cursor(name="stream") as cursor:
            cursor.itersize = rows
            cursor.execute(statement.encode())
            yield from cursor


@lru_cache(maxsize=500)
def _translate(statement: str) -> str:
    if BARE_USER.search(statement):
        raise ValueError(f'user is the user of the database in PostgreSQL; write "user" or its table: {statement}')
    return statement.replace("%", "%%").replace("?", "%s")


def _clean(parameters: Sequence[Any]) -> list[Any]:
    # PostgreSQL stores no null characters. They come from forms and headers only; the audit writes them in another way.
    return [value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value for value in parameters]


class Pool:
    """Connections of one process. A thread borrows one for a transaction."""

    def __init__(self, address: LakeAddress) -> None:
        self._address = address
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: list[LimitedConnection] = []
        self._failure, self._failed_at, self._logged = "", 0.0, ""
        weakref.finalize(self, _close_all, self._idle)

    @contextmanager
    def borrow(self) -> Iterator[SharedConnection]:
        """Yield a connection outside of a transaction. Raises AccessUnavailable, also for errors of statements."""
        if not self._slots.acquire(timeout=WAIT_SECONDS):
            raise AccessUnavailable(f"all {MAX_CONNECTIONS} connections to the users and the audit are in use; try again later")
        try:
            connection = self._take()
            connection.answer_seconds = ANSWER_SECONDS
            try:
                yield SharedConnection(connection)
            except psycopg.Error as error:
                failure = self._describe(error)
                if isinstance(error, NoAnswer):
                    # The idle ones are to the same server.
                    self.close()
                    self._fail(failure)
                raise failure from None
            finally:
                self._give_back(connection)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            _close_all(self._idle)

    def _take(self) -> LimitedConnection:
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection = self._idle.pop()
            if not _is_ended(connection):
                return connection
            connection.close()
        return self._connect()

    def _give_back(self, connection: LimitedConnection) -> None:
        if connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            with self._lock:
                if len(self._idle) < MAX_IDLE:
                    self._idle.append(connection)
                    return
        connection.close()

    def _connect(self) -> LimitedConnection:
        with self._lock:
            if self._failure and time.monotonic() - self._failed_at < RETRY_SECONDS:
                raise AccessUnavailable(self._failure)
        options = self._address.make_options(
            search_path=SCHEMA,
            statement_timeout=f"{STATEMENT_SECONDS}s",
            lock_timeout=f"{WAIT_SECONDS:.0f}s",
            idle_in_transaction_session_timeout=f"{IDLE_SECONDS}s",
        )
        try:
            connection = LimitedConnection.connect(
                self._address.connection,
                autocommit=True,
                # A migration changes the rows of prepared statements.
                prepare_threshold=None,
                row_factory=_make_rows,
                options=options,
                application_name=APPLICATION_NAME,
            )
        except psycopg.Error as error:
            failure = self._describe(error)
            self._fail(failure)
            raise failure from None
        self._failure = self._logged = ""
        return connection

    def _fail(self, failure: AccessUnavailable) -> None:
        with self._lock:
            self._failure, self._failed_at = str(failure), time.monotonic()

    def _describe(self, error: psycopg.Error) -> AccessUnavailable:
        if isinstance(error, psycopg.errors.LockNotAvailable):
            return AccessUnavailable("another replica is writing users or the audit; nothing was changed, try again")
        reason = self._address.redact(str(error))
        if isinstance(error, psycopg.OperationalError):
            # The address and the reason are not for everyone who sends a request.
            if reason != self._logged:
                log.error("%s cannot be used for users and the audit: %s", self._address, reason)
            self._logged = reason
            return AccessUnavailable(
                "users, tokens and the audit cannot be read, as PostgreSQL does not answer; try again later. Until then, "
                "sign-ins and changes are refused"
            )
        return AccessUnavailable(f"the users and the audit in {self._address} cannot be used: {reason}")


def _is_ended(connection: LimitedConnection) -> bool:
    """Return whether the server has ended an idle connection: there is something to read, such as the end of the stream."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _close_all(connections: list[LimitedConnection]) -> None:
    while connections:
        with suppress(psycopg.Error):
            connections.pop().close()
