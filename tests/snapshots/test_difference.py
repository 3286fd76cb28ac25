"""Copies made from an earlier copy: they have the rows of a complete copy, whatever was recorded since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.snapshots import cache
from service.snapshots.difference import copy_difference
from service.snapshots.publish import write_copy
from service.snapshots.snapshot import make_snapshot
from service.warehouse.database import Connection, Warehouse, read_sql
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue, store_kpis
from tests.conftest import STORED_AT, NewWarehouse, forget_cache
from tests.fuzz import count_examples
from tests.random_warehouse import (
    Dates,
    Row,
    batch,
    limits,
    record_limits,
    set_dates,
    start_warehouse,
    store_batch,
)

NOW = datetime(2024, 12, 1, 9, tzinfo=UTC)


def publish_first(warehouse: Warehouse, definitions: Definitions, target: Path) -> Path:
    start_warehouse(warehouse, definitions)
    store_batch(warehouse, 1, [Row(0, mission, 4, "A", 5) for mission in ("UNMISS", "UNIFIL")])
    make_snapshot(warehouse, definitions, NOW)
    write_copy(warehouse, target)
    return target


def update(warehouse: Warehouse, copy: Path) -> bool:
    """Bring a copy up to date as publishing does. Return whether only the difference was read."""
    with warehouse.cursor() as cursor:
        is_difference = copy_difference(cursor, copy, copy.with_name("tried.duckdb"))
    write_copy(warehouse, copy, earlier=copy)
    return is_difference


def read_all(copy: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every table, and the definitions of views and macros."""
    with duckdb.connect(str(copy), read_only=True) as opened:
        tables = opened.execute("select schema_name || '.' || table_name from duckdb_tables() order by all").fetchall()
        content = {table: opened.execute(f"from {table} order by all").fetchall() for (table,) in tables}
        views = "select view_name, sql from duckdb_views() where not internal order by all"
        content["views"] = opened.execute(views).fetchall()
        content["macros"] = opened.execute(
            "select function_name, macro_definition from duckdb_functions() where not internal order by all"
        ).fetchall()
        return content


def check_complete(warehouse: Warehouse, copy: Path) -> None:
    whole = copy.with_name("whole.duckdb")
    write_copy(warehouse, whole)
    assert read_all(copy) == read_all(whole)


def multiply_ages(definitions: Definitions, factor: int) -> Definitions:
    """Return the definitions with another query of the KPI of ages."""
    kpis = (
        replace(kpi, query=f"select * replace (value * {factor} as value) from ({kpi.query})")
        if kpi.kpi == "indicator_age_days"
        else kpi
        for kpi in definitions.kpis
    )
    return replace(definitions, kpis=tuple(kpis))


@settings(max_examples=count_examples(3), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.one_of(batch, limits, st.integers(2, 4), st.none()), max_size=5), skipped=st.integers(0, 4))
def test_a_copy_from_the_difference_has_every_row_of_a_complete_copy(
    shared: Warehouse, definitions: Definitions, tmp_path: Path, changes: list[Any], skipped: int
) -> None:
    """Changes are batches of observations, thresholds, definitions of a KPI, and none."""
    copy = publish_first(shared, definitions, tmp_path / "copy.duckdb")
    defined = definitions
    for number, change in enumerate(changes, 2):
        if isinstance(change, int):
            defined = multiply_ages(definitions, change)
            store_kpis(shared, defined.kpis, NOW + timedelta(minutes=number))
        elif change and isinstance(change[0], Row):
            store_batch(shared, number, change)
        elif change:
            with shared.write() as cursor:
                record_limits(cursor, change, NOW + timedelta(hours=number))
        make_snapshot(shared, defined, NOW + timedelta(minutes=number))
        # Several changes at once, too.
        if number != skipped:
            assert update(shared, copy)
            check_complete(shared, copy)


def test_only_changed_series_are_written(shared: Warehouse, definitions: Definitions, tmp_path: Path) -> None:
    copy = publish_first(shared, definitions, tmp_path / "copy.duckdb")
    with duckdb.connect(str(copy)) as opened:
        for table in ("revisions", "latest"):
            opened.execute(f"update cache.{table} set note = 'not written again'")
    store_batch(shared, 2, [Row(0, "UNMISS", 4, "A", 7)])
    make_snapshot(shared, definitions, NOW)
    assert update(shared, copy)
    with duckdb.connect(str(copy), read_only=True) as opened:
        opened.execute(f"set variable as_of = date '{date(2024, 11, 30)}'")
        for view in ("latest", "observations"):
            notes = opened.execute(f"select mission, value, note from {view} order by all").fetchall()
            assert notes == [("UNIFIL", 5, "not written again"), ("UNMISS", 7, None)]


def test_tables_of_pages_are_stored_again_only_if_what_they_are_computed_from_changed(
    shared: Warehouse, definitions: Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = publish_first(shared, definitions, tmp_path / "copy.duckdb")
    stored: list[str] = []
    run_sql = cache.run_sql

    def record_script(session: Connection, name: str, **parameters: object) -> Connection:
        stored.append(name.replace("snapshot/store_", "cache."))
        return run_sql(session, name, **parameters)

    monkeypatch.setattr(cache, "run_sql", record_script)

    def publish(defined: Definitions = definitions) -> set[str]:
        nonlocal minute
        minute += 1
        make_snapshot(shared, defined, NOW + timedelta(minutes=minute))
        stored.clear()
        with shared.cursor() as cursor:
            assert copy_difference(cursor, copy, tmp_path / "tried.duckdb")
        again = set(stored)
        write_copy(shared, copy, earlier=copy)
        check_complete(shared, copy)
        return again

    def set_limit(limit: int | None) -> None:
        with shared.write() as cursor:
            record_limits(cursor, [("a4p_sofa_incidents_new", "UNMISS", limit)], NOW + timedelta(minutes=minute))

    minute = 0
    assert publish() == set(), "nothing"
    for limit, values in ((4, [5]), (None, [])):
        set_limit(limit)
        assert publish() == {"cache.breaches"}, "a threshold set and removed"
        with duckdb.connect(str(copy), read_only=True) as opened:
            assert [value for (value,) in opened.execute("select value from cache.breaches").fetchall()] == values
    set_limit(6)
    publish()
    store_batch(shared, 2, [Row(0, "UNMISS", 4, "A", 7)])
    assert publish() == cache.SHOWN.keys(), "a value corrected"
    with duckdb.connect(str(copy), read_only=True) as opened:
        assert opened.execute("select value from cache.breaches").fetchall() == [(7,)]
    store_batch(shared, 3, [Row(0, "UNMISS", 3, "A", 3), Row(0, "UNMISS", 4, "O", 0)])
    assert publish() == cache.SHOWN.keys(), "a value withdrawn"

    doubled = multiply_ages(definitions, 2)
    store_kpis(shared, doubled.kpis, NOW)
    assert publish(doubled) == {"cache.kpi_values", "cache.kpi_comparisons", "cache.breaches"}, "another query of a KPI"
    assert publish(doubled) == set(), "nothing"


def test_what_tables_of_pages_are_computed_from_is_listed(report_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copyfile(report_dir / "warehouse-read.duckdb", tmp_path / "copy.duckdb")
    with duckdb.connect() as session:
        session.execute(f"attach '{copy}' as published")
        session.execute("use published")
        # Otherwise a table without rows may be left out.
        session.execute("set disabled_optimizers = 'statistics_propagation,empty_result_pullup'")
        session.execute("set variable as_of = (select store.stored_as_of()::varchar)")
        session.execute("create temp table copied_series as select series_id from store.series")
        for table, listed in cache.SHOWN.items():
            read = set()
            for statement in session.extract_statements(read_sql(f"snapshot/{table.replace('cache.', 'store_')}")):
                if statement.type == duckdb.StatementType.INSERT:
                    given = {"as_of": date(2024, 11, 30)} if statement.named_parameters else None
                    (_, plan) = session.execute(f"explain (format json) {statement.query}", given).fetchall()[-1]
                    read |= set(list_tables(json.loads(plan)))
                elif "temp table" in statement.query:
                    session.execute(statement)
            assert read and read <= listed, table


def list_tables(plan: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the names of the tables that a plan of the copy reads, such as store.series."""
    for step in plan:
        name = step["extra_info"].get("Table", "").replace('"', "")
        if name.startswith("published."):
            yield name.removeprefix("published.")
        yield from list_tables(step["children"])


def test_a_complete_copy_is_made_where_the_difference_is_unknown(
    shared: Warehouse, definitions: Definitions, tmp_path: Path, new_warehouse: NewWarehouse
) -> None:
    copy = publish_first(shared, definitions, tmp_path / "copy.duckdb")
    make_snapshot(shared, definitions, NOW + timedelta(days=1))
    assert not update(shared, copy), "the first copy of a day"
    check_complete(shared, copy)

    # Batches after the cache.
    store_batch(shared, 2, [Row(0, "UNMISS", 4, "A", 7)])
    assert not update(shared, copy), "batches after the cache"
    make_snapshot(shared, definitions, NOW + timedelta(days=1))
    assert not update(shared, copy), "the earlier copy has batches after its cache"
    check_complete(shared, copy)

    store_catalogue(shared, set_dates(definitions, Dates(True, None, date(2020, 1, 1))).catalogue, STORED_AT)
    make_snapshot(shared, definitions, NOW + timedelta(days=1))
    assert not update(shared, copy), "another catalogue"
    check_complete(shared, copy)

    with shared.write() as cursor:
        cursor.execute("insert into cache.reports from cache.reports limit 1")
    assert not update(shared, copy), "other numbers of rows"
    with shared.write() as cursor:
        forget_cache(cursor)

    with new_warehouse(tmp_path / "other") as other:
        publish_first(other, definitions, tmp_path / "other.duckdb")
        store_batch(other, 2, [Row(0, "UNMISS", 4, "A", 8)])
        make_snapshot(other, definitions, NOW + timedelta(days=1, minutes=1))
        assert not update(other, copy), "a copy of another warehouse"
        check_complete(other, copy)

    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"no database" * 1000)
    assert not update(shared, damaged), "a damaged copy"
    assert not update(shared, tmp_path / "missing.duckdb")
