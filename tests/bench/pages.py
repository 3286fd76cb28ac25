"""Pages: how long a keep-alive client waits for one, beside a static file of the same service.

A page that was shown since the snapshot is cached. Other pages are queried from the read copy and rendered: each of them is
requested as of another day.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from tests.bench.measure import Result, Size, format_seconds, log, make_environment
from tests.service_process import ServiceProcess

ROUNDS = 200
FIRST_ROUNDS = 30
FILE = "/static/page.css"
PAGES = ("/", "/indicators/sea_allegations_by_incident_date", "/priorities/accountability_to_peacekeepers", "/missions/UNMISS")


def measure_pages(size: Size, folder: Path) -> list[Result]:
    """How long a page of the report takes, beside a static file."""
    with ServiceProcess(folder / "data", **make_environment()) as service:
        host = urlsplit(service.wait_until_ready()).netloc
        client = HTTPConnection(host, timeout=60)
        file_seconds = median(_ask(client, [FILE] * ROUNDS))
        results = []
        for page in PAGES:
            next(_ask(client, [page]))
            cached = median(_ask(client, [page] * ROUNDS))
            first = median(_ask(client, _of_other_days(page)))
            log(
                f"{page}: cached {format_seconds(cached)}, first {format_seconds(first)}, "
                f"static file {format_seconds(file_seconds)}"
            )
            results += [
                _compare(f"{page}, cached", cached, file_seconds, 3),
                _compare(f"{page}, first", first, file_seconds),
            ]
        return results


def _of_other_days(page: str) -> list[str]:
    return [f"{page}?as_of={date(2025, 1, 1) + timedelta(days=day)}" for day in range(FIRST_ROUNDS)]


def _ask(client: HTTPConnection, paths: list[str]) -> Iterator[float]:
    """Yield the seconds to the last byte of each."""
    for path in paths:
        started = time.perf_counter()
        client.request("GET", path)
        answer = client.getresponse()
        body = answer.read()
        if answer.status != 200 or not body:
            raise RuntimeError(f"{path} was answered with {answer.status}")
        yield time.perf_counter() - started


def _compare(name: str, ours: float, peer: float, target: float | None = None) -> Result:
    return Result(name, f"static file {format_seconds(peer)}", format_seconds(ours), ours / peer, target)
