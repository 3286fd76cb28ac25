"""Loads at the same time: of several threads, and of one within another."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from service.loading.load import load_files
from service.loading.report import Batch
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from tests.conftest import Clock, Load, Read, WriteCsv

REVISIONS = "select value, status, batch_id from observation_revisions order by batch_id"


def test_two_threads_that_load_at_once_are_both_kept(warehouse: Warehouse, read: Read, write_csv: WriteCsv) -> None:
    missions = ("UNMISS", "MONUSCO")
    years = range(2001, 2011)
    files = {
        mission: [
            write_csv(
                f"{mission} {year}.csv",
                {"mission": mission, "period_start": f"{year}-11-01", "period_end": f"{year + 1}-04-30"},
            )
            for year in years
        ]
        for mission in missions
    }
    start = threading.Barrier(len(missions))
    failures: list[BaseException] = []

    def load_each(own: Sequence[Path]) -> None:
        try:
            start.wait()
            for file in own:
                load_files(warehouse, LoadRequest(files=(file,), loaded_by="a thread"))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=load_each, args=(own,)) for own in files.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert read("select mission, count(*) from observations group by all order by all") == [("MONUSCO", 10), ("UNMISS", 10)]
    assert read("select batch_id from batches order by all") == [(number,) for number in range(1, 21)]
    assert read("select count(*), count(distinct series_id) from store.series") == [(2, 2)]
    assert read("select count(distinct recorded_at) from batches") == [(20,)]


def load_within(warehouse: Warehouse, outer: Path, inner: Path, clock: Clock) -> list[Batch]:
    """Load a file and, between its being read and its being appended, another; return what each brought."""
    brought: list[Batch] = []

    def load_inner(stage: str, share: float | None) -> None:
        if stage == "checking" and not brought:
            brought.extend(load_files(warehouse, LoadRequest(files=(inner,), loaded_by="the inner"), clock=clock))

    return load_files(warehouse, LoadRequest(files=(outer,), loaded_by="the outer"), load_inner, clock=clock) + brought


def test_a_file_loaded_twice_at_once_is_recorded_once(
    warehouse: Warehouse, load: Load, read: Read, write_csv: WriteCsv, clock: Clock
) -> None:
    file = write_csv("values.csv", {}, {"mission": "MONUSCO"})
    outer, inner = load_within(warehouse, file, file, clock)
    assert (inner.new_observations, outer.new_observations, outer.batch_id) == (2, 0, None)
    assert read("select count(*) from observation_revisions") == [(2,)]
    load(write_csv("corrected.csv", {"value": "41"}))
    assert load(file)[0].corrected_since == 1


def test_a_series_that_another_load_brought_meanwhile_is_not_made_twice(
    warehouse: Warehouse, read: Read, write_csv: WriteCsv, clock: Clock
) -> None:
    outer = write_csv("cycle 5.csv", {})
    inner = write_csv("cycle 4.csv", {"period_start": "2023-05-01", "period_end": "2023-10-31"})
    load_within(warehouse, outer, inner, clock)
    assert read("select count(*) from store.series") == [(1,)]
    assert read("select period_end::varchar, batch_id from observations order by all") == [("2023-10-31", 1), ("2024-04-30", 2)]


def test_a_value_that_another_load_brought_meanwhile_is_revised(
    warehouse: Warehouse, read: Read, write_csv: WriteCsv, clock: Clock
) -> None:
    outer, inner = load_within(warehouse, write_csv("outer.csv", {"value": "41"}), write_csv("inner.csv", {}), clock)
    assert (inner.new_observations, outer.new_observations, outer.revisions) == (1, 0, 1)
    assert read(REVISIONS) == [(40.0, "A", 1), (41.0, "A", 2)]
