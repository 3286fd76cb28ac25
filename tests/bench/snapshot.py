"""Snapshots: the value of each series as of a date, from observations in random order of series and period.

Against one plain aggregate over the same table, `max(period_end)` by series: the least that finding the current values must
read. `latest` is read as a snapshot reads it, from the complete cache, and as known at a time, which reads every revision. All
are consumed where they are made; the time to store the whole of `latest` and `changes` is reported too.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from service.settings import read_settings
from service.snapshots.cache import refresh_cache, use_complete_cache
from service.snapshots.snapshot import find_as_of_date
from service.warehouse.database import Connection, read_clock, run_sql
from service.warehouse.opening import open_warehouse
from tests.bench.data import World, make_warehouse, write_catalogue
from tests.bench.measure import Result, Size, answer, find_percentile, format_seconds, log, run_child

REPEATS = 9
HOLDS = 3
SCAN = "select count(*), max(newest) from (select max(period_end) as newest from store.observations group by series_id)"
LATEST = "select count(*), sum(value) from main.latest"


def measure_snapshot(size: Size, folder: Path) -> list[Result]:
    """Compare what finding the latest values takes with a plain aggregate scan, by turns."""
    world = World(size.load_series, size.large_load_periods)
    log(f"making a warehouse of {world.observations:,} observations of {world.series:,} series")
    catalogue = write_catalogue(world, folder / "catalogue")
    make_warehouse(world, catalogue, folder / "data")
    log("querying it")
    result = run_child("snapshot", folder / "data")
    if result["series"] != world.series:
        raise RuntimeError(f"latest has {result['series']:,} series, not {world.series:,}")
    scan, latest, known = (find_percentile(result[name], 0.5) for name in ("scan", "latest", "known"))
    name = f"latest of {world.observations:,} observations, {world.series:,} series"
    return [
        Result(f"{name}: one aggregate scan", format_seconds(scan), format_seconds(latest), latest / scan, 2),
        Result(f"{name}, as known now: one aggregate scan", format_seconds(scan), format_seconds(known), known / scan),
        Result("keeping latest and changes of them as tables", "", format_seconds(find_percentile(result["hold"], 0.5))),
    ]


def main(data_dir: Path) -> None:
    """Query a warehouse as the service does, and write the seconds of each query."""
    settings = read_settings(data_dir=data_dir)
    warehouse = open_warehouse(settings.warehouse_file, settings.threads, settings.memory_limit)
    refresh_cache(warehouse)
    cursor = warehouse.cursor()
    cursor.begin()
    use_complete_cache(cursor)
    # A variable cannot be bound; a date's own text is safe.
    cursor.execute(f"set variable as_of = date '{find_as_of_date(read_clock()).isoformat()}'")
    scan, latest, known, hold = [], [], [], []
    (series, _), _ = _run(cursor, LATEST)
    for _ in range(REPEATS):
        scan.append(_run(cursor, SCAN)[1])
        latest.append(_run(cursor, LATEST)[1])
        cursor.execute("set variable known_at = now()")
        known.append(_run(cursor, LATEST)[1])
        cursor.execute("reset variable known_at")
    for _ in range(HOLDS):
        started = time.perf_counter()
        run_sql(cursor, "snapshot/prepare_latest")
        hold.append(time.perf_counter() - started)
    cursor.close()
    warehouse.close()
    answer(series=series, scan=scan, latest=latest, known=known, hold=hold)


def _run(cursor: Connection, query: str) -> tuple[tuple[int, float], float]:
    started = time.perf_counter()
    row = cursor.execute(query).fetchone()
    return row or (0, 0), time.perf_counter() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]))
