"""Transactions: one writer at a time, rollback, and what readers see."""

from __future__ import annotations

import threading

import duckdb
import pytest

from service.warehouse.database import Warehouse, run_sql
from tests.conftest import Read


def add_cycle(cursor: duckdb.DuckDBPyConnection, cycle: int) -> None:
    cursor.execute("insert into store.cycles values (1, ?, ?, '2030-05-01', '2030-10-31', null)", [cycle, cycle])


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_write_that_fails_is_rolled_back_whole(warehouse: Warehouse, read: Read, failure: type[BaseException]) -> None:
    before = read("from store.cycles")
    with pytest.raises(failure), warehouse.write() as cursor:
        add_cycle(cursor, 90)
        cursor.execute("create table store.extra (a integer)")
        raise failure
    assert read("from store.cycles") == before
    assert read("select table_name from duckdb_tables() where table_name = 'extra'") == []


def test_a_write_whose_statement_fails_is_rolled_back_whole(warehouse: Warehouse, read: Read) -> None:
    before = read("from store.cycles")
    with pytest.raises(duckdb.ConstraintException), warehouse.write() as cursor:
        add_cycle(cursor, 90)
        cursor.execute("insert into store.cycles values (1, 91, null, null, null, null)")
    assert read("from store.cycles") == before


def test_a_write_after_one_that_failed_is_kept(warehouse: Warehouse, read: Read) -> None:
    with warehouse.cursor() as session:
        with pytest.raises(ValueError, match="stop"), warehouse.write(session) as cursor:
            add_cycle(cursor, 90)
            raise ValueError("stop")
        with warehouse.write(session) as cursor:
            add_cycle(cursor, 91)
    assert read("select cycle from store.cycles where cycle >= 90") == [(91,)]


def test_a_commit_that_fails_tells_its_own_error(warehouse: Warehouse, read: Read) -> None:
    before = read("from store.cycles")
    with (
        pytest.raises(duckdb.TransactionException, match="Failed to commit"),
        warehouse.write() as cursor,
        warehouse.cursor() as other,
    ):
        add_cycle(cursor, 90)
        other.execute("alter table store.cycles add column note varchar")
    assert read("select * exclude (note) from store.cycles") == before


def test_a_reader_sees_a_write_once_it_is_committed(warehouse: Warehouse, read: Read) -> None:
    with warehouse.write() as cursor:
        add_cycle(cursor, 90)
        assert read("select cycle from store.cycles where cycle = 90") == []
    assert read("select cycle from store.cycles where cycle = 90") == [(90,)]


def test_a_writer_waits_for_the_one_before(warehouse: Warehouse, read: Read) -> None:
    entered = threading.Event()

    def write_second() -> None:
        with warehouse.write() as cursor:
            entered.set()
            (newest,) = cursor.execute("select max(cycle) from store.cycles").fetchone() or (0,)
            add_cycle(cursor, newest + 1)

    second = threading.Thread(target=write_second)
    with warehouse.write() as cursor:
        second.start()
        assert not entered.wait(0.2)
        add_cycle(cursor, 90)
    second.join()
    assert read("select cycle from store.cycles where cycle >= 90 order by all") == [(90,), (91,)]


def test_a_session_keeps_its_variables_to_itself(warehouse: Warehouse) -> None:
    with warehouse.cursor() as one, warehouse.cursor() as other:
        one.execute("set variable as_of = date '2020-01-01'")
        assert other.execute("select getvariable('as_of')").fetchone() == (None,)


def test_a_file_of_sql_binds_to_each_statement_the_parameters_it_names(warehouse: Warehouse) -> None:
    with warehouse.cursor() as cursor:
        run_sql(cursor, "load/prepare_staging")
        row = run_sql(cursor, "load/count_marks", file_ordinal=0, delimiter=",", column_count=10, unused=1).fetchone()
    assert row == (0, 0)
