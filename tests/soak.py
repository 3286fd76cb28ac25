"""Fifty mixed clients on a service of the report: memory, descriptors, threads and gaps between scrapes.

`SOAK_SECONDS` is how long they work, an hour unless given. The limit is for the resident memory of the process of the service
(VmRSS), with about 70 MB of libraries. Beside it the memory with the child processes is printed, which run SQL and make charts
and documents within limits of their own; memory that processes share is counted once there (PSS).
"""

from __future__ import annotations

import http.client
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import cramjam
import psutil

from metrics.remote_read_pb2 import LabelMatcher, Query, ReadHints, ReadRequest
from service.client.remote import RemoteClient
from service.errors import ServiceError
from service.loading.interrupt import Interrupt
from service.loading.request import LoadRequest
from service.system.progress import ignore_progress
from tests.service_process import ServiceProcess

SECONDS = 3600.0
REPORT_SECONDS = 15.0
MAX_RSS_BYTES = 600 << 20
MAX_GAP_SECONDS = 5.0
DAY_MS = 86_400_000
# Clients of each kind; 50 in all.
CLIENTS = {"scrape": 3, "page": 16, "sql": 12, "read": 9, "document": 8, "load": 2}
PAUSE_SECONDS = {"scrape": 0.5, "page": 0.2, "sql": 0.2, "read": 0.3, "document": 0.5, "load": 2.0}
PAGES = ("/", "/indicators/sofa_incidents_new", "/missions/UNMISS", "/thresholds", "/quality", "/cycles", "/api/v1/latest")
DOCUMENTS = ("/cycles/5.xlsx", "/cycles/5.html", "/cycles/5.pdf")
QUERIES = (
    "select * from observations",
    "select mission, sum(value) as total from latest group by all order by all",
    "select repeat('x', 200) as x from range(50000)",
    "select count(*) as n from range(3000000) as a(i), range(5) as b(j) where a.i % 7 = b.j",
)


@dataclass
class Soak:
    """What the clients share: the address, and what they counted."""

    data_dir: Path
    host: str
    port: int
    is_over: threading.Event = field(default_factory=threading.Event)
    answers: Counter[str] = field(default_factory=Counter)
    scraped_at: float = 0.0
    longest_gap: float = 0.0
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, kind: str, address: str, method: str, path: str, body: bytes | None = None) -> int:
        """Send one request from an address of the loopback network; read the answer whole and count its status."""
        client = http.client.HTTPConnection(self.host, self.port, timeout=60, source_address=(address, 0))
        try:
            client.request(method, path, body, {"Host": "127.0.0.1"})
            answer = client.getresponse()
            answer.read()
            self.count(f"{kind} {answer.status}")
            if answer.status == 500:
                self.faults.append(f"{method} {path} was answered with 500")
            return answer.status
        finally:
            client.close()

    def count(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1

    def record_scrape(self) -> None:
        with self._lock:
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - self.scraped_at) if self.scraped_at else 0.0
            self.scraped_at = now


def scrape(soak: Soak, address: str, turn: int) -> None:
    if soak.request("scrape", address, "GET", "/metrics") == 200:
        soak.record_scrape()


def read_page(soak: Soak, address: str, turn: int) -> None:
    path = PAGES[turn % len(PAGES)]
    # Every third one is of an instant that no other client requests, so that it is not cached.
    instant = f"?known_at=2027-01-01T{turn // 3600 % 24:02}:{turn // 60 % 60:02}:{turn % 60:02}"
    soak.request("page", address, "GET", path + (instant if turn % 3 == 0 and not path.startswith("/api") else ""))


def query_sql(soak: Soak, address: str, turn: int) -> None:
    format_name = ("json", "csv", "arrow", "parquet")[turn % 4]
    query = quote(QUERIES[turn // 4 % len(QUERIES)])
    soak.request("sql", address, "GET", f"/api/v1/sql?format={format_name}&max_rows=50000&sql={query}")


def read_history(soak: Soak, address: str, turn: int) -> None:
    end = 1_767_225_600_000 - turn % 700 * DAY_MS
    start = end - (30 + turn % 400) * DAY_MS
    matcher = LabelMatcher(name="__name__", type=LabelMatcher.RE, value=("a4p_.*", "a4p_sofa.*")[turn % 2])
    hints = ReadHints(start_ms=start, end_ms=end, step_ms=DAY_MS)
    query = Query(start_timestamp_ms=start, end_timestamp_ms=end, matchers=[matcher], hints=hints)
    body = cramjam.snappy.compress_raw(ReadRequest(queries=[query]).SerializeToString())
    soak.request("read", address, "POST", "/api/v1/read", bytes(body))


def read_document(soak: Soak, address: str, turn: int) -> None:
    soak.request("document", address, "GET", DOCUMENTS[turn % len(DOCUMENTS)])


def load_file(soak: Soak, address: str, turn: int) -> None:
    file = soak.data_dir.parent / f"{address}-{turn}.csv"
    file.write_text(
        "indicator,mission,period_start,period_end,value,source\n"
        f"sofa_incidents_new,UNMISS,2024-05-01,2024-10-31,{turn % 500},soak {address}\n"
    )
    RemoteClient(soak.data_dir).load(LoadRequest(files=(file,), loaded_by="soak"), ignore_progress, Interrupt())
    soak.count("load answered")


WORK: dict[str, Callable[[Soak, str, int], None]] = {
    "scrape": scrape,
    "page": read_page,
    "sql": query_sql,
    "read": read_history,
    "document": read_document,
    "load": load_file,
}


def run_client(soak: Soak, kind: str, address: str) -> None:
    """Work until the soak is over; a connection that fails is counted."""
    turn = int(address.rsplit(".", 1)[1]) * 1000
    while not soak.is_over.wait(PAUSE_SECONDS[kind]):
        turn += 1
        try:
            WORK[kind](soak, address, turn)
        except ServiceError as error:
            soak.faults.append(f"{kind}: {error}")
        except (OSError, http.client.HTTPException) as error:
            soak.count(f"{kind} {type(error).__name__}")


@dataclass(frozen=True)
class Measured:
    """What the service takes at one moment; `rss` is of its process alone, `total` of the child processes too."""

    at: float
    rss: int
    total: int
    descriptors: int
    threads: int


def measure(process: psutil.Process) -> Measured:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += each.memory_full_info().pss
    return Measured(time.monotonic(), process.memory_info().rss, total, process.num_fds(), process.num_threads())


def describe_growth(rows: Sequence[Measured]) -> list[str]:
    """Return lines on the memory, descriptors and threads of the second half of the time, beside the quarter before it."""
    before, after = rows[len(rows) // 4 : len(rows) // 2], rows[len(rows) // 2 :]
    if len(before) < 2 or len(after) < 2:
        return []
    slope = statistics.linear_regression([row.at for row in after], [row.rss / 2**20 for row in after]).slope
    return [
        f"mean {mean_megabytes(before):,.0f} MB in the second quarter, {mean_megabytes(after):,.0f} MB in the second half; "
        f"slope there {slope * 3600:+,.0f} MB an hour",
        f"{max(row.descriptors for row in before)} and {max(row.descriptors for row in after)} descriptors, "
        f"{max(row.threads for row in before)} and {max(row.threads for row in after)} threads at most",
    ]


def mean_megabytes(rows: Sequence[Measured]) -> float:
    return statistics.mean(row.rss for row in rows) / 2**20


def watch(
    soak: Soak, service: ServiceProcess, process: psutil.Process, rows: list[Measured], started: float, seconds: float
) -> None:
    """Append a measurement to `rows` and print it at intervals, until the time is over or the service has ended."""
    while (passed := time.monotonic() - started) < seconds and service.process.poll() is None:
        time.sleep(min(REPORT_SECONDS, seconds - passed))
        row = measure(process)
        rows.append(row)
        print(
            f"{row.at - started:6.0f} s  {row.rss / 2**20:5.0f} MB, with children {row.total / 2**20:5.0f} MB, "
            f"{row.descriptors:4} descriptors, {row.threads:3} threads, longest gap {soak.longest_gap:.2f} s, "
            f"{sum(soak.answers.values()):,} answers",
            flush=True,
        )


def run(seconds: float, folder: Path) -> list[str]:
    """Run the clients; print as it goes and a summary. Return the faults."""
    data_dir = folder / "data"
    with ServiceProcess(data_dir) as service:
        place = urlsplit(service.wait_until_ready())
        # Its log must not fill the pipe.
        assert service.process.stdout is not None
        output = service.process.stdout
        threading.Thread(target=lambda: [service.output.append(line) for line in output], daemon=True).start()
        process = psutil.Process(service.process.pid)
        soak = Soak(data_dir, place.hostname or "", place.port or 0)
        kinds = [kind for kind, count in CLIENTS.items() for _ in range(count)]
        threads = [
            threading.Thread(target=run_client, args=[soak, kind, f"127.0.3.{number}"]) for number, kind in enumerate(kinds, 1)
        ]
        rows = [measure(process)]
        print(f"{len(threads)} clients for {seconds:,.0f} s; {rows[0].rss / 2**20:,.0f} MB before", flush=True)
        started = time.monotonic()
        for thread in threads:
            thread.start()
        is_interrupted = False
        try:
            watch(soak, service, process, rows, started, seconds)
        except KeyboardInterrupt:
            # The service has received the same signal.
            is_interrupted = True
            print("interrupted: the summary is of the time until now", flush=True)
        finally:
            soak.is_over.set()
        for thread in threads:
            thread.join()
        faults = list(soak.faults)
        faults += (
            ["the service ended: " + "\n".join(service.output[-20:])]
            if service.process.poll() is not None and not is_interrupted
            else []
        )
        faults += [line for line in service.output if "Traceback" in line]
    for name, count in sorted(soak.answers.items()):
        print(f"{count:8,} {name}")
    largest = max(row.rss for row in rows)
    print(
        f"largest: {largest / 2**20:,.0f} MB, with children {max(row.total for row in rows) / 2**20:,.0f} MB, "
        f"{max(row.descriptors for row in rows)} descriptors, {max(row.threads for row in rows)} threads; "
        f"longest gap between scrapes {soak.longest_gap:.2f} s"
    )
    print("\n".join(describe_growth(rows)))
    if largest > MAX_RSS_BYTES:
        faults.append(f"the service took {largest / 2**20:,.0f} MB, more than {MAX_RSS_BYTES >> 20}")
    if soak.longest_gap > MAX_GAP_SECONDS:
        faults.append(f"no scrape was answered for {soak.longest_gap:.1f} s")
    return faults


def main() -> None:
    seconds = float(os.environ.get("SOAK_SECONDS") or SECONDS)
    with tempfile.TemporaryDirectory(prefix="a4p-soak-") as folder:
        faults = run(seconds, Path(folder))
    for fault, count in Counter(faults).most_common(20):
        print(f"{count} x {fault}")
    print("no faults" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
