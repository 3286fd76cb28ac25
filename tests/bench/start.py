"""Start: from the command `a4p serve` to the first 200 of /-/ready, and to the first answer to PromQL.

On a warehouse that has the report already, and on two large ones, of which the second has ten times the series: what a start
serves at once is stored, so its time should hardly grow.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cramjam

from metrics.remote_read_pb2 import LabelMatcher, Query, ReadRequest
from service.settings import TREE
from tests.bench.data import World, make_warehouse, write_catalogue
from tests.bench.measure import Result, Size, find_percentile, format_seconds, log, make_environment
from tests.tools import find_free_port

STARTS = 5
LARGE_STARTS = 3
PERIODS = 10
READY_SECONDS, PROMQL_SECONDS = 2, 5
PATIENCE_SECONDS = 1200
POLL_SECONDS = 0.005


def measure_start(size: Size, folder: Path) -> list[Result]:
    """Report how long a start takes. The first one creates the warehouse and is reported separately."""
    with _start(folder / "data") as first:
        made = first.wait_for("/-/ready")
        log(f"made the warehouse and was ready in {format_seconds(made)}")
        first.wait_for_history()
    times = []
    for turn in range(STARTS):
        with _start(folder / "data") as service:
            times.append(service.wait_for("/-/ready"))
        log(f"start {turn + 1} of {STARTS}: {format_seconds(times[-1])}")
    results = [
        Result("a4p serve to ready, new warehouse", "", format_seconds(made)),
        Result("a4p serve to ready, warehouse of the report", "", format_seconds(find_percentile(times, 0.5))),
    ]
    ready: list[float] = []
    for series in (size.large_series // 10, size.large_series):
        world = World(series, PERIODS)
        large = _measure_large(world, folder / str(series))
        name = f"{world.observations:,} observations of {series:,} series"
        for (step, seconds), limit in zip(large.items(), (READY_SECONDS, PROMQL_SECONDS, None), strict=True):
            ratio = seconds / limit if limit else None
            target = 1 if limit else None
            results.append(
                Result(f"a4p serve to {step}, {name}", f"{limit} s" if limit else "", format_seconds(seconds), ratio, target)
            )
        ready.append(large["ready"])
    results.append(
        Result(
            "growth of the time to ready with ten times the series",
            format_seconds(ready[0]),
            format_seconds(ready[1]),
            ready[1] / ready[0],
        )
    )
    return results


def _measure_large(world: World, folder: Path) -> dict[str, float]:
    """Return the median seconds of a start to ready, to PromQL, and to the first new snapshot."""
    log(f"making {world.observations:,} observations of {world.series:,} series")
    catalogue = write_catalogue(world, folder / "catalogue")
    make_warehouse(world, catalogue, folder / "data")
    options = ("--catalogue", str(catalogue))
    with _start(folder / "data", *options) as first:
        log(f"first start: ready in {format_seconds(first.wait_for('/-/ready'))}")
        log(f"and had read the history after {format_seconds(first.wait_for_history())}")
    turns = []
    for turn in range(LARGE_STARTS):
        with _start(folder / "data", *options) as service:
            turns.append((service.wait_for("/-/ready"), service.wait_for_promql(), service.wait_for_snapshot()))
        ready, promql, snapshot = map(format_seconds, turns[-1])
        log(f"start {turn + 1} of {LARGE_STARTS}: ready {ready}, PromQL {promql}, new snapshot {snapshot}")
    medians = [find_percentile(column, 0.5) for column in zip(*turns, strict=True)]
    return dict(zip(("ready", "PromQL", "a new snapshot"), medians, strict=True))


class _Service:
    """A service that is starting; each method returns the seconds since the command."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        port = find_free_port()
        self._url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port), "--data-dir", str(data_dir), *options]
        self._started = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=TREE, env=make_environment(), stdout=subprocess.DEVNULL)

    def wait_for(self, path: str, body: bytes | None = None) -> float:
        while True:
            try:
                # The port listens early; the answer comes once the server runs.
                with urllib.request.urlopen(self._url + path, body, timeout=PATIENCE_SECONDS):
                    return time.perf_counter() - self._started
            except (urllib.error.URLError, ConnectionError):
                self._pause()

    def wait_for_promql(self) -> float:
        query = Query(
            start_timestamp_ms=1_730_000_000_000,
            end_timestamp_ms=1_730_000_000_000,
            matchers=[
                LabelMatcher(type=LabelMatcher.EQ, name="__name__", value="a4p_bench_0_trained"),
                LabelMatcher(type=LabelMatcher.RE, name="contingent", value="Contingent 000[1-3]"),
            ],
        )
        return self.wait_for(
            "/api/v1/read", bytes(cramjam.snappy.compress_raw(ReadRequest(queries=[query]).SerializeToString()))
        )

    def wait_for_snapshot(self) -> float:
        return self._wait_for_job("snapshot")

    def wait_for_history(self) -> float:
        return self._wait_for_job("history")

    def _wait_for_job(self, job: str) -> float:
        done = re.compile(rf'^a4p_job_last_run_success{{job="{job}"}} 1', re.MULTILINE)
        while True:
            with urllib.request.urlopen(f"{self._url}/metrics", timeout=PATIENCE_SECONDS) as answer:
                if done.search(answer.read().decode()[-100_000:]):
                    return time.perf_counter() - self._started
            self._pause(0.2)

    def _pause(self, seconds: float = POLL_SECONDS) -> None:
        if time.perf_counter() - self._started > PATIENCE_SECONDS or self.process.poll() is not None:
            raise RuntimeError(f"a4p serve was not ready (exit code {self.process.poll()})")
        time.sleep(seconds)


@contextmanager
def _start(data_dir: Path, *options: str) -> Iterator[_Service]:
    service = _Service(data_dir, *options)
    try:
        yield service
    finally:
        service.process.send_signal(signal.SIGTERM)
        service.process.wait()
