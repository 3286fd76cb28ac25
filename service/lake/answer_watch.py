"""A thread that ends what DuckDB does on a lake when PostgreSQL does not answer: DuckDB would wait without a limit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from service.errors import LakeUnavailable
from service.lake import locks
from service.lake.address import LakeAddress
from service.lake.connection import end_connections
from service.lake.locks import Session, make_unreachable
from service.warehouse.database import Connection

CHECK_SECONDS = 2.0


class AnswerWatch:
    """Checks on a connection of its own that PostgreSQL answers, while a connection of DuckDB is in use."""

    def __init__(self, address: LakeAddress) -> None:
        self._address = address
        self._session = Session(address)
        self._connection: Connection | None = None
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lake-answers", daemon=True)
        self.failure: LakeUnavailable | None = None

    def start(self) -> None:
        """Connect and start the thread. Raises LakeUnavailable."""
        self._session.query("select 1")
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, without waiting for its check."""
        self._is_stopped.set()
        if not self._thread.is_alive():
            self._session.close()

    @contextmanager
    def watch(self, connection: Connection) -> Iterator[None]:
        """End what a connection does in the block if PostgreSQL does not answer; `failure` is the error then."""
        self._connection = connection
        try:
            yield
        finally:
            self._connection = None

    def _run(self) -> None:
        while not self._is_stopped.wait(CHECK_SECONDS):
            connection = self._connection
            if connection is None or self._session.answers():
                continue
            # Still the same after the check, which takes a while.
            if connection is self._connection and not self._is_stopped.is_set():
                self.failure = make_unreachable(self._address, f"no answer for {locks.ANSWER_SECONDS:g} s")
                end_connections(self._session.peer)
                # It may not be waiting for PostgreSQL, but be writing files. It may also be closed meanwhile.
                with suppress(duckdb.Error):
                    connection.interrupt()
        self._session.close()
