"""The lock of the writer, on connections of two replicas."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from service.errors import LakeUnavailable
from service.lake import locks
from service.lake.address import LakeAddress, read_address
from service.lake.locks import WRITE_LOCK, Session, check_write_lock, hold_write_lock
from tests.lake.conftest import MakeAccessSettings
from tests.lake.servers import Postgres
from tests.service_process import wait_for


@pytest.fixture
def address(make_access_settings: MakeAccessSettings) -> LakeAddress:
    return read_address(make_access_settings())


@pytest.fixture
def replicas(address: LakeAddress) -> Iterator[tuple[Session, Session]]:
    sessions = Session(address), Session(address)
    yield sessions
    for session in sessions:
        session.close()


def list_pids(postgres: Postgres, is_granted: bool) -> list[int]:
    """Return the processes of PostgreSQL that have, or wait for, a lock of a writer."""
    condition = f"locktype = 'advisory' and objid = {WRITE_LOCK} and granted = {is_granted}"
    return [int(pid) for pid in postgres.run_sql(f"select pid from pg_locks where {condition}").split()]


def test_a_writer_that_others_wait_for_is_named(replicas: tuple[Session, Session], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS", 1)
    writer, other = replicas
    writes = f"process {os.getpid()} on .*, connected from 127.0.0.1"
    with (
        hold_write_lock(writer),
        pytest.raises(LakeUnavailable, match=f"has been writing to the lake for 1 s .{writes}.; nothing was recorded"),
        hold_write_lock(other),
    ):
        pass
    with hold_write_lock(other):
        check_write_lock(other)


def test_a_long_write_keeps_its_lock(
    replicas: tuple[Session, Session], postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "HANGING_WRITER_SECONDS", 2)
    monkeypatch.setattr(locks, "KEEP_SECONDS", 0.2)
    writer, _ = replicas
    with hold_write_lock(writer):
        time.sleep(3)
        check_write_lock(writer)
    assert list_pids(postgres, is_granted=True) == []
    # Nor is a session ended that does not write.
    time.sleep(3)
    with hold_write_lock(writer):
        check_write_lock(writer)


def test_a_writer_whose_process_hangs_loses_its_lock(
    replicas: tuple[Session, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "HANGING_WRITER_SECONDS", 1)
    writer, other = replicas
    with pytest.raises(LakeUnavailable, match="idle-session timeout"), hold_write_lock(writer):
        # No query is sent for KEEP_SECONDS.
        with hold_write_lock(other):
            pass
        check_write_lock(writer)


def test_a_lock_that_is_given_when_the_wait_for_it_ends_is_released_after_the_write(
    replicas: tuple[Session, Session], postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "TURN_SECONDS", 1)
    writer, other = replicas

    def write() -> None:
        with hold_write_lock(other):
            pass

    waiter = threading.Thread(target=write)
    with hold_write_lock(writer):
        waiter.start()
        waiting: list[int] = []
        # Between two waits of a session, none waits.
        wait_for(lambda: waiting.extend(list_pids(postgres, is_granted=False)) or waiting)
        (pid,) = waiting
        # The process of PostgreSQL does not run until its time to wait has passed and the lock is free.
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1.5)
    os.kill(pid, signal.SIGCONT)
    waiter.join()
    assert list_pids(postgres, is_granted=True) == []
