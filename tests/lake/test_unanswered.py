"""PostgreSQL that accepts connections and does not answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from service.application import Application
from service.errors import LakeUnavailable
from service.lake import address as address_module
from service.lake import answer_watch, locks, store
from service.lake.locks import SchedulerLock, Session
from service.web.app import make_app
from tests.conftest import load_value
from tests.lake.conftest import MakeSettings, OpenReplica
from tests.lake.servers import Postgres
from tests.lake.test_replicas import digest, get_lake, list_values
from tests.service_process import wait_for


@contextmanager
def silence(postgres: Postgres) -> Iterator[None]:
    postgres.pause()
    try:
        yield
    finally:
        postgres.resume()


@pytest.fixture
def be_impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Shortens the times after which a server that does not answer is given up."""

    def change() -> None:
        monkeypatch.setattr(locks, "ANSWER_SECONDS", 3.0)
        monkeypatch.setattr(answer_watch, "CHECK_SECONDS", 0.2)

    monkeypatch.setattr(address_module, "CONNECT_SECONDS", 2)
    return change


class Load(threading.Thread):
    """A load in a thread, with its error."""

    def __init__(self, application: Application, folder: Path, value: int) -> None:
        super().__init__()
        self._load = (application, folder, value)
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            load_value(*self._load)
        except Exception as error:
            self.error = error

    def wait(self) -> Exception | None:
        wait_for(lambda: not self.is_alive(), 60, 0.1)
        return self.error


@pytest.mark.parametrize("moment", ["before a write", "during a write"])
def test_a_write_ends_while_postgres_hangs_and_works_afterwards(
    moment: str,
    open_replica: OpenReplica,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    be_impatient: Callable[[], None],
) -> None:
    first, second = open_replica("a"), open_replica("b")
    first.refresh()
    client = make_app(first).test_client()
    assert client.get("/missions").status_code == 200
    insert, is_silent, tried = store._insert, threading.Event(), threading.Event()

    def stop_and_insert(lake: object, table: str, *arguments: Any) -> None:
        # The files are written; the catalog is not.
        if table == "observations" and not tried.is_set():
            tried.set()
            assert is_silent.wait(60)
        insert(lake, table, *arguments)  # type: ignore[arg-type]

    if moment == "during a write":
        monkeypatch.setattr(store, "_insert", stop_and_insert)
        load = Load(first, tmp_path, 5)
        assert tried.wait(60)
        be_impatient()
    with silence(postgres):
        is_silent.set()
        if moment == "before a write":
            be_impatient()
            load = Load(first, tmp_path, 5)
        for path in ("/metrics", "/missions", "/api/v1/missions"):
            assert client.get(path).status_code == 200
        error = load.wait()
        assert isinstance(error, LakeUnavailable), error
        assert "the catalog of the lake (PostgreSQL 127.0.0.1" in str(error) and "start PostgreSQL" in str(error)
        # A replica that follows waits as long as a write.
        with pytest.raises(LakeUnavailable):
            get_lake(second).pull()
    assert list_values(first) == []
    monkeypatch.undo()
    load_value(first, tmp_path, 6)
    while get_lake(second).read_state() < get_lake(first).read_state():
        get_lake(second).pull()
    assert [value for _, value in list_values(second)] == [6.0]
    assert digest(first) == digest(second)


class Relay(threading.Thread):
    """Passes data between clients and PostgreSQL. After `silencing` was sent, the answers are held back."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.silencing = b""
        self._speaks = threading.Event()
        self._speaks.set()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.start()

    @property
    def is_silent(self) -> bool:
        return not self._speaks.is_set()

    def speak(self) -> None:
        """Pass answers on again."""
        self.silencing = b""
        self._speaks.set()

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._open += [client, server]
                for source, target, listens in ((client, server, True), (server, client, False)):
                    thread = threading.Thread(target=self._pass, args=(source, target, listens), daemon=True)
                    thread.start()
                    self._threads.append(thread)

    def close(self) -> None:
        self.speak()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in (self, *self._threads):
            thread.join()
        for each in (self._listener, *self._open):
            each.close()

    def _pass(self, source: socket.socket, target: socket.socket, listens: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if listens and self.silencing and self.silencing in data:
                    self._speaks.clear()
                if not listens:
                    self._speaks.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def test_a_commit_whose_answer_is_lost_is_recorded_as_a_whole(
    open_replica: OpenReplica,
    make_settings: MakeSettings,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    be_impatient: Callable[[], None],
) -> None:
    direct = make_settings().warehouse.get_secret_value()
    with closing(Relay(postgres.port)) as relay:
        first = open_replica("a", warehouse=direct.replace(f"port={postgres.port}", f"port={relay.port}"))
        second = open_replica("b")
        relay.silencing = b"COMMIT"
        load = Load(first, tmp_path, 5)
        wait_for(lambda: relay.is_silent, 60)
        be_impatient()
        error = load.wait()
        monkeypatch.undo()
        assert isinstance(error, LakeUnavailable) and "look whether the change was recorded" in str(error)
        assert list_values(first) == []
        get_lake(second).pull()
        relay.speak()
        get_lake(first).pull()
        assert list_values(first) == list_values(second) == [(1, 5.0)]
        load_value(first, tmp_path, 6)
        get_lake(second).pull()
        assert digest(first) == digest(second)

        # Merged files replace others, which a lost answer must not delete either.
        be_impatient()
        relay.silencing = b"COMMIT"
        with pytest.raises(LakeUnavailable, match="look whether"):
            get_lake(first).store.compact()
        monkeypatch.undo()
        relay.speak()
        assert digest(open_replica("c")) == digest(first)
        first.close()


def test_the_lock_of_the_scheduler_is_given_up_while_postgres_hangs(
    make_settings: MakeSettings, open_replica: OpenReplica, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_module, "CONNECT_SECONDS", 2)
    address = get_lake(open_replica()).address
    monkeypatch.setattr(locks, "SCHEDULER_ANSWER_SECONDS", 1.0)
    lock = SchedulerLock(address)
    try:
        wait_for(lambda: renew(lock))
        with silence(postgres):
            assert not renew(lock) and not lock.is_held
        wait_for(lambda: renew(lock), 60, 0.2)
    finally:
        lock.release()


def renew(lock: SchedulerLock) -> bool:
    with suppress(LakeUnavailable):
        return lock.renew()
    return False


def test_two_replicas_never_run_jobs_at_once_after_a_lost_network() -> None:
    from service.lake.replica import LOCK_SECONDS

    timeouts = address_module.TIMEOUTS
    idle_seconds = timeouts["keepalives_idle"] + timeouts["keepalives_interval"] * timeouts["keepalives_count"]
    assert min(idle_seconds, locks.HANGING_SECONDS) > LOCK_SECONDS + locks.SCHEDULER_ANSWER_SECONDS
    assert timeouts["user_timeout"] == idle_seconds * 1000


def test_the_server_ends_each_session_of_a_machine_that_disappeared(open_replica: OpenReplica) -> None:
    lake = get_lake(open_replica())
    names = [f"tcp_{name}" for name in address_module.TIMEOUTS]
    expected = [str(value) for value in address_module.TIMEOUTS.values()]
    query = "select " + ", ".join(f"(select setting from pg_settings where name = '{name}') {name}" for name in names)
    with closing(Session(lake.address)) as session:
        assert [str(value) for value in session.query(query)] == expected
    quoted = query.replace("'", "''")
    with lake.store.transaction() as connection:
        row = connection.execute(f"from postgres_query('__ducklake_metadata_lake', '{quoted}')").fetchone() or ()
        assert [str(value) for value in row] == expected
