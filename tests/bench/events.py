"""Events: exports of 20 feeds loaded into an empty warehouse, and counted again after one changed event.

Against DuckDB's own read of the same files, by turns: `create table as` of each file with all columns as text. Indicators are
counted from one of the feeds. Counting again must not depend on the number of events.
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from metrics.feeds import Feed, find_feed
from service.events.count import count_events
from service.events.export import Export
from service.events.load import load_events
from service.settings import find_in_tree
from service.warehouse.database import Warehouse, read_clock
from service.warehouse.definitions import read_definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue, store_feeds
from tests.bench.measure import Result, Size, format_seconds, log

FEEDS = 20
THREADS = 2
TARGET = 6
MAX_RECOUNT_SECONDS = 1.0


def measure_events(size: Size, folder: Path) -> list[Result]:
    """Compare loading exports with reading them."""
    rows = size.large_series // FEEDS
    definitions = read_definitions(find_in_tree("metrics"))
    shipped = find_feed(definitions.feeds, "un_fatalities")
    assert shipped is not None
    feeds = (shipped, *(shipped.model_copy(update={"feed": f"feed_{number}"}) for number in range(1, FEEDS)))
    files = [_write_export(folder / f"{feed.feed}.csv", feed, rows) for feed in feeds]
    warehouse = open_warehouse(folder / "warehouse.duckdb", THREADS, "4GB")
    try:
        store_catalogue(warehouse, definitions.catalogue, read_clock())
        store_feeds(warehouse, feeds, read_clock())
        read_seconds, load_seconds = 0.0, 0.0
        with duckdb.connect(str(folder / "plain.duckdb"), config={"threads": str(THREADS)}) as plain:
            for feed, file in zip(feeds, files, strict=True):
                started = time.perf_counter()
                plain.execute(f"create table {feed.feed} as from read_csv(?, all_varchar = true)", [str(file)])
                read_seconds += time.perf_counter() - started
                started = time.perf_counter()
                report = load_events(warehouse, feeds, Export(file, file.name, feed.feed), "the bench")
                load_seconds += time.perf_counter() - started
                assert report.new == rows, report
        recount_seconds = _measure_recount(warehouse, feeds, _write_change(folder / "change.csv", files[0]))
    finally:
        warehouse.close()
    log(f"{rows * FEEDS:,} events of {FEEDS} feeds: read in {read_seconds:.2f} s, loaded in {load_seconds:.2f} s")
    return [
        Result(
            f"load {rows * FEEDS:,} events of {FEEDS} feeds: read CSV",
            format_seconds(read_seconds), format_seconds(load_seconds), load_seconds / read_seconds, TARGET,
        ),
        Result(
            f"count again after 1 changed event of {rows * FEEDS:,}: {MAX_RECOUNT_SECONDS:g} s",
            format_seconds(MAX_RECOUNT_SECONDS), format_seconds(recount_seconds), recount_seconds / MAX_RECOUNT_SECONDS, 1,
        ),
    ]  # fmt: skip


def _measure_recount(warehouse: Warehouse, feeds: tuple[Feed, ...], file: Path) -> float:
    """Load a changed event, and return the seconds to count what it changes."""
    report = load_events(warehouse, feeds, Export(file, file.name, feeds[0].feed), "the bench")
    assert report.changed == 1 and report.counts is not None and report.counts.batch_id is not None, report
    with warehouse.write() as cursor:
        started = time.perf_counter()
        count_events(cursor, feeds[0].feed, report.batch_id, "the bench", read_clock)
        return time.perf_counter() - started


def _write_change(file: Path, export: Path) -> Path:
    """Write the first row of an export with another cause."""
    change = "select * replace ('Unknown' as type_of_incident, '2025-04-05' as last_update)"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy ({change} from read_csv('{export}', all_varchar = true) limit 1) to '{file}' (format csv, header true)"
        )
    return file


def _write_export(file: Path, feed: Feed, rows: int) -> Path:
    with duckdb.connect() as connection:
        connection.execute(
            """
            copy (
                select
                    i as id, (date '1990-01-01' + (i % 12000)::integer)::varchar as incident_date,
                    $feed || '-' || i as casualty_id, ['UNMISS', 'UNIFIL', 'MONUSCO', 'MINUSCA'][i % 4 + 1] as mission_acronym,
                    'Fatality' as type_of_casualty, ['M', 'F'][i % 2 + 1] as gender, 'State ' || i % 90 as casualty_nationality,
                    ['Military', 'Local ', 'Police'][i % 3 + 1] as casualty_personnel_type,
                    ['Illness', 'Accident', 'Malicious Act', 'To Be Determined'][i % 4 + 1] as type_of_incident,
                    (i % 900)::double as m49_code, 'S' || i % 90 as isocode3, '2025-04-04' as last_update
                from range($rows) as t(i)
            ) to '"""
            + str(file)
            + "' (format csv, header true)",
            {"feed": feed.feed, "rows": rows},
        )
    return file
