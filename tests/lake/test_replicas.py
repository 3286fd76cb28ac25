"""Replicas of the service on one lake."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from service.application import Application
from service.errors import LakeUnavailable
from service.lake import warehouse as warehouse_module
from service.lake.locks import SchedulerLock
from service.lake.store import digest_rows, list_tables
from service.lake.warehouse import LakeWarehouse
from tests.conftest import load_value
from tests.lake.conftest import OpenReplica
from tests.lake.servers import Postgres
from tests.service_process import wait_for


def get_lake(application: Application) -> LakeWarehouse:
    assert isinstance(application.warehouse, LakeWarehouse)
    return application.warehouse


def digest(application: Application) -> dict[str, object]:
    """Return the digest of each base table of a replica's copy, except the times of its own migrations."""
    with application.warehouse.cursor() as cursor:
        tables = list_tables(cursor)
        return {name: digest_rows(cursor, name, columns) for name, columns in tables.items() if name != "migrations"}


def list_values(application: Application) -> list[tuple[object, ...]]:
    with application.warehouse.cursor() as cursor:
        return cursor.execute("select batch_id, value from store.observations where source = 'a test' order by all").fetchall()


def follow(application: Application) -> bool:
    """Do once what the thread of a replica does each second."""
    assert application.replica is not None
    return application.replica.follow()


def test_each_replica_serves_the_snapshot_that_another_made(open_replica: OpenReplica, tmp_path: Path) -> None:
    first, second = open_replica("a"), open_replica("b")
    first.loads.load_shipped()
    first.refresh()
    assert follow(second)
    assert not follow(second)
    load_value(second, tmp_path, 70)
    second.refresh()
    # Later rows do not belong to the snapshot.
    load_value(second, tmp_path, 80)
    assert follow(first)
    assert second.snapshot is not None and first.snapshot is not None
    assert first.snapshot.snapshot_id == second.snapshot.snapshot_id
    assert first.exposition.text.chunks == second.exposition.text.chunks
    assert first.exposition.openmetrics.checksum == second.exposition.openmetrics.checksum
    assert first.read_copy is not None and first.read_copy.info.snapshot_id == second.snapshot.snapshot_id
    assert first.history is not None and second.history is not None
    assert not follow(first)
    assert digest(first) == digest(second)


def test_metrics_tell_whether_a_replica_follows_and_runs_jobs(open_replica: OpenReplica) -> None:
    first, second = open_replica("a"), open_replica("b")

    def read(application: Application, metric: str) -> float:
        value = application.self_metrics.registry.get_sample_value(metric)
        assert value is not None
        return value

    started = time.time()
    first.refresh()
    assert read(second, "a4p_lake_last_pull_timestamp_seconds") == 0
    follow(second)
    assert started < read(second, "a4p_lake_last_pull_timestamp_seconds") <= time.time()
    assert [read(each, "a4p_replica_runs_jobs") for each in (first, second)] == [0, 0]
    assert second.replica is not None
    second.replica.try_lock()
    assert [read(each, "a4p_replica_runs_jobs") for each in (first, second)] == [0, 1]


def test_a_snapshot_is_not_served_with_later_rows(open_replica: OpenReplica, tmp_path: Path) -> None:
    first, second = open_replica("a"), open_replica("b")
    first.refresh()
    load_value(second, tmp_path, 5)
    # The load pulled the snapshot of the first, and added a row to what that was made from.
    assert get_lake(second).find_newest_snapshot() == 1
    assert not follow(second)
    second.refresh()
    assert not follow(second)
    assert follow(first)
    assert first.exposition.text.chunks == second.exposition.text.chunks


def load_at_once(replicas: list[Application], loads: int, tmp_path: Path) -> None:
    """Load so many files with each of two replicas at the same time, and check that both then have all of them."""
    failures: list[Exception] = []

    def load(number: int) -> None:
        folder = tmp_path / f"files-{number}"
        folder.mkdir()
        try:
            for value in range(loads):
                load_value(replicas[number], folder, 1_000_000 * (number + 1) + value)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=load, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for replica in replicas:
        while get_lake(replica).read_state() < max(get_lake(each).read_state() for each in replicas):
            get_lake(replica).pull()
        rows = list_values(replica)
        assert len({batch for batch, _ in rows}) == len(rows) == 2 * loads
        assert {value for _, value in rows} == {1_000_000 * number + value for number in (1, 2) for value in range(loads)}
    assert digest(replicas[0]) == digest(replicas[1])


def test_two_replicas_that_load_at_once_get_different_numbers(open_replica: OpenReplica, tmp_path: Path) -> None:
    load_at_once([open_replica("a"), open_replica("b")], 6, tmp_path)


def test_a_replica_without_the_lock_cannot_commit_over_another(
    open_replica: OpenReplica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_replica("a"), open_replica("b")
    # As if PostgreSQL had given the lock to another replica after the check.
    monkeypatch.setattr(warehouse_module, "check_write_lock", lambda session: None)
    monkeypatch.setattr(warehouse_module, "_set_state", lambda cursor, snapshot: None)
    with pytest.raises(LakeUnavailable, match="another replica"), get_lake(first).write() as cursor:
        cursor.execute("insert into store.catalogues values (99, 'one', now())")
        get_lake(first).writing.close()
        with get_lake(second).write() as other:
            other.execute("insert into store.catalogues values (99, 'other', now())")
    with first.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from store.catalogues where catalogue_version = 99").fetchone() == (0,)


def test_a_lost_lock_stops_the_write(open_replica: OpenReplica, postgres: Postgres, tmp_path: Path) -> None:
    application = open_replica()
    with pytest.raises(LakeUnavailable), application.warehouse.write() as cursor:
        cursor.execute("insert into store.catalogues values (99, 'one', now())")
        postgres.run_sql("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
    load_value(application, tmp_path, 5)
    assert list_values(application) == [(1, 5.0)]


def test_postgres_restarts_during_a_write(open_replica: OpenReplica, postgres: Postgres, tmp_path: Path) -> None:
    first, second = open_replica("a"), open_replica("b")
    with pytest.raises(LakeUnavailable), first.warehouse.write() as cursor:
        cursor.execute("insert into store.catalogues values (99, 'one', now())")
        postgres.restart()
    load_value(first, tmp_path, 5)
    get_lake(second).pull()
    assert list_values(second) == [(1, 5.0)]
    assert digest(first) == digest(second)


def test_one_replica_at_a_time_runs_scheduled_jobs(open_replica: OpenReplica, postgres: Postgres, tmp_path: Path) -> None:
    # The data of a lake may also be in a directory.
    address = get_lake(open_replica(lake_data=str(tmp_path / "files"))).address
    assert list((tmp_path / "files").rglob("*.parquet"))
    first, second = SchedulerLock(address), SchedulerLock(address)
    try:
        assert first.renew() and first.renew() and not second.renew()
        first.release()
        # The server notices the end of a session a moment later.
        wait_for(second.renew)
        assert not first.renew()
        postgres.run_sql("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
        with pytest.raises(LakeUnavailable):
            second.renew()
        assert not second.is_held
        wait_for(first.renew)
        assert not second.renew()
    finally:
        first.release()
        second.release()
