"""A lake beside an embedded warehouse: a load of 1,000,000 observations, the read copy, and a pull by a second replica."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from service.application import Application
from service.lake.warehouse import LakeWarehouse
from service.loading.request import LoadRequest
from service.settings import Settings
from service.warehouse.definitions import read_definitions
from tests.bench.data import World, write_catalogue, write_parquet
from tests.bench.measure import Result, Size, format_seconds
from tests.lake.servers import PASSWORD, SECRET, Bucket, Postgres

T = TypeVar("T")


def measure_lake(size: Size, folder: Path) -> list[Result]:
    """How long a load, a change of one row, a snapshot and a read copy take with a lake, as a multiple of the embedded ones."""
    world = World(size.large_series // 10, 10)
    definitions = replace(read_definitions(write_catalogue(world, folder / "catalogue")), observation_files=())
    rows = LoadRequest(files=(write_parquet(world, folder / "rows.parquet"),), loaded_by="the bench")
    postgres, bucket = Postgres(), Bucket(folder / "bucket")
    try:
        (folder / "secret").write_text(SECRET)
        embedded = Settings(data_dir=folder / "embedded", load_max_rows=world.observations)
        lake = embedded.model_copy(
            update={
                "data_dir": folder / "a",
                **Settings(
                    warehouse=f"ducklake:postgres:{postgres.create_database('lake')} password={PASSWORD}",  # type: ignore[arg-type]
                    lake_data="s3://lake/bench", lake_s3_endpoint=bucket.endpoint, lake_s3_key_id="a4p",
                    lake_s3_secret_file=folder / "secret", lake_s3_tls=False,
                ).model_dump(include={"warehouse", *(name for name in Settings.model_fields if name.startswith("lake_"))}),
            }
        )  # fmt: skip
        applications = [Application(settings, definitions) for settings in (lake, embedded)]
        second = Application(lake.model_copy(update={"data_dir": folder / "b"}), definitions)
        steps: dict[str, Callable[[Application], object]] = {
            f"load of {world.observations:,} observations": lambda each: each.loads.load(rows),
            "snapshot": lambda each: each._make_snapshot(),
            "read copy": lambda each: each._publish(),
            "change of one row": lambda each: _change(each),
        }
        results = []
        for name, work in steps.items():
            ours, theirs = (_measure(work, each) for each in applications)
            target = 2 if name.startswith(("load", "read copy")) else None
            results.append(Result(f"lake: {name}", format_seconds(theirs), format_seconds(ours), ours / theirs, target))
        assert isinstance(second.warehouse, LakeWarehouse)
        pulled = format_seconds(_measure(LakeWarehouse.pull, second.warehouse))
        results.append(Result(f"lake: pull of {world.observations:,} observations by another replica", "", pulled))
        for each in (*applications, second):
            each.close()
        return results
    finally:
        bucket.stop()
        postgres.close()


def _change(application: Application) -> None:
    with application.warehouse.write() as cursor:
        cursor.execute("insert into store.job_runs select 0, 'bench', now(), now(), now(), 'succeeded', null, null, now()")


def _measure(work: Callable[[T], object], subject: T) -> float:
    started = time.perf_counter()
    work(subject)
    return time.perf_counter() - started
