"""Runs the bench: `python -m tests.bench [--only NAME] [--quick] [--large-series N]`.

Every result is a ratio of two things measured side by side in the same run: absolute times depend on the machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path

from tests.bench.events import measure_events
from tests.bench.fairness import measure_fairness
from tests.bench.front import measure_front
from tests.bench.lake import measure_lake
from tests.bench.load import measure_load
from tests.bench.measure import Bench, Result, Size, print_table
from tests.bench.pages import measure_pages
from tests.bench.refresh import measure_refresh
from tests.bench.remote_read import measure_remote_read
from tests.bench.render import measure_render
from tests.bench.scrape import measure_busy_scrape, measure_publish, measure_scrape
from tests.bench.sdmx import measure_sdmx
from tests.bench.snapshot import measure_snapshot
from tests.bench.sql_endpoint import measure_sql
from tests.bench.start import measure_start
from tests.bench.templates import measure_templates
from tests.bench.thresholds import measure_thresholds

BENCHES: dict[str, Bench] = {
    "scrape": measure_scrape,
    "busy": measure_busy_scrape,
    "publish": measure_publish,
    "sql": measure_sql,
    "render": measure_render,
    "load": measure_load,
    "lake": measure_lake,
    "front": measure_front,
    "events": measure_events,
    "sdmx": measure_sdmx,
    "snapshot": measure_snapshot,
    "thresholds": measure_thresholds,
    "start": measure_start,
    "refresh": measure_refresh,
    "remote_read": measure_remote_read,
    "pages": measure_pages,
    "templates": measure_templates,
    "fairness": measure_fairness,
}


def main() -> None:
    """Run the requested benchmarks; a failed benchmark is reported and the others run. Always exits with 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHES, help="run this one")
    parser.add_argument("--quick", action="store_true", help="sizes a tenth; too small for the targets to mean much")
    parser.add_argument(
        "--large-series", type=int, metavar="N", help="series of the large worlds, a multiple of 1,000  [default: 1,000,000]"
    )
    arguments = parser.parse_args()
    size = Size.quick() if arguments.quick else Size()
    if arguments.large_series:
        size = replace(size, large_series=arguments.large_series)
    results: list[Result] = []
    began = time.monotonic()
    for name, bench in BENCHES.items():
        if arguments.only in (None, name):
            print(f"{name}: {(bench.__doc__ or '').splitlines()[0]}", flush=True)
            with tempfile.TemporaryDirectory(prefix=f"a4p-bench-{name}-") as folder:
                try:
                    measured = bench(size, Path(folder))
                except Exception:
                    traceback.print_exc()
                    measured = [Result(f"{name}: FAILED, see above", "", "")]
            print_table(measured)
            print(flush=True)
            results += measured
    print(f"All results, after {time.monotonic() - began:.0f} s:")
    print_table(results)
    if arguments.quick:
        print("Sizes were a tenth; the targets are for the full ones.")


if __name__ == "__main__":
    main()
