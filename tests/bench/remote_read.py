"""PromQL over the history: through remote read, compared with a Prometheus that has the same data as local blocks.

Both are the same Prometheus with the same query; the blocks are made by promtool from `a4p export openmetrics`. A block
holds one sample for each observation, so that the local one looks back by twenty years to see what holds.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cramjam

from metrics.remote_read_pb2 import LabelMatcher, Query, ReadHints, ReadRequest
from service.settings import TREE
from tests.bench.data import World, make_warehouse, write_catalogue
from tests.bench.measure import (
    Result,
    Size,
    find_percentile,
    format_megabytes,
    format_seconds,
    log,
    make_environment,
    read_answer,
    start_child,
)
from tests.bench.scrape import Scraper
from tests.prometheus_process import PrometheusProcess
from tests.tools import find_tool

PERIODS = 10
ROUNDS = 7
SCRAPES = 400
DAY = 86_400
METRIC = "a4p_bench_0_trained"
# In the sixty days before, the newest observation of every series holds, and that is never a missing one.
END = datetime(2025, 3, 1, tzinfo=UTC).timestamp()


def measure_remote_read(size: Size, folder: Path) -> list[Result]:
    """History queries through remote read against local blocks, and scrapes beside a heavy one."""
    world = World(size.large_series, PERIODS)
    catalogue = write_catalogue(world, folder / "catalogue")
    data_dir = folder / "data"
    log(f"making {world.observations:,} observations of {world.series:,} series")
    make_warehouse(world, catalogue, data_dir)
    service = start_child("service", data_dir, catalogue)
    try:
        started = time.monotonic()
        port = int(read_answer(service)["port"])
        log(f"the service was ready after {format_seconds(time.monotonic() - started)}")
        _wait_for_history(port)
        log(f"and had read the history after {format_seconds(time.monotonic() - started)}")
        results = _measure_export(world, catalogue, data_dir, folder / "history.om")
        blocks = folder / "local" / "tsdb"
        _import_blocks(folder / "history.om", blocks)
        (folder / "history.om").unlink()
        with (
            PrometheusProcess(folder / "remote", service_url=f"http://127.0.0.1:{port}") as remote,
            PrometheusProcess(folder / "local", "--query.lookback-delta=20y") as local,
        ):
            results += _measure_queries(world, remote, local, port)
            results += _measure_scrapes(remote, port)
        return results
    finally:
        service.terminate()
        service.wait()


def _wait_for_history(port: int) -> None:
    """Ask until a query is answered: each waits for half a minute itself."""
    body = bytes(cramjam.snappy.compress_raw(_make_request([("mission", "none")], END, 0).SerializeToString()))
    while True:
        try:
            _post(port, body)
            return
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise


def _measure_export(world: World, catalogue: Path, data_dir: Path, file: Path) -> list[Result]:
    metrics = [part for indicator in world.indicators for part in ("--metric", f"a4p_{indicator}")]
    started = time.monotonic()
    command = [sys.executable, "-m", "service.cli", "export", "openmetrics", "--data-dir", str(data_dir)]
    subprocess.run([*command, "--catalogue", str(catalogue), "--output", str(file), *metrics], check=True, cwd=TREE,
                   env=make_environment(), stdout=subprocess.DEVNULL)  # fmt: skip
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    log(
        f"exported {format_megabytes(file.stat().st_size)} in {format_seconds(seconds)}, "
        f"at most {format_megabytes(peak)} of memory"
    )
    return [Result(f"export of {world.observations:,} samples", "", f"{format_seconds(seconds)}, {format_megabytes(peak)}")]


def _import_blocks(file: Path, blocks: Path) -> None:
    blocks.mkdir(parents=True)
    started = time.monotonic()
    subprocess.run(
        [find_tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(file), str(blocks)],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log(f"imported into blocks in {format_seconds(time.monotonic() - started)}")


def _measure_queries(world: World, remote: PrometheusProcess, local: PrometheusProcess, port: int) -> list[Result]:
    one = f'{METRIC}{{job="a4p-history", mission="UNMISS", contingent="Contingent 0000", training="Training 0"}}'
    regex = f'sum by (mission) ({METRIC}{{job="a4p-history", mission=~"UN.*|MIN.*"}})'
    whole = f'sum({METRIC}{{job="a4p-history"}})'
    days = 60
    cases: list[tuple[str, float, Callable[[PrometheusProcess], list[dict[str, Any]]], ReadRequest]] = [
        (
            "one series, ten years by day",
            3,
            lambda prometheus: prometheus.query_range(one, END - 3650 * DAY, END, DAY),
            _make_request(
                [("mission", "UNMISS"), ("contingent", "Contingent 0000"), ("training", "Training 0")], END - 3650 * DAY, DAY
            ),
        ),
        (
            "a regex on mission over one indicator",
            5,
            lambda prometheus: prometheus.query(regex, END),
            _make_request([("mission", "~UN.*|MIN.*")], END, 0),
        ),
        (
            f"a whole indicator, {days} days by day",
            5,
            lambda prometheus: prometheus.query_range(whole, END - days * DAY, END, DAY),
            _make_request([], END - days * DAY, DAY),
        ),
    ]
    results = []
    for name, target, ask, request in cases:
        # Over ten years an observation may be missing, which blocks cannot say.
        assert read_newest(ask(remote)) == read_newest(ask(local)), f"{name}: the answers differ"
        ours, peer = _time(lambda ask=ask: ask(remote)), _time(lambda ask=ask: ask(local))  # type: ignore[misc]
        body = bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
        sizes: list[int] = []
        alone = _time(lambda body=body, sizes=sizes: sizes.append(_post(port, body)))  # type: ignore[misc]
        log(f"{name}: of {format_seconds(ours)} the service took {format_seconds(alone)} for {sizes[0]:,} compressed bytes")
        results.append(Result(f"PromQL, {name}", format_seconds(peer), format_seconds(ours), ours / peer, target))
    return results


def read_newest(result: list[dict[str, Any]]) -> list[object]:
    """Return the newest point of each series."""
    assert result
    return sorted((str(series["metric"]), (series.get("values") or [series["value"]])[-1]) for series in result)  # type: ignore[return-value]


def _make_request(matchers: list[tuple[str, str]], start: float, step: int) -> ReadRequest:
    kinds = [("__name__", METRIC), ("job", "a4p-history"), *matchers]
    start_ms, end_ms = int((start - 300) * 1000), int(END * 1000)
    return ReadRequest(
        queries=[
            Query(
                start_timestamp_ms=start_ms,
                end_timestamp_ms=end_ms,
                matchers=[
                    LabelMatcher(
                        name=name, value=value.removeprefix("~"),
                        type=LabelMatcher.RE if value.startswith("~") else LabelMatcher.EQ,
                    )
                    for name, value in kinds
                ],
                hints=ReadHints(start_ms=start_ms, end_ms=end_ms, step_ms=step * 1000, func="sum"),
            )
        ]
    )  # fmt: skip


def _post(port: int, body: bytes) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/read", body, timeout=120) as response:
        return len(response.read())


def _time(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _measure_scrapes(remote: PrometheusProcess, port: int) -> list[Result]:
    scraper = Scraper(port)
    idle = [scraper.scrape()[0] for _ in range(SCRAPES)]
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            remote.query_range(f'sum({METRIC}{{job="a4p-history"}})', END - 60 * DAY, END, DAY)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    busy = []
    for _ in range(SCRAPES):
        busy.append(scraper.scrape()[0])
        time.sleep(0.01)
    is_over.set()
    asking.join()
    ours, peer = find_percentile(busy, 0.99), find_percentile(idle, 0.99)
    return [
        Result("scrape beside heavy history queries, p99", f"{format_seconds(peer)} idle", format_seconds(ours), ours / peer, 3)
    ]
