"""Replicas of a lake whose clocks differ, that load a thousand files at once, and whose scheduler is killed again and again."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.warehouse.doctor import examine_clock
from tests.conftest import load_value
from tests.lake.conftest import MakeSettings, OpenReplica
from tests.lake.test_processes import TAKE_OVER_SECONDS, Replica
from tests.lake.test_replicas import digest, follow, get_lake, load_at_once
from tests.lake.test_upload import list_environment
from tests.service_process import wait_for

LOADS = int(os.environ.get("LAKE_LOADS") or 1000)
KILLS = int(os.environ.get("LAKE_KILLS") or 50)
CURRENT = "select value from latest where indicator = 'sofa_incidents_new' and mission = 'UNMISS'"


def test_a_correction_wins_over_a_value_of_a_replica_whose_clock_is_an_hour_ahead(
    open_replica: OpenReplica, tmp_path: Path
) -> None:
    right = open_replica("a")
    ahead = open_replica("b", clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    load_value(ahead, tmp_path, 70)
    ahead.refresh()
    assert follow(right)
    load_value(right, tmp_path, 71)
    right.refresh()
    assert follow(ahead)
    assert right.exposition.text.chunks == ahead.exposition.text.chunks
    for replica in (right, ahead):
        get_lake(replica).pull()
    assert digest(right) == digest(ahead)
    for replica in (right, ahead):
        assert replica.read_copy is not None
        with replica.read_copy.open_session() as session:
            assert session.execute(CURRENT).fetchall() == [(71.0,)]
        # `a4p doctor` finds the rows of the wrong clock on each replica.
        assert any("in the future" in found.text and found.fix for found in examine_clock(replica.settings, datetime.now(UTC)))


@pytest.mark.long
def test_no_load_is_lost_or_numbered_twice_when_two_replicas_load_a_thousand_files(
    open_replica: OpenReplica, tmp_path: Path
) -> None:
    load_at_once([open_replica("a"), open_replica("b")], LOADS // 2, tmp_path)


@pytest.mark.long
def test_another_replica_runs_jobs_each_time_the_scheduler_is_killed(make_settings: MakeSettings, tmp_path: Path) -> None:
    environment = list_environment(make_settings())
    times = []
    with ExitStack() as running:

        def start(data_dir: Path) -> Replica:
            replica = Replica(data_dir, environment)
            running.enter_context(replica.service)
            replica.wait()
            return replica

        leader, other = start(tmp_path / "a"), start(tmp_path / "b")
        if other.runs_jobs:
            leader, other = other, leader
        for kill in range(KILLS):
            assert leader.runs_jobs and not other.runs_jobs, f"kill {kill}"
            started = time.monotonic()
            leader.service.kill()
            wait_for(lambda other=other: other.runs_jobs, TAKE_OVER_SECONDS, 0.1)
            times.append(time.monotonic() - started)
            loaded = other.load(tmp_path, kill)
            assert loaded.returncode == 0, loaded.stderr
            leader, other = other, start(leader.data_dir)
        wait_for(lambda: leader.read_shared() == other.read_shared(), 30, 0.5)
        assert other.read('a4p_sofa_incidents_new{mission="UNMISS"}') == str(KILLS - 1)
    print(f"{KILLS} kills: another replica ran jobs after {max(times):.1f} s at most")
