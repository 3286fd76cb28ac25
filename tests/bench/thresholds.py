"""Thresholds: six on each series, a million in total; the time of a back-test and of rendering.

Trying one is set against the same trial where no other threshold is set; rendering, by byte (a threshold has more labels than a
result), against the same series without thresholds. Seconds are of the processor, of all threads.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from metrics.thresholds import make_threshold
from service.alerting.thresholds import back_test_threshold
from service.settings import read_settings
from service.snapshots.snapshot import assemble_blocks, find_as_of_date, prepare_latest, read_blocks
from service.warehouse.database import Connection, read_clock, run_sql
from service.warehouse.definitions import Definitions, read_definitions
from service.warehouse.opening import open_warehouse
from tests.bench.data import World, make_warehouse, store_thresholds, write_catalogue
from tests.bench.measure import Result, Size, answer, find_percentile, format_seconds, log, run_child

PERIODS = 10
REPEATS = 3


def measure_thresholds(size: Size, folder: Path) -> list[Result]:
    """Compare trying a threshold, and rendering, with a million thresholds and with none."""
    world = World(size.threshold_series, PERIODS)
    log(f"making a warehouse of {world.observations:,} observations of {world.series:,} series")
    catalogue = write_catalogue(world, folder / "catalogue")
    make_warehouse(world, catalogue, folder / "data")
    bare = run_child("thresholds", folder / "data", catalogue)
    log("setting six thresholds on each")
    store_thresholds(folder / "data")
    full = run_child("thresholds", folder / "data", catalogue)
    trial, trial_bare = (find_percentile(result["trial"], 0.5) for result in (full, bare))
    name = f"{full['thresholds']:,} thresholds"
    per_byte, per_byte_bare = (result["render"] / result["text_bytes"] for result in (full, bare))
    return [
        Result(
            f"{name}: test of one on {full['results']:,} results, to none", format_seconds(trial_bare), format_seconds(trial),
            trial / trial_bare, 3,
        ),
        Result(
            f"{name}: rendering a megabyte of text, to none",
            format_seconds(per_byte_bare * 1e6), format_seconds(per_byte * 1e6),
            per_byte / per_byte_bare, 1.25,
        ),
        Result(f"{name}: finding what each governs, in a snapshot", "", format_seconds(full["govern"])),
    ]  # fmt: skip


def main(data_dir: Path, catalogue: Path) -> None:
    """Try a threshold and render as the service does, and write the seconds of each."""
    settings = read_settings(data_dir=data_dir)
    definitions = read_definitions(catalogue)
    warehouse = open_warehouse(settings.warehouse_file, settings.threads, settings.memory_limit)
    cursor = warehouse.cursor()
    (thresholds,) = cursor.execute("select count(*) from thresholds").fetchone() or (0,)
    requested = make_threshold("bench_0_trained", "*", {}, "above", "warning", 900.0, None)
    trial = []
    for _ in range(REPEATS):
        started = time.process_time()
        results = len(back_test_threshold(cursor, definitions, requested).governed)
        trial.append(time.process_time() - started)
    govern, render, text_bytes = _render(cursor, definitions)
    cursor.close()
    warehouse.close()
    answer(thresholds=thresholds, results=results, trial=trial, govern=govern, render=render, text_bytes=text_bytes)


def _render(cursor: Connection, definitions: Definitions) -> tuple[float, float, int]:
    """Return the seconds of finding what thresholds govern, those of rendering, and the bytes of the text."""
    as_of = find_as_of_date(read_clock())
    prepare_latest(cursor, as_of)
    run_sql(cursor, "snapshot/prepare_kpis", as_of=as_of)
    run_sql(cursor, "snapshot/find_changed_blocks", batch_id=None, as_of=None)
    run_sql(cursor, "snapshot/prepare_all_changed")
    run_sql(cursor, "snapshot/samples")
    governed = [indicator for (indicator,) in run_sql(cursor, "snapshot/list_governed").fetchall()]
    run_sql(cursor, "snapshot/prepare_shown", indicators=governed)
    for step in ("find_ended", "carry"):
        run_sql(cursor, f"snapshot/{step}")
    started = time.process_time()
    run_sql(cursor, "snapshot/govern")
    govern = time.process_time() - started
    started = time.process_time()
    exposition, _ = assemble_blocks(definitions, read_blocks(cursor))
    return govern, time.process_time() - started, exposition.text.size


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
