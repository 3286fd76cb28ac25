"""Refresh after a small change: one observation is loaded; how long until /metrics, pages and SQL, and PromQL have it.

On two warehouses of which the second has ten times the series: the cost should follow the change, not what is there. Processor
time is reported too, because it depends less on what else the machine does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from service.application import Application
from service.loading.request import LoadRequest
from service.settings import read_settings
from service.warehouse.definitions import read_definitions
from tests.bench.data import World, make_warehouse, write_catalogue
from tests.bench.measure import Result, Size, answer, format_seconds, log, run_child

PERIODS = 10
# /metrics shows the change after `snapshot`, pages and SQL after `read copy`, PromQL after `history`.
STEPS = ("load", "snapshot", "read copy", "history")
HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source\n"


def measure_refresh(size: Size, folder: Path) -> list[Result]:
    """How long the parts of a refresh take after a load of one observation, and how that grows."""
    results = []
    whole: list[float] = []
    for series in (size.large_series // 10, size.large_series):
        world = World(series, PERIODS)
        log(f"making {world.observations:,} observations of {series:,} series")
        catalogue = write_catalogue(world, folder / f"{series}-catalogue")
        make_warehouse(world, catalogue, folder / str(series))
        result = run_child("refresh", folder / str(series), catalogue)
        for step in STEPS:
            seconds, processor = result[step]
            name = f"one observation loaded into {world.observations:,}: {step}"
            results.append(Result(name, f"processor {format_seconds(processor)}", format_seconds(seconds)))
        whole.append(sum(processor for _, processor in result.values()))
    growth = whole[1] / whole[0]
    name = "growth of the processor time of a refresh with ten times the series"
    return [*results, Result(name, format_seconds(whole[0]), format_seconds(whole[1]), growth)]


def main(data_dir: Path, catalogue: Path) -> None:
    """Load one observation into a warehouse that is published, and write the seconds of each step."""
    settings = read_settings(data_dir=data_dir, catalogue=catalogue, port=0)
    application = Application(settings, read_definitions(catalogue))
    application.refresh()
    with application.warehouse.cursor() as cursor:
        indicator, mission, dimensions = cursor.execute(
            "select indicator, mission, dimensions from store.series where series_id = 1"
        ).fetchone() or ("", "", {})
    labels = ";".join(f"{name}={value}" for name, value in dimensions.items())
    file = data_dir / "one.csv"
    file.write_text(f"{HEADER}{indicator},{mission},{labels},2024-11-01,2025-04-30,5,A,one\n", encoding="utf-8")
    request = LoadRequest(files=(file,), loaded_by="the bench")
    work: list[Callable[[], object]] = [
        lambda: application.loads.load(request),
        application._make_snapshot,
        application._publish,
        application._read_history,
    ]
    measured = {}
    for step, run in zip(STEPS, work, strict=True):
        started, processor = time.perf_counter(), time.process_time()
        run()
        measured[step] = (time.perf_counter() - started, time.process_time() - processor)
    application.close()
    answer(**measured)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
