"""The cache of current revisions: it is what computing everything gives, whatever was loaded since."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.snapshots.cache import refresh_cache, use_complete_cache
from service.snapshots.publish import write_copy
from service.snapshots.snapshot import make_snapshot
from service.warehouse.database import Connection, Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue, store_kpis
from tests.conftest import STORED_AT, forget_cache
from tests.fuzz import count_examples
from tests.random_warehouse import (
    Dates,
    Row,
    batches,
    dates,
    empty_warehouse,
    limits,
    record_limits,
    set_dates,
    store_batch,
)

NOW = datetime(2024, 12, 1, 9, tzinfo=UTC)
DAYS = (date(2022, 10, 31), date(2024, 4, 30), date(2024, 11, 30))
# Each view that is read from the cache, and the view that computes it from all revisions.
COMPUTED = {
    "current_revisions": "computed_revisions",
    "holdings": "computed_holdings",
    "given_reports": "computed_reports",
    "latest_observations": "computed_latest",
    "series_changes": "computed_changes",
    "latest_values": "computed_values",
}
# Views that copies have as tables.
STORED_VIEWS = (
    "main.latest",
    "store.latest_observations",
    "store.series_changes",
    "store.latest_values",
    "changes",
    "store.total_changes",
    "store.largest_changes",
    "store.current_kpi_values",
    "store.compared_kpi_values",
    "kpi_latest",
    "threshold_breaches",
)


def check_equal(cursor: Connection) -> None:
    """Check that every view has the rows that are computed from all revisions."""
    for day in DAYS:
        cursor.execute(f"set variable as_of = date '{day}'")
        for view, computed in COMPUTED.items():
            columns = ", ".join(name for name, *_ in cursor.execute(f"describe store.{view}").fetchall())
            rows = cursor.execute(f"select {columns} from store.{view} order by all").fetchall()
            assert rows == cursor.execute(f"select {columns} from store.{computed} order by all").fetchall(), (view, day)


@settings(max_examples=count_examples(5), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(stored=batches, further=st.booleans(), unmiss=dates, set_limits=limits)
def test_cached_views_are_what_computing_everything_gives(
    shared: Warehouse,
    definitions: Definitions,
    stored: list[list[Row]],
    further: bool,
    unmiss: Dates,
    set_limits: list[tuple[str, str, int | None]],
) -> None:
    empty_warehouse(shared)
    for number, batch in enumerate(stored, 1):
        store_batch(shared, number, batch)
        with shared.cursor() as cursor:
            # Newer than the cache.
            check_equal(cursor)
        if number % 2 == 0 or further:
            refresh_cache(shared)
        with shared.cursor() as cursor:
            cursor.begin()
            use_complete_cache(cursor)
            check_equal(cursor)
    # Text and history are the same whether the cache was brought up to date or made again.
    dated = set_dates(definitions, unmiss)
    store_catalogue(shared, dated.catalogue, STORED_AT)
    store_kpis(shared, dated.kpis, STORED_AT)
    with shared.write() as cursor:
        record_limits(cursor, set_limits, NOW - timedelta(hours=1))
    updated = make_snapshot(shared, dated, NOW)
    with shared.write() as cursor:
        forget_cache(cursor)
    made_again = make_snapshot(shared, dated, NOW)
    assert made_again.exposition == updated.exposition


def load_cell(warehouse: Warehouse, number: int, value: int) -> None:
    store_batch(warehouse, number, [Row(0, "UNMISS", 4, "A", value)])


def read_value(cursor: Connection) -> object:
    cursor.execute("set variable as_of = date '2024-11-30'")
    return cursor.execute("select value from latest where mission = 'UNMISS'").fetchall()


def test_a_small_change_computes_only_its_series(shared: Warehouse) -> None:
    empty_warehouse(shared)
    store_batch(shared, 1, [Row(series, "UNMISS", period, "A", 1) for series in range(3) for period in range(4)])
    refresh_cache(shared)
    with shared.write() as cursor:
        # A mark that only computing the row again removes.
        cursor.execute("update cache.revisions set note = 'not computed again'")
    load_cell(shared, 2, 7)
    refresh_cache(shared)
    with shared.cursor() as cursor:
        unchanged = cursor.execute(
            "select distinct series_id from cache.revisions where note is not null order by series_id"
        ).fetchall()
        (changed,) = cursor.execute("select series_id from store.observations where batch_id = 2").fetchone() or (None,)
    assert len(unchanged) == 2
    assert (changed,) not in unchanged


def test_an_earlier_state_of_knowledge_is_not_read_from_the_cache(shared: Warehouse) -> None:
    empty_warehouse(shared)
    load_cell(shared, 1, 5)
    load_cell(shared, 2, 7)
    refresh_cache(shared)
    with shared.cursor() as cursor:
        assert read_value(cursor) == [(7,)]
        cursor.execute(f"set variable known_at = timestamptz '{(STORED_AT + timedelta(minutes=1)).isoformat()}'")
        assert read_value(cursor) == [(5,)]


def test_uncommitted_rows_are_seen_where_they_are_written(shared: Warehouse) -> None:
    empty_warehouse(shared)
    load_cell(shared, 1, 5)
    refresh_cache(shared)
    with shared.cursor() as session, shared.rehearse(session):
        session.execute(
            "insert into store.observations by name select * replace (9 as value, 2 as batch_id) from store.observations"
        )
        assert read_value(session) == [(9,)]
        with shared.cursor() as other:
            assert read_value(other) == [(5,)]


def test_a_new_catalogue_makes_the_cache_again(shared: Warehouse, definitions: Definitions) -> None:
    empty_warehouse(shared)
    load_cell(shared, 1, 5)
    refresh_cache(shared)
    store_catalogue(shared, set_dates(definitions, Dates(True, None, date(2020, 1, 1))).catalogue, STORED_AT)
    with shared.cursor() as cursor:
        assert cursor.execute("select count(*) from cache.states").fetchone() == (0,)
        assert read_value(cursor) == [(5,)]
    refresh_cache(shared)
    with shared.cursor() as cursor:
        assert cursor.execute("select count(*) from cache.states").fetchone() == (1,)


def test_a_copy_is_read_from_its_cache_and_a_restored_one_from_later_batches_too(shared: Warehouse, tmp_path: Path) -> None:
    empty_warehouse(shared)
    load_cell(shared, 1, 5)
    refresh_cache(shared)
    copy = tmp_path / "copy.duckdb"
    write_copy(shared, copy)
    with duckdb.connect(str(copy), read_only=True) as opened:
        assert opened.execute("select store.is_complete()").fetchone() == (True,)
        assert read_value(opened) == [(5,)]
    restored = tmp_path / "restored" / "warehouse.duckdb"
    restored.parent.mkdir()
    shutil.copyfile(copy, restored)
    warehouse = open_warehouse(restored, threads=1, memory_limit="1GB", accept_loss=True)
    try:
        load_cell(warehouse, 2, 7)
        with warehouse.cursor() as cursor:
            assert read_value(cursor) == [(7,)]
    finally:
        warehouse.close()


def test_a_copy_with_batches_after_its_cache_shows_them(shared: Warehouse, tmp_path: Path) -> None:
    empty_warehouse(shared)
    load_cell(shared, 1, 5)
    refresh_cache(shared)
    load_cell(shared, 2, 7)
    write_copy(shared, tmp_path / "copy.duckdb")
    with duckdb.connect(str(tmp_path / "copy.duckdb"), read_only=True) as opened:
        assert read_value(opened) == [(7,)]


def test_a_snapshot_brings_the_cache_up_to_date(shared: Warehouse, definitions: Definitions) -> None:
    empty_warehouse(shared)
    store_catalogue(shared, definitions.catalogue, STORED_AT)
    load_cell(shared, 1, 5)
    make_snapshot(shared, definitions, NOW)
    with shared.cursor() as cursor:
        assert cursor.execute("select store.cached_batch()").fetchone() == (1,)


def read_current(cursor: Connection) -> list[list[tuple[object, ...]]]:
    return [cursor.execute(f"from {view} order by all").fetchall() for view in STORED_VIEWS]


@settings(max_examples=count_examples(3), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(stored=batches, set_limits=limits)
def test_a_copy_has_the_current_values_of_its_date(
    shared: Warehouse,
    definitions: Definitions,
    tmp_path: Path,
    stored: list[list[Row]],
    set_limits: list[tuple[str, str, int | None]],
) -> None:
    empty_warehouse(shared)
    # Several versions, of which views read the newest only.
    store_catalogue(shared, set_dates(definitions, Dates(True, None, date(2020, 1, 1))).catalogue, STORED_AT)
    store_catalogue(shared, definitions.catalogue, STORED_AT)
    store_kpis(shared, definitions.kpis, STORED_AT)
    for number, batch in enumerate(stored, 1):
        store_batch(shared, number, batch)
    with shared.write() as cursor:
        record_limits(cursor, set_limits, NOW - timedelta(hours=1))
    as_of = make_snapshot(shared, definitions, NOW).as_of
    copy = tmp_path / "copy.duckdb"
    write_copy(shared, copy)
    with duckdb.connect(str(copy), read_only=True) as opened, shared.cursor() as cursor:
        assert opened.execute("select store.stored_as_of()").fetchone() == (as_of,)
        (count,) = opened.execute("select count(*) from cache.latest").fetchone() or (None,)
        for day in (as_of, as_of - timedelta(days=400)):
            for session in (opened, cursor):
                session.execute(f"set variable as_of = date '{day}'")
            assert read_current(opened) == read_current(cursor)
            if day == as_of:
                assert len(read_current(opened)[0]) == count
        # Known earlier.
        for session in (opened, cursor):
            session.execute(f"set variable as_of = date '{as_of}'")
            session.execute(f"set variable known_at = timestamptz '{(STORED_AT + timedelta(minutes=1)).isoformat()}'")
        assert read_current(opened) == read_current(cursor)


def test_a_restored_copy_does_not_read_the_current_values_of_its_date(
    shared: Warehouse, definitions: Definitions, tmp_path: Path
) -> None:
    empty_warehouse(shared)
    store_catalogue(shared, definitions.catalogue, STORED_AT)
    load_cell(shared, 1, 5)
    make_snapshot(shared, definitions, NOW)
    restored = tmp_path / "restored" / "warehouse.duckdb"
    restored.parent.mkdir()
    write_copy(shared, restored)
    warehouse = open_warehouse(restored, threads=1, memory_limit="1GB", accept_loss=True)
    try:
        load_cell(warehouse, 2, 7)
        with warehouse.cursor() as cursor:
            assert cursor.execute("select store.stored_as_of()").fetchone() == (None,)
            assert read_value(cursor) == [(7,)]
        make_snapshot(warehouse, definitions, NOW)
        write_copy(warehouse, tmp_path / "again.duckdb")
    finally:
        warehouse.close()
    with duckdb.connect(str(tmp_path / "again.duckdb"), read_only=True) as opened:
        assert opened.execute("select count(*), max(value) from cache.latest").fetchone() == (1, 7)
