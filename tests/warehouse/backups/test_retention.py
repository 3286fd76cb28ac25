"""Retention of backups: the newest ones, and one of each hour, day, week and month."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.warehouse.backups.names import BACKUP_NAME
from service.warehouse.backups.retention import Retention, choose_retained, prune_backups

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
TIMES = st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 31)).map(lambda made_at: made_at.replace(tzinfo=UTC)))


def hourly(days: int) -> list[datetime]:
    return [NOW - timedelta(hours=hour) for hour in range(days * 24)]


def test_two_years_of_hourly_snapshots_leave_every_generation() -> None:
    retained = choose_retained(hourly(800), Retention())
    assert {NOW - timedelta(hours=hour) for hour in range(24)} <= retained
    days = {made_at.date() for made_at in retained}
    assert {(NOW - timedelta(days=day)).date() for day in range(30)} <= days
    assert len({made_at.isocalendar()[:2] for made_at in retained}) >= 12
    assert len({(made_at.year, made_at.month) for made_at in retained}) == 24
    assert len(retained) <= 5 + 24 + 30 + 12 + 24


def test_many_snapshots_within_a_minute_do_not_displace_older_days() -> None:
    burst = [NOW + timedelta(seconds=second) for second in range(50)]
    yesterday = NOW - timedelta(days=1)
    retained = choose_retained([*burst, yesterday], Retention())
    assert yesterday in retained
    assert set(burst[-5:]) <= retained
    assert len(retained) == 6


def test_a_service_stopped_for_a_year_loses_no_backup() -> None:
    old = [NOW - timedelta(days=365 + day) for day in range(20)]
    assert choose_retained([NOW, *old], Retention()) == {NOW, *old}


@given(TIMES)
def test_the_newest_is_retained_and_no_time_is_invented(times: list[datetime]) -> None:
    retained = choose_retained(times, Retention(0, 0, 0, 0, 0))
    assert retained == set(sorted(times)[-1:])


@given(TIMES)
def test_pruning_again_deletes_nothing_more(times: list[datetime]) -> None:
    retained = choose_retained(times, Retention())
    assert choose_retained(retained, Retention()) == retained


def test_files_with_other_names_are_not_touched(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    others = [backups / "warehouse-final.duckdb", backups / "warehouse-2024.duckdb", backups / "notes.txt"]
    for file in others:
        file.touch()
    for minute in range(10):
        (backups / (NOW - timedelta(minutes=minute)).strftime(BACKUP_NAME)).touch()
    assert prune_backups(backups, Retention(newest=2)) == 8
    assert all(file.exists() for file in others)
    assert len(list(backups.iterdir())) == 5


def test_unfinished_files_of_a_killed_copy_are_deleted(tmp_path: Path) -> None:
    other = os.getpid() + 1
    left = [tmp_path / f"warehouse-read.duckdb.{other}{end}" for end in (".tmp", ".tmp.wal", ".3.tmp")]
    left.append(tmp_path / f"warehouse.manifest.json.{other}.tmp")
    own = tmp_path / f"warehouse-read.duckdb.{os.getpid()}.tmp"
    for file in [*left, own]:
        file.touch()
    assert prune_backups(tmp_path / "backups", Retention()) == 4
    assert own.exists()
    assert not any(file.exists() for file in left)
