"""The comparison with prometheus-client alone: a custom collector over the rows of `samples`."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from waitress.server import create_server

from service.settings import read_settings
from service.warehouse.database import Connection
from service.web.app import WEB_THREADS
from service.web.server import NEVER_TO_FILE
from tests.bench.data import World, make_tables
from tests.bench.measure import answer

LABELS = ("mission", "contingent", "training")
Row = tuple[str, str, str, str, float]


class SampleCollector(Collector):
    """Gauges over rows of (metric, mission, contingent, training, value), of one metric after the other.

    `fetch` is called on every scrape.
    """

    def __init__(self, fetch: Callable[[], list[Row]]) -> None:
        self._fetch = fetch

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        family = None
        for metric, mission, contingent, training, value in self._fetch():
            if family is None or family.name != metric:
                if family is not None:
                    yield family
                family = GaugeMetricFamily(metric, "A value of the bench.", labels=LABELS)
            family.add_metric((mission, contingent, training), value)
        if family is not None:
            yield family


def make_samples(connection: Connection, world: World) -> None:
    """Make the table `samples` that a snapshot of `world` renders, with the bench's own indicators."""
    make_tables(connection, world)
    connection.execute((Path(__file__).parent / "sql" / "samples.sql").read_text(encoding="utf-8"))


def fetch_rows(connection: Connection) -> list[Row]:
    """Return the rows of `samples` for a SampleCollector."""
    return connection.execute(
        "select metric, labels['mission'], labels['contingent'], labels['training'], value from samples order by metric"
    ).fetchall()


def make_registry(fetch: Callable[[], list[Row]]) -> CollectorRegistry:
    """Return a registry that holds a SampleCollector."""
    registry = CollectorRegistry()
    registry.register(SampleCollector(fetch))
    return registry


def main(series: int) -> None:
    """Serve so many series, fetched once for all scrapes, with prometheus-client, behind waitress as the service sets it."""
    with duckdb.connect() as connection:
        make_samples(connection, World(series, 1))
        rows = fetch_rows(connection)
    app = make_wsgi_app(make_registry(lambda: rows))
    listener = socket.create_server((read_settings().host, 0))
    server = create_server(
        app,
        sockets=[listener],
        threads=WEB_THREADS,
        ident="peer",
        outbuf_overflow=NEVER_TO_FILE,
        outbuf_high_watermark=NEVER_TO_FILE,
        clear_untrusted_proxy_headers=True,
    )
    answer(port=listener.getsockname()[1])
    server.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
