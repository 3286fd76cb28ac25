"""Start: from the command `a4p serve` to the first 200 of /-/ready, on a warehouse that has the report already."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from service.settings import TREE
from tests.bench.measure import Figure, Size, find_percentile, format_seconds, log, make_environment

STARTS = 5
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.005


def measure_start(size: Size, folder: Path) -> list[Figure]:
    """Report how long a start takes. The first one creates the warehouse and is reported separately."""
    made = _start(folder / "data")
    log(f"made the warehouse and was ready in {format_seconds(made)}")
    times = []
    for turn in range(STARTS):
        times.append(_start(folder / "data"))
        log(f"start {turn + 1} of {STARTS}: {format_seconds(times[-1])}")
    return [
        Figure("a4p serve to ready, new warehouse", "", format_seconds(made)),
        Figure("a4p serve to ready, warehouse of the report", "", format_seconds(find_percentile(times, 0.5))),
    ]


def _start(data_dir: Path) -> float:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=TREE, env=make_environment(), stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(port, process)
            seconds = time.perf_counter() - started
        finally:
            process.send_signal(signal.SIGTERM)
    return seconds


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            # The port listens early; the answer comes once the server runs.
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=PATIENCE_SECONDS):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(POLL_SECONDS)
    raise RuntimeError(f"a4p serve was not ready (exit code {process.poll()})")
