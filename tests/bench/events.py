"""Events: exports of 20 feeds loaded into an empty warehouse.

Against DuckDB's own read of the same files, by turns: `create table as` of each file with all columns as text.
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from metrics.feeds import Feed, find_feed
from service.events.export import Export
from service.events.load import load_events
from service.settings import find_in_tree
from service.warehouse.database import open_warehouse, read_clock
from service.warehouse.definitions import read_definitions
from service.warehouse.stored_definitions import store_catalogue, store_feeds
from tests.bench.measure import Figure, Size, format_seconds, log

FEEDS = 20
THREADS = 2
TARGET = 6


def measure_events(size: Size, folder: Path) -> list[Figure]:
    """Compare loading exports with reading them."""
    rows = size.large_series // FEEDS
    definitions = read_definitions(find_in_tree("metrics"))
    shipped = find_feed(definitions.feeds, "un_fatalities")
    assert shipped is not None
    feeds = tuple(shipped.model_copy(update={"feed": f"feed_{number}"}) for number in range(FEEDS))
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
    finally:
        warehouse.close()
    log(f"{rows * FEEDS:,} events of {FEEDS} feeds: read in {read_seconds:.2f} s, loaded in {load_seconds:.2f} s")
    return [
        Figure(
            f"load {rows * FEEDS:,} events of {FEEDS} feeds: read CSV",
            format_seconds(read_seconds), format_seconds(load_seconds), load_seconds / read_seconds, TARGET,
        )
    ]  # fmt: skip


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
