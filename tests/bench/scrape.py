"""Scraping: how long a keep-alive client on the same machine waits for /metrics, gzip, to the last byte.

Against nginx serving the same bytes as a file (the least a server can do), against prometheus-client building the text on
every scrape behind the same WSGI server, and against itself while it computes and renders snapshots.
"""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.data import World, make_warehouse, write_catalogue
from tests.bench.measure import (
    Result,
    Size,
    find_percentile,
    format_megabytes,
    format_seconds,
    log,
    read_answer,
    start_child,
)

SCRAPES = 200
PEER_SCRAPES = 5
BUSY_ROUNDS = 4
BUSY_SECONDS = 8.0
PAUSE_SECONDS = 0.02
HOST = "127.0.0.1"
NGINX = "/usr/sbin/nginx"

NGINX_CONFIG = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    default_type text/plain;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port};
        root {folder};
        add_header Content-Encoding gzip;
    }}
}}
"""


class Scraper:
    """A keep-alive HTTP client that does no more than it must, so that what is measured is the server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = f"GET /metrics HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        self._buffer = memoryview(bytearray(1 << 20))

    def scrape(self) -> tuple[float, int]:
        """Return the seconds to the last byte and the size of the body."""
        started = time.perf_counter()
        size = self._read()[0]
        return time.perf_counter() - started, size

    def fetch(self) -> bytes:
        """Return the body."""
        return b"".join(self._read(keep=True)[1])

    def _read(self, keep: bool = False) -> tuple[int, list[bytes]]:
        self._socket.sendall(self._request)
        head = b""
        while b"\r\n\r\n" not in head:
            count = self._socket.recv_into(self._buffer)
            if count == 0:
                raise RuntimeError("the server closed the connection")
            head += bytes(self._buffer[:count])
        head, _, rest = head.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if not head.startswith(b"HTTP/1.1 200") or fields.get(b"content-encoding") != b"gzip":
            raise RuntimeError(f"not a scrape: {head!r}")
        size = int(fields[b"content-length"])
        parts, left = [rest], size - len(rest)
        while left:
            count = self._socket.recv_into(self._buffer)
            if count == 0:
                raise RuntimeError("the server closed the connection")
            if keep:
                parts.append(bytes(self._buffer[:count]))
            left -= count
        return size, parts


@contextmanager
def _run_nginx(body: bytes, folder: Path) -> Iterator[int]:
    """Serve `body` as the file /metrics; give the port."""
    folder.mkdir()
    (folder / "metrics").write_bytes(body)
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    # The folder is private; nginx started by root would read it as nobody.
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=folder, host=HOST, port=port, user=user), encoding="utf-8")
    with subprocess.Popen([NGINX, "-p", folder, "-c", config], stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for_port(port, process)
            yield port
        finally:
            process.terminate()


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            raise RuntimeError(f"nginx ended with {process.returncode}")
        try:
            socket.create_connection((HOST, port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError("nginx did not listen")


@contextmanager
def run_service(world: World, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the service over a world; give the process and its port."""
    catalogue = write_catalogue(world, folder / "catalogue")
    make_warehouse(world, catalogue, folder / "data")
    with start_child("service", folder / "data", catalogue) as child:
        try:
            ready = read_answer(child)
            if ready["series"] < world.series:
                raise RuntimeError(f"the service exposes {ready['series']:,} series, not {world.series:,}")
            yield child, int(ready["port"])
        finally:
            child.terminate()


@contextmanager
def _run_peer(series: int) -> Iterator[int]:
    with start_child("peer", series) as child:
        try:
            yield int(read_answer(child)["port"])
        finally:
            child.terminate()


def measure_scrape(size: Size, folder: Path) -> list[Result]:
    """Compare the median scrape with nginx's, one of each by turns, and with prometheus-client's."""
    series = size.scrape_series
    results = []
    with ExitStack() as stack:
        log(f"starting the service with {series:,} series")
        _, port = stack.enter_context(run_service(World(series, 1), folder))
        ours = Scraper(port)
        body = ours.fetch()
        text = gzip.decompress(body)
        # The sample lines of the bench's own indicators; a family's header begins with '#'.
        samples = text.count(b"\na4p_bench_")
        log(f"{samples:,} samples, {format_megabytes(len(text))} of text, {format_megabytes(len(body))} gzip")
        times: dict[str, list[float]] = {"nginx": [], "ours": []}
        scrapers = {"ours": ours}
        if shutil.which(NGINX):
            scrapers["nginx"] = Scraper(stack.enter_context(_run_nginx(body, folder / "nginx")))
        else:
            log(f"{NGINX} is not there: the comparison with a static file is left out")
        for scraper in scrapers.values():
            scraper.scrape()
        for _ in range(SCRAPES):
            for name, scraper in scrapers.items():
                times[name].append(scraper.scrape()[0])
        median = find_percentile(times["ours"], 0.5)
        if "nginx" in scrapers:
            static = find_percentile(times["nginx"], 0.5)
            results.append(
                Result(
                    f"scrape p50, {series:,} series: nginx static file",
                    format_seconds(static),
                    format_seconds(median),
                    median / static,
                    2,
                )
            )
        log(f"starting prometheus-client with {series:,} series")
        peer = Scraper(stack.enter_context(_run_peer(series)))
        peer_times, our_times = [], []
        for _ in range(PEER_SCRAPES):
            peer_times.append(peer.scrape()[0])
            our_times += [ours.scrape()[0] for _ in range(SCRAPES // PEER_SCRAPES)]
        collected, median = find_percentile(peer_times, 0.5), find_percentile(our_times, 0.5)
        name = f"scrape p50, {series:,} series: prometheus-client collector"
        results.append(
            Result(name, format_seconds(collected), format_seconds(median), collected / median, 300, is_at_least=True)
        )
    return results


def measure_busy_scrape(size: Size, folder: Path) -> list[Result]:
    """Compare the 99th percentile of scrapes while snapshots are made in the same process with that at rest, by turns."""
    return _compare_busy(World(size.large_series, 1), folder, f"snapshots of {size.large_series:,} series")


def measure_publish(size: Size, folder: Path) -> list[Result]:
    """Compare the 99th percentile of scrapes while a large warehouse is published as read copy with that at rest, by turns."""
    world = World(size.load_series, size.large_load_periods)
    return _compare_busy(world, folder, f"the publishing of {world.observations:,} observations")


def _compare_busy(world: World, folder: Path, work: str) -> list[Result]:
    log(f"starting the service with {world.series:,} series and {world.observations:,} observations")
    with run_service(world, folder) as (child, port):
        scraper = Scraper(port)
        scraper.scrape()
        idle: list[float] = []
        busy: list[float] = []
        refreshes: list[float] = []
        for turn in range(1, BUSY_ROUNDS + 1):
            idle += _scrape_for(scraper, BUSY_SECONDS / 2)
            send_command(child, "refresh")
            busy += _scrape_for(scraper, BUSY_SECONDS)
            send_command(child, "rest")
            refreshes += read_answer(child)["seconds"]
            log(f"round {turn} of {BUSY_ROUNDS}: {len(idle)} scrapes at rest, {len(busy)} during {len(refreshes)} snapshots")
    refresh = format_seconds(find_percentile(refreshes, 0.5))
    log(f"a snapshot and its read copy took {refresh}")
    for share in (0.5, 0.9, 0.99, 1):
        at_rest, in_work = find_percentile(idle, share), find_percentile(busy, share)
        log(f"p{share * 100:g}: {format_seconds(at_rest)} at rest, {format_seconds(in_work)} busy")
    at_rest, in_work = find_percentile(idle, 0.99), find_percentile(busy, 0.99)
    name = f"scrape p99 during {work}: at rest"
    return [Result(name, format_seconds(at_rest), format_seconds(in_work), in_work / at_rest, 5)]


def send_command(child: subprocess.Popen[str], word: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{word}\n")
    child.stdin.flush()


def _scrape_for(scraper: Scraper, seconds: float) -> list[float]:
    """Scrape with a pause after each, so that the client does not itself keep the machine busy; return the times."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        times.append(scraper.scrape()[0])
        time.sleep(PAUSE_SECONDS)
    return times
