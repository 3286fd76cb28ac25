"""Connections: idle, slow and demanding clients do not block other clients."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import psutil
import pytest

from metrics.history import DAY_MS
from metrics.remote_read_pb2 import ReadHints
from service.web.server import HEADER_SECONDS, SILENT_SECONDS, Server
from tests.history.remote_read_client import RE, make_query, write_request
from tests.published_report import copy_report
from tests.service_process import ServiceProcess, get, run_a4p, wait_for

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    with ServiceProcess(copy_report(tmp_path_factory.mktemp("server") / "data"), A4P_SQL_SECONDS="120") as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def url(service: ServiceProcess) -> str:
    line = next(line for line in service.output if line.startswith("metrics"))
    return line.split()[1].removesuffix("/metrics")


def connect(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname or "", place.port or 0), timeout=60)


def assert_responsive(url: str, data_dir: Path) -> None:
    started = time.monotonic()
    assert get(f"{url}/metrics")[0] == 200
    assert get(f"{url}/-/healthy")[0] == 200
    # Later the connections that wait would have been closed.
    assert time.monotonic() - started < SILENT_SECONDS
    jobs = run_a4p("jobs", "--data-dir", str(data_dir))
    assert jobs.returncode == 0, jobs.stderr


@pytest.mark.parametrize(
    "first_bytes", [b"", b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "], ids=["idle", "unfinished headers"]
)
def test_a_thousand_idle_connections_do_not_block_other_clients(service: ServiceProcess, url: str, first_bytes: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(1000):
            connection = stack.enter_context(closing(connect(url)))
            if first_bytes:
                connection.sendall(first_bytes)
        assert_responsive(url, service.data_dir)


def test_two_hundred_persistent_connections_are_served(service: ServiceProcess, url: str) -> None:
    place = urlsplit(url)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(closing(http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)))
            for _ in range(200)
        ]
        for _ in range(2):
            for client in clients:
                client.request("GET", "/-/healthy")
                answer = client.getresponse()
                assert answer.read() == b"healthy\n"
        assert_responsive(url, service.data_dir)


def test_connection_without_a_request_is_closed(url: str) -> None:
    with closing(connect(url)) as connection:
        connection.settimeout(SILENT_SECONDS + 30)
        assert connection.recv(1) == b""


def test_connection_with_slow_headers_is_closed(url: str) -> None:
    with closing(connect(url)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        started = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - started < HEADER_SECONDS + 45:
                connection.sendall(b"x")
                time.sleep(0.2)
        assert time.monotonic() - started < HEADER_SECONDS + 30


def test_forty_unread_documents_use_little_memory(service: ServiceProcess, url: str) -> None:
    assert get(f"{url}/cycles/5.xlsx")[0] == 200
    process = psutil.Process(service.process.pid)
    before = process.memory_info().rss
    with ExitStack() as stack:
        for _ in range(40):
            connection = stack.enter_context(closing(connect(url)))
            connection.sendall(b"GET /cycles/5.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(3)
        assert process.memory_info().rss - before < 200 * MEGABYTE
        assert_responsive(url, service.data_dir)


def test_pipelined_requests_with_large_answers_are_processed_in_sequence(service: ServiceProcess, url: str) -> None:
    process = psutil.Process(service.process.pid)
    before = process.memory_info().rss
    query = "/api/v1/sql?format=csv&sql=select+repeat('x',+600)+as+x+from+range(100000)"
    with closing(connect(url)) as connection:
        connection.sendall(f"GET {query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 80)
        time.sleep(8)
        assert process.memory_info().rss - before < 200 * MEGABYTE
        assert_responsive(url, service.data_dir)


def test_pipelined_remote_reads_use_little_memory(service: ServiceProcess, url: str) -> None:
    process = psutil.Process(service.process.pid)
    # Every series, day by day over five years: below the limit of samples.
    end_ms = 1_767_225_600_000
    start_ms = end_ms - 1825 * DAY_MS
    hints = ReadHints(start_ms=start_ms, end_ms=end_ms, step_ms=DAY_MS)
    body = write_request(make_query(("__name__", RE, "a4p_.*"), start=start_ms, end=end_ms, hints=hints))
    request = f"POST /api/v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    before = process.memory_info().rss
    with closing(connect(url)) as connection:
        connection.sendall(request * 80)
        assert connection.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        time.sleep(5)
        assert process.memory_info().rss - before < 200 * MEGABYTE
        assert_responsive(url, service.data_dir)


def test_query_of_a_disconnected_client_is_cancelled(service: ServiceProcess, url: str) -> None:
    endless = "/api/v1/sql?sql=select+sum(a.range*b.range)+from+range(10000000)+a,+range(10000000)+b"

    def find_busy() -> float:
        children = psutil.Process(service.process.pid).children()
        for child in children:
            child.cpu_percent()
        time.sleep(0.3)
        return sum(child.cpu_percent() for child in children if child.is_running())

    with closing(connect(url)) as connection:
        connection.sendall(f"GET {endless} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        # A busy machine leaves it a small share of a processor.
        wait_for(lambda: find_busy() > 4, 30)
    # Before the time limit of the query.
    wait_for(lambda: find_busy() < 4, 30)


def test_twenty_heavy_clients_do_not_block_a_light_one(service: ServiceProcess, url: str) -> None:
    """Each heavy client has its own address and requests pages that are not cached."""
    place = urlsplit(url)
    stop = threading.Event()
    answered: list[int] = []
    served: set[int] = set()

    def ask(address: str, path: str) -> int:
        client = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120, source_address=(address, 0))
        with closing(client):
            client.request("GET", path, headers={"Host": "127.0.0.1"})
            answer = client.getresponse()
            answer.read()
            return answer.status

    def be_heavy(number: int) -> None:
        count = 0
        while not stop.is_set():
            count += 1
            # Each instant is a different page, so that none is cached.
            known_at = f"2027-01-01T{number:02}:{count // 60:02}:{count % 60:02}"
            with suppress(OSError):
                answered.append(ask(f"127.0.1.{number}", f"/missions/UNMISS?known_at={known_at}"))
                served.add(number)

    threads = [threading.Thread(target=be_heavy, args=[number]) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    try:
        # After this, none of the clients is new.
        wait_for(lambda: len(served) == len(threads), 180)
        for path in ("/metrics", "/api/v1/latest?indicator=sofa_incidents_new", "/missions/UNMISS?as_of=2024-05-02"):
            before = len(answered)
            assert ask("127.0.2.1", path) == 200
            # In order of arrival, twenty heavy requests would be answered first.
            assert len(answered) - before < 10, path
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_setting_the_clock_forward_closes_no_connection() -> None:
    channel = SimpleNamespace(last_activity=1000.0, will_close=False, find_overdue=lambda wall, now: False)
    server = SimpleNamespace(active_channels={1: channel}, clock_offset=None)
    Server.maintenance(server, time.time())  # type: ignore[arg-type]
    before = channel.last_activity
    Server.maintenance(server, time.time() + 86_400)  # type: ignore[arg-type]
    assert channel.last_activity - before == pytest.approx(86_400, abs=2)
    Server.maintenance(server, time.time() + 86_400)  # type: ignore[arg-type]
    assert channel.last_activity - before == pytest.approx(86_400, abs=2)
