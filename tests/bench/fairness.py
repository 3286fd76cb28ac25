"""Fairness: how long a client with few requests waits while 20 others send heavy ones without a pause."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit

from tests.bench.measure import Result, Size, format_seconds, log, make_environment
from tests.service_process import ServiceProcess

HEAVY_CLIENTS = 20
SECONDS = 75.0
# A client that requests a page of an instant every 12 s uses less than the share of each of the others.
PAUSE_SECONDS = 3.0
MAX_SECONDS = 2.0
HEAVY_QUERY = "select count(*) as n from range(3000000) as a(i), range(20) as b(j) where a.i % 7 = b.j"
LIGHT_QUERY = "select mission, value from latest where indicator = 'sofa_incidents_new'"
# Kinds of requests of the one client. The page of a mission is not cached, as each is of another instant.
LIGHT = ("/metrics", "/missions/UNMISS?known_at={instant}", "/", "/api/v1/sql?sql=" + quote(LIGHT_QUERY))


def measure_fairness(size: Size, folder: Path) -> list[Result]:
    """How long one client waits beside 20 heavy ones, each with its own address."""
    del size  # the warehouse is that of the report
    with ServiceProcess(folder / "data", **make_environment()) as service:
        place = urlsplit(service.wait_until_ready())
        assert service.process.stdout is not None
        output = service.process.stdout
        # Its log must not fill the pipe.
        threading.Thread(target=lambda: [service.output.append(line) for line in output], daemon=True).start()
        client = Client(place.hostname or "", place.port or 0)
        results = []
        alone = [client.measure_seconds("127.0.2.1", LIGHT[1].format(instant=_make_instant(1, turn))) for turn in range(5)]
        log(f"a page of a mission without other clients: median {format_seconds(median(alone))}")
        for name, heavy in (
            ("pages", "/missions/UNMISS?known_at={instant}"),
            ("SQL", "/api/v1/sql?sql=" + quote(HEAVY_QUERY)),
        ):
            waits = measure_waits(client, heavy)
            for path, seconds in waits.items():
                kind = path.split("?")[0]
                log(f"{name}: {kind} {len(seconds)} times, median {format_seconds(median(seconds))}")
                results.append(
                    Result(
                        f"longest wait for {kind} beside {HEAVY_CLIENTS} clients of {name}",
                        format_seconds(MAX_SECONDS),
                        format_seconds(max(seconds)),
                        max(seconds) / MAX_SECONDS,
                        1,
                    )
                )
        return results


class Client:
    """Sends requests from given addresses of the loopback network."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    def get(self, address: str, path: str) -> int:
        """Return the status of the answer, after its last byte."""
        with closing(http.client.HTTPConnection(self._host, self._port, timeout=60, source_address=(address, 0))) as client:
            client.request("GET", path, headers={"Host": "127.0.0.1"})
            answer = client.getresponse()
            answer.read()
            return answer.status

    def measure_seconds(self, address: str, path: str) -> float:
        """Return the seconds to the last byte. Raises RuntimeError if the request is refused."""
        started = time.monotonic()
        status = self.get(address, path)
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}")
        return time.monotonic() - started


def measure_waits(client: Client, heavy: str) -> dict[str, list[float]]:
    """Return the seconds of each request of one client, by path, while the heavy ones work."""
    is_over = threading.Event()
    answers: Counter[int] = Counter()

    def work(number: int) -> None:
        turn = 0
        while not is_over.is_set():
            turn += 1
            with suppress(OSError, http.client.HTTPException):
                answers[client.get(f"127.0.1.{number}", heavy.format(instant=_make_instant(number, turn)))] += 1

    threads = [threading.Thread(target=work, args=[number]) for number in range(1, HEAVY_CLIENTS + 1)]
    for thread in threads:
        thread.start()
    waits: dict[str, list[float]] = {path: [] for path in LIGHT}
    try:
        # Until none of the clients is new.
        deadline = time.monotonic() + 60
        while answers.total() < HEAVY_CLIENTS and time.monotonic() < deadline:
            time.sleep(0.1)
        ends_at, turn = time.monotonic() + SECONDS, 0
        while time.monotonic() < ends_at:
            turn += 1
            for path, seconds in waits.items():
                time.sleep(PAUSE_SECONDS)
                seconds.append(client.measure_seconds("127.0.2.1", path.format(instant=_make_instant(0, turn))))
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    log(f"answers to the heavy clients by status: {dict(answers)}")
    return waits


def _make_instant(number: int, turn: int) -> str:
    return f"2027-01-01T{number:02}:{turn // 60 % 60:02}:{turn % 60:02}"
