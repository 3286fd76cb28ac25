"""Scraping two replicas of a lake through nginx, beside one of them through nginx and directly."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from service.lake.address import read_address
from service.lake.upload import move_warehouse
from service.settings import Settings
from service.warehouse.connection import Resources
from tests.bench.data import World, make_warehouse, write_catalogue
from tests.bench.measure import Result, Size, find_percentile, format_megabytes, format_seconds, log, read_answer, start_child
from tests.bench.scrape import SCRAPES, Scraper
from tests.lake.servers import PASSWORD, SECRET, Bucket, Postgres
from tests.nginx_process import run_nginx


def measure_front(size: Size, folder: Path) -> list[Result]:
    """How long a scrape of two replicas through nginx takes, in turns with scrapes of one through nginx and directly."""
    world = World(size.scrape_series, 1)
    catalogue = write_catalogue(world, folder / "catalogue")
    make_warehouse(world, catalogue, folder / "a")
    with ExitStack() as stack:
        postgres, bucket = Postgres(), Bucket(folder / "bucket")
        stack.callback(postgres.close)
        stack.callback(bucket.stop)
        (folder / "secret").write_text(SECRET)
        lake = {
            "warehouse": f"ducklake:postgres:{postgres.create_database('lake')} password={PASSWORD}",
            "lake_data": "s3://lake/bench",
            "lake_s3_endpoint": bucket.endpoint,
            "lake_s3_key_id": "a4p",
            "lake_s3_secret_file": str(folder / "secret"),
            "lake_s3_tls": "false",
        }
        settings = Settings(data_dir=folder / "a", **lake)  # type: ignore[arg-type]
        resources = Resources(2, "1GB", folder / "tmp", 1 << 30)
        move_warehouse(settings.warehouse_file, read_address(settings), resources)
        environment = {f"A4P_{name.upper()}": value for name, value in lake.items()}
        log(f"starting two replicas with {world.series:,} series")
        ports = []
        for name in ("a", "b"):
            child = stack.enter_context(start_child("service", folder / name, catalogue, **environment))
            stack.callback(child.terminate)
            ports.append(int(read_answer(child)["port"]))
        first, second = (f"127.0.0.1:{port}" for port in ports)
        scrapers = {"directly": Scraper(ports[0])}
        for name, replicas in (("one", (first, first)), ("two", (first, second))):
            url = stack.enter_context(run_nginx(folder / f"nginx-{name}", replicas))
            scrapers[name] = Scraper(int(url.rsplit(":", 1)[1]))
        log(f"{format_megabytes(len(scrapers['two'].fetch()))} gzip")
        times: dict[str, list[float]] = {name: [] for name in scrapers}
        for scraper in scrapers.values():
            scraper.scrape()
        for _ in range(SCRAPES):
            for name, scraper in scrapers.items():
                times[name].append(scraper.scrape()[0])
        medians = {name: find_percentile(measured, 0.5) for name, measured in times.items()}
        compared = f"scrape p50, {world.series:,} series, two replicas behind nginx"
        return [
            Result(
                f"{compared}: {peer}",
                format_seconds(medians[name]),
                format_seconds(medians["two"]),
                medians["two"] / medians[name],
                target,
            )
            for name, peer, target in (("one", "one behind nginx", 1.3), ("directly", "one without nginx", None))
        ]
