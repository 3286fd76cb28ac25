"""Connections to PostgreSQL on which an answer is awaited for a limited time, and the end of those of DuckDB."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg


class NoAnswer(psycopg.OperationalError):
    """PostgreSQL has accepted a request and does not answer."""


class LimitedConnection(psycopg.Connection[Any]):
    """A connection on which an answer is awaited for `answer_seconds`. After NoAnswer its state is unknown: close it."""

    answer_seconds = 25.0

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        options.setdefault("timeout", self.answer_seconds)
        try:
            return super().wait(gen, *arguments, **options)
        except psycopg.errors._WaitTimeout:
            raise NoAnswer(f"no answer for {self.answer_seconds:g} s") from None

    def find_peer(self) -> object:
        """Return the address of the server: a path, or host and port."""
        with socket.socket(fileno=os.dup(self.fileno())) as copy:
            return copy.getpeername()


def end_connections(peer: object) -> None:
    """Shut down all sockets of this process to a server that does not answer, also those that DuckDB has opened.

    DuckDB waits for an answer without a limit, also when it is interrupted. It then sees the end of the connection.
    """
    for entry in Path("/proc/self/fd").iterdir():
        # A copy: another thread may close the descriptor and open another file with its number.
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as copy:
            if copy.getpeername() == peer:
                copy.shutdown(socket.SHUT_RDWR)
