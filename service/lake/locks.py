"""Connections to PostgreSQL beside DuckDB's: the lock of the writer, the lock of the scheduler, and the newest lake snapshot.

A session of PostgreSQL holds a lock until it ends, so each lock has a connection of its own. DuckDB has a pool of them.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from service.errors import LakeUnavailable
from service.lake.address import LakeAddress
from service.lake.connection import LimitedConnection, NoAnswer

# Locks are those of one database, and a database has one lake. The first number is "A4P".
LOCK_CLASS = 0x413450
WRITE_LOCK, SCHEDULER_LOCK = 1, 2
WAIT_SECONDS = 300
# PostgreSQL answers a session that waits for a lock after this time, so that one that does not answer is noticed.
TURN_SECONDS = 5
# A session ends when PostgreSQL has not answered for this time. That of the scheduler's lock ends before PostgreSQL gives the
# lock to another replica, so that two never run jobs.
ANSWER_SECONDS, SCHEDULER_ANSWER_SECONDS = 15.0, 5.0
# PostgreSQL ends the session with the lock of the scheduler after this time without a query: its replica hangs, although the
# kernel of its machine answers keepalives. There is a query every LOCK_SECONDS.
HANGING_SECONDS = 12
# The same for the lock of the writer. While it is held, a thread sends a query every KEEP_SECONDS: a long load has none.
HANGING_WRITER_SECONDS, KEEP_SECONDS = 60, 10


class Session:
    """One connection to PostgreSQL, opened when it is first used and again after it was lost."""

    def __init__(self, address: LakeAddress, idle_seconds: int = 0, answer_seconds: float | None = None) -> None:
        """Make a session that PostgreSQL ends after `idle_seconds` without a query; 0: never."""
        self._address = address
        self._idle_seconds = idle_seconds
        self._answer_seconds = answer_seconds
        self._connection: LimitedConnection | None = None
        self.peer: object = None

    def query(self, text: str, *parameters: object) -> tuple[object, ...]:
        """Return the first row of a query. Raises LakeUnavailable, after which locks of this session are released."""
        try:
            return self._run(text, *parameters)
        except psycopg.Error as error:
            self.close()
            raise make_unreachable(self._address, self._address.redact(str(error))) from None

    def lock(self) -> None:
        """Take the lock of the writer. Waits for other replicas at most WAIT_SECONDS. Raises LakeUnavailable."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._run(
                    "select pg_advisory_lock(%s, %s), set_config('idle_session_timeout', %s, false)",
                    LOCK_CLASS, WRITE_LOCK, f"{HANGING_WRITER_SECONDS}s",
                )  # fmt: skip
                return
            except psycopg.errors.LockNotAvailable:
                if time.monotonic() >= deadline:
                    writer = self._describe_writer()
                    # Releases the lock if this session has it all the same (`unlock`).
                    self.close()
                    raise LakeUnavailable(
                        f"another replica has been writing to the lake for {WAIT_SECONDS} s{writer}; nothing was recorded, "
                        "retry later"
                    ) from None
            except psycopg.Error as error:
                self.close()
                raise make_unreachable(self._address, self._address.redact(str(error))) from None

    def unlock(self) -> None:
        """Release the lock of the writer. A lost connection has released it."""
        if self._connection is not None:
            with suppress(LakeUnavailable):
                # All: a session may have been given the lock, which it keeps, at the moment in which its wait ended with an
                # error, and then once more.
                self.query("select pg_advisory_unlock_all(), set_config('idle_session_timeout', '0', false)")

    @contextmanager
    def keep(self) -> Iterator[None]:
        """Send a query every KEEP_SECONDS meanwhile, unless the whole process hangs."""
        connection, is_done = self._connection, threading.Event()

        def send() -> None:
            # An error, also that of a closed connection, is noticed when the session is used next.
            with suppress(psycopg.Error):
                while connection is not None and not is_done.wait(KEEP_SECONDS):
                    connection.execute("select 1")

        threading.Thread(target=send, name="lake-writer", daemon=True).start()
        try:
            yield
        finally:
            is_done.set()

    def answers(self) -> bool:
        """Return whether PostgreSQL answers. A connection that was lost is opened again once."""
        for _ in range(2):
            try:
                self._run("select 1")
                return True
            except psycopg.Error as error:
                self.close()
                if isinstance(error, NoAnswer):
                    return False
        return False

    def close(self) -> None:
        """Close the connection, which releases its locks."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _run(self, text: str, *parameters: object) -> tuple[object, ...]:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.answer_seconds = ANSWER_SECONDS if self._answer_seconds is None else self._answer_seconds
        return self._connection.execute(text, parameters).fetchone() or ()

    def _describe_writer(self) -> str:
        """Return which process has the lock of the writer, in brackets; nothing if it has just released it."""
        with suppress(psycopg.Error):
            found = self._run(
                "select format(' (%%s, connected from %%s)', substr(application_name, 5), "
                "coalesce(host(client_addr), 'a socket')) from pg_stat_activity join pg_locks using (pid) "
                "where locktype = 'advisory' and granted and classid = %s and objid = %s "
                "and datname = current_database() and database = datid",
                LOCK_CLASS, WRITE_LOCK,
            )  # fmt: skip
            return str(found[0]) if found else ""
        return ""

    def _connect(self) -> LimitedConnection:
        connection = LimitedConnection.connect(
            self._address.connection,
            autocommit=True,
            options=self._address.make_options(
                lock_timeout=f"{min(TURN_SECONDS, WAIT_SECONDS)}s", idle_session_timeout=f"{self._idle_seconds}s"
            ),
            # PostgreSQL cuts it after 63 bytes.
            application_name=f"a4p process {os.getpid()} on {socket.gethostname()}",
        )
        with suppress(OSError):
            self.peer = connection.find_peer()
        return connection


def make_unreachable(address: LakeAddress, reason: str) -> LakeUnavailable:
    """Return the error of a PostgreSQL that cannot be reached or does not answer."""
    return LakeUnavailable(
        f"the catalog of the lake ({address}) cannot be reached: {reason}; start PostgreSQL, or correct A4P_WAREHOUSE"
    )


def find_head(session: Session) -> int:
    """Return the number of the newest lake snapshot, 0 if there is no lake yet. Raises LakeUnavailable."""
    (name,) = session.query("select to_regclass('ducklake_snapshot')::text")
    if name is None:
        return 0
    (head,) = session.query("select coalesce(max(snapshot_id), 0) from ducklake_snapshot")
    return int(str(head))


@contextmanager
def hold_write_lock(session: Session) -> Iterator[None]:
    """Hold the lock of the writer. Waits for other replicas at most WAIT_SECONDS. Raises LakeUnavailable."""
    session.lock()
    try:
        with session.keep():
            yield
    except LakeUnavailable:
        # PostgreSQL may not answer. The end of the session releases the lock as well.
        session.close()
        raise
    finally:
        session.unlock()


def check_write_lock(session: Session) -> None:
    """Raise LakeUnavailable when the session that held the lock of the writer was lost."""
    if not _is_held(session, WRITE_LOCK):
        raise LakeUnavailable("the connection that holds the lock of the lake was lost; nothing was recorded, retry")


def _is_held(session: Session, lock: int) -> bool:
    held = session.query(
        "select 1 from pg_locks where locktype = 'advisory' and classid = %s and objid = %s and granted "
        "and pid = pg_backend_pid()",
        LOCK_CLASS,
        lock,
    )
    return held == (1,)


class SchedulerLock:
    """The lock of the replica that runs scheduled jobs."""

    def __init__(self, address: LakeAddress) -> None:
        self._session = Session(address, HANGING_SECONDS, SCHEDULER_ANSWER_SECONDS)
        self.is_held = False

    def renew(self) -> bool:
        """Take the lock if it is free, or check that it is still held. Return whether this replica holds it."""
        try:
            if self.is_held:
                self.is_held = _is_held(self._session, SCHEDULER_LOCK)
            if not self.is_held:
                self.is_held = self._session.query("select pg_try_advisory_lock(%s, %s)", LOCK_CLASS, SCHEDULER_LOCK) == (True,)
        except LakeUnavailable:
            self.is_held = False
            raise
        return self.is_held

    def release(self) -> None:
        """Release the lock, so that another replica takes it."""
        self.is_held = False
        self._session.close()
