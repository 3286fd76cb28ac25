"""SQL over HTTP: a small query compared with the same in process and with datasette over the same rows; and 50 users.

Each comparison is made with a query that is sent again and again, of which the service has the result of the last second, and
with a query that differs each time, which it runs.

The users ask, read for a second and ask again, at rest and while one snapshot is published after the other.
"""

from __future__ import annotations

import http.client
import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import duckdb

from service.application import Application
from service.settings import find_in_tree, read_settings
from service.warehouse.connection import open_copy
from service.warehouse.definitions import read_definitions
from tests.bench.measure import (
    Result,
    Size,
    find_percentile,
    format_seconds,
    log,
    make_environment,
    read_answer,
    start_child,
)
from tests.bench.scrape import HOST, send_command

ROUNDS = 300
USERS = 50
USER_SECONDS = 15.0
PAUSE_SECONDS = 1.0
DATASETTE = "datasette==0.65.5"
QUERY = "select mission, value from latest where indicator = 'sofa_incidents_new'"
ROWS = 11


class Client:
    """A keep-alive client that asks one query, or one that differs each time by a comment."""

    def __init__(self, port: int, path: str) -> None:
        self._connection = http.client.HTTPConnection(HOST, port)
        self._path = path
        self._count = 0

    def ask_other(self) -> int:
        """As `ask`, for a query that was not sent before. The path must end with the query."""
        self._count += 1
        return self._ask(f"{self._path}{quote_plus(f' -- {self._count}')}")

    def ask(self) -> int:
        """Return the number of rows. Raises RuntimeError for an answer that is none."""
        return self._ask(self._path)

    def _ask(self, path: str) -> int:
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {body[:200]!r}")
        return len(json.loads(body)["rows"])


def measure_sql(size: Size, folder: Path) -> list[Result]:
    """Compare a small query over HTTP with the same in process and in datasette, and fifty users at rest and while loading."""
    del size  # the warehouse is that of the report
    application = Application(read_settings(data_dir=folder / "data"), read_definitions(find_in_tree("metrics")))
    application.loads.load_shipped()
    application.close()
    with start_child("service", folder / "data", find_in_tree("metrics")) as child:
        try:
            port = int(read_answer(child)["port"])
            results = _compare_small(port, folder)
            return results + _compare_users(child, port)
        finally:
            child.terminate()


def _compare_small(port: int, folder: Path) -> list[Result]:
    ours = Client(port, f"/api/v1/sql?{urlencode({'sql': QUERY})}")
    with open_copy(folder / "data" / "warehouse-read.duckdb") as copy:
        ours.ask()

        def ask_duckdb() -> int:
            with copy.cursor() as session:
                return len(session.execute(QUERY).fetchall())

        results = [
            _compare(f"SQL p50, {kind}: DuckDB in process", ask_duckdb, ask, 1.5)
            for kind, ask in (("small query", ours.ask_other), ("repeated query", ours.ask))
        ]
        _write_sqlite(copy, folder / "latest.db")
    try:
        with _run_datasette(folder) as peer_port:
            peer = Client(peer_port, f"/latest.json?{urlencode({'sql': QUERY})}")
            for kind, theirs, ask in (("small query", peer.ask_other, ours.ask_other), ("repeated query", peer.ask, ours.ask)):
                results.append(_compare(f"SQL p50, {kind}: datasette, rows in SQLite", theirs, ask, 1))
    except (subprocess.CalledProcessError, OSError) as error:
        log(f"datasette cannot be had here ({error}): the comparison is left out")
    return results


def _compare(name: str, theirs: Callable[[], int], ours: Callable[[], int], target: float) -> Result:
    taken, over_http = _take_turns(theirs, ours)
    return Result(name, format_seconds(taken), format_seconds(over_http), over_http / taken, target)


def _take_turns(first: Callable[[], int], second: Callable[[], int]) -> tuple[float, float]:
    """Return the median seconds of each, one call of each by turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for ask, taken in zip((first, second), times, strict=True):
            started = time.perf_counter()
            count = ask()
            taken.append(time.perf_counter() - started)
            if count != ROWS:
                raise RuntimeError(f"{count} rows, not {ROWS}")
    return find_percentile(times[0], 0.5), find_percentile(times[1], 0.5)


def _write_sqlite(copy: duckdb.DuckDBPyConnection, file: Path) -> None:
    with sqlite3.connect(file) as peer:
        peer.execute(
            "create table latest (indicator text, mission text, dimensions text, period_end text, value real, status text)"
        )
        rows = copy.execute(
            "select indicator, mission, dimensions::varchar, period_end::varchar, value, status from latest"
        ).fetchall()
        peer.executemany("insert into latest values (?, ?, ?, ?, ?, ?)", rows)
        peer.execute("create index by_indicator on latest (indicator)")


@contextmanager
def _run_datasette(folder: Path) -> Iterator[int]:
    """Serve latest.db in a virtual environment that goes with the folder; give the port."""
    log(f"installing {DATASETTE}")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "setuptools<81", DATASETTE]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # type: ignore[arg-type]
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    command = [folder / "venv" / "bin" / "datasette", "serve", "-i", folder / "latest.db", "--port", str(port)]
    with subprocess.Popen(command, env=make_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # type: ignore[arg-type]
        try:
            for _ in range(200):
                try:
                    socket.create_connection((HOST, port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def _compare_users(child: subprocess.Popen[str], port: int) -> list[Result]:
    idle = _ask_as_users(port)
    send_command(child, "refresh")
    busy = _ask_as_users(port)
    send_command(child, "rest")
    published = len(read_answer(child)["seconds"])
    log(f"{len(idle)} queries of {USERS} users at rest; {len(busy)} during {published} snapshots and their read copies")
    return [
        Result(
            f"SQL p{share * 100:g} of {USERS} users while publishing: at rest",
            format_seconds(rest),
            format_seconds(work),
            work / rest,
            target,
        )
        for share, target in ((0.5, None), (0.99, 3))
        for rest, work in [(find_percentile(idle, share), find_percentile(busy, share))]
    ]


def _ask_as_users(port: int) -> list[float]:
    """Return the seconds of every query that the users asked. Raises the first failure."""
    times: list[float] = []
    failures: list[Exception] = []
    end = time.monotonic() + USER_SECONDS

    def use(number: int) -> None:
        client = Client(port, f"/api/v1/sql?{urlencode({'sql': QUERY})}")
        time.sleep(PAUSE_SECONDS * number / USERS)
        try:
            while time.monotonic() < end:
                started = time.perf_counter()
                client.ask()
                times.append(time.perf_counter() - started)
                time.sleep(PAUSE_SECONDS)
        except Exception as error:
            failures.append(error)

    users = [threading.Thread(target=use, args=[number]) for number in range(USERS)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    if failures:
        raise failures[0]
    return times
