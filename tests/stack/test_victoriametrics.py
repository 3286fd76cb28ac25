"""A real VictoriaMetrics imports the history, from the export and through remote read, and its vmalert accepts the rules."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from service.settings import find_in_tree
from service.warehouse.connection import open_copy
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, call_a4p, get, wait_for
from tests.tools import NEWER, find_free_port, find_tool

pytestmark = pytest.mark.stack
RULES = sorted((find_in_tree("prometheus") / "rules").glob("*.yml"))
HISTORY = '{job="a4p-history"}'
# Series are sparse: a value is looked for in the two years before an instant.
INSTANTS = ["2018-06-01T00:00:00Z", "2021-01-01T00:00:00Z", "2023-12-31T23:59:59Z", "2024-06-01T00:00:00Z"]
LOOK_BACK = "2y"
DAY = 86_400


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    data_dir = copy_report(tmp_path_factory.mktemp("service"))
    with ServiceProcess(data_dir) as process:
        yield data_dir, process.wait_until_ready()


@contextmanager
def run_victoriametrics(directory: Path) -> Iterator[str]:
    """Start an empty VictoriaMetrics and yield its URL."""
    program = find_tool("victoria-metrics", NEWER)
    url = f"http://127.0.0.1:{find_free_port()}"
    directory.mkdir()
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [program, f"-httpListenAddr={url.removeprefix('http://')}", f"-storageDataPath={directory / 'data'}",
             "-retentionPeriod=100y", "-memory.allowedBytes=256MB", "-search.latencyOffset=0s"],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_for(lambda: is_healthy(url))
            yield url
        finally:
            process.terminate()
            process.wait()


def is_healthy(url: str) -> bool:
    try:
        return get(f"{url}/health")[0] == 200
    except OSError:
        return False


def query(url: str, expression: str, instant: str) -> dict[str, float]:
    """Return the value of each series at an instant, by its labels."""
    parameters = urllib.parse.urlencode({"query": expression, "time": instant, "nocache": 1})
    with urllib.request.urlopen(f"{url}/api/v1/query", parameters.encode(), timeout=60) as response:
        answer: dict[str, Any] = json.load(response)
    return {write_labels(series["metric"]): float(series["value"][1]) for series in answer["data"]["result"]}


def write_labels(labels: dict[str, str]) -> str:
    # VictoriaMetrics has no name in the answer of a function, so a query is about one metric.
    return json.dumps({name: value for name, value in labels.items() if name not in ("job", "__name__")}, sort_keys=True)


Interval = tuple[float, float, float]


def read_intervals(data_dir: Path) -> dict[str, dict[str, list[Interval]]]:
    """Return when each value of each series of a metric starts and ends to hold, and the value. Ages grow daily: left out."""
    found: dict[str, dict[str, list[Interval]]] = {}
    with open_copy(data_dir / "warehouse-read.duckdb") as copy:
        rows = copy.execute(
            "select metric, labels, epoch_ms(starts) / 1000, coalesce(epoch_ms(ends) / 1000, 'infinity'::double), value "
            "from history where growth = 0 order by starts"
        ).fetchall()
    for metric, labels, starts, ends, value in rows:
        found.setdefault(metric, {}).setdefault(write_labels(labels), []).append((starts, ends, value))
    return found


def compare_last_values(url: str, data_dir: Path, *, are_values_repeated: bool) -> int:
    """Compare the newest value of every series in the two years before each instant; return how many were compared.

    An export has a value once, when it starts to hold. Remote read repeats it for as long as it holds.
    """
    compared = 0
    for metric, series in read_intervals(data_dir).items():
        for text in INSTANTS:
            instant = time_of(text)
            expected = {}
            for labels, points in series.items():
                held = [
                    value
                    for start, end, value in points
                    if start <= instant and (end - DAY if are_values_repeated else start) > instant - 2 * 365 * DAY
                ]
                if held:
                    expected[labels] = held[-1]
            selector = f'{metric}{{job="a4p-history"}}'
            assert query(url, f"last_over_time({selector}[{LOOK_BACK}])", text) == pytest.approx(expected), (metric, text)
            compared += len(expected)
    return compared


def time_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_openmetrics_export_is_imported_with_every_value(service: tuple[Path, str], tmp_path: Path) -> None:
    data_dir, _ = service
    file = tmp_path / "history.om"
    exported = call_a4p("export", "openmetrics", "--data-dir", str(data_dir), "--output", str(file))
    assert exported.returncode == 0, exported.stderr
    with run_victoriametrics(tmp_path / "victoriametrics") as url:
        request = urllib.request.Request(f"{url}/api/v1/import/prometheus", file.read_bytes(), {"Content-Type": "text/plain"})
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 204
        get(f"{url}/internal/force_flush")
        assert compare_last_values(url, data_dir, are_values_repeated=False) > 1000


def test_vmctl_copies_the_history_through_remote_read(service: tuple[Path, str], tmp_path: Path) -> None:
    data_dir, url = service
    vmctl = find_tool("vmctl", NEWER)
    with run_victoriametrics(tmp_path / "victoriametrics") as target:
        done = subprocess.run(
            [vmctl, "remote-read", "-s", "--disable-progress-bar", f"--remote-read-src-addr={url}",
             "--remote-read-filter-label=job", "--remote-read-filter-label-value=a4p-history",
             "--remote-read-filter-time-start=2016-01-01T00:00:00Z", "--remote-read-filter-time-end=2026-01-01T00:00:00Z",
             "--remote-read-step-interval=month", f"--vm-addr={target}"],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        get(f"{target}/internal/force_flush")
        assert compare_last_values(target, data_dir, are_values_repeated=True) > 1000


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_vmalert_accepts_the_rules(file: Path) -> None:
    done = subprocess.run([find_tool("vmalert", NEWER), "-dryRun", f"-rule={file}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
