"""A replica of a lake that hangs, or whose disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from service.errors import LakeUnavailable, WarehouseUnwritable
from service.lake import locks, warehouse
from service.lake.locks import SchedulerLock
from tests.conftest import load_value
from tests.lake.conftest import MakeSettings, OpenReplica
from tests.lake.test_replicas import digest, follow, get_lake, list_values
from tests.lake.test_upload import list_environment
from tests.service_process import wait_for
from tests.small_disk import MountRefused, fill_disk, mount_disk

HOLDER = """
import sys
from service.lake import locks
from service.lake.address import read_address
from service.settings import read_settings

locks.HANGING_SECONDS = 2
lock = locks.SchedulerLock(read_address(read_settings()))
for _ in sys.stdin:
    try:
        print(lock.renew(), flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""
WRITER = """
import os, signal, sys
from pathlib import Path
from service.application import Application
from service.errors import LakeUnavailable
from service.lake import locks, store
from service.loading.request import LoadRequest
from service.settings import find_in_tree, read_settings
from service.warehouse.definitions import read_definitions

locks.HANGING_WRITER_SECONDS, locks.KEEP_SECONDS = 3, 0.5
application = Application(read_settings(), read_definitions(find_in_tree("metrics")))
insert = store._insert

def stop_and_insert(lake, table, *arguments):
    if table == "observations":
        os.kill(os.getpid(), signal.SIGSTOP)
    insert(lake, table, *arguments)

store._insert = stop_and_insert
try:
    application.loads.load(LoadRequest(files=(Path(sys.argv[1]),), loaded_by="a test"))
except LakeUnavailable as error:
    print(error)
application.close()
"""


def is_stopped(process: subprocess.Popen[str]) -> bool:
    """Return whether SIGSTOP has stopped a process."""
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_jobs_move_from_a_replica_that_hangs_which_notices_it(make_settings: MakeSettings, open_replica: OpenReplica) -> None:
    address = get_lake(open_replica()).address
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **list_environment(make_settings())},
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None

        def renew() -> str:
            assert holder.stdin is not None and holder.stdout is not None
            holder.stdin.write("renew\n")
            holder.stdin.flush()
            return holder.stdout.readline().strip()

        assert renew() == "True"
        other = SchedulerLock(address)
        try:
            # Its lock is renewed more often than PostgreSQL gives up.
            for _ in range(3):
                time.sleep(1)
                assert renew() == "True" and not other.renew()
            holder.send_signal(signal.SIGSTOP)
            wait_for(other.renew, 60, 0.2)
            holder.send_signal(signal.SIGCONT)
            # It does not run jobs beside the other one.
            assert [renew(), renew()] == ["LakeUnavailable", "False"]
        finally:
            other.release()
            holder.send_signal(signal.SIGCONT)
            holder.stdin.close()


@pytest.mark.long
def test_a_writer_that_hangs_lets_others_write_and_records_nothing_when_it_continues(
    make_settings: MakeSettings, open_replica: OpenReplica, tmp_path: Path
) -> None:
    second = open_replica("b")
    file = tmp_path / "value.csv"
    file.write_text(
        "indicator,mission,period_start,period_end,value,source\nsofa_incidents_new,UNMISS,2024-05-01,2024-10-31,5,a test\n"
    )
    environment = {**os.environ, **list_environment(make_settings("a"))}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], env=environment, text=True, stdout=subprocess.PIPE
    ) as writer:
        try:
            wait_for(lambda: is_stopped(writer), 60, 0.1)
            load_value(second, tmp_path, 6)
        finally:
            writer.send_signal(signal.SIGCONT)
        output, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0 and "another replica wrote to the lake at the same time" in output
    assert list_values(second) == [(1, 6.0)]
    assert digest(open_replica("a")) == digest(second)


def test_replicas_write_while_another_publishes(
    open_replica: OpenReplica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_replica("a"), open_replica("b")
    monkeypatch.setattr(warehouse, "COPYING_SECONDS", 0.1)
    monkeypatch.setattr(locks, "WAIT_SECONDS", 5)
    errors = []

    def write(value: int) -> None:
        try:
            load_value(first, tmp_path, value)
        except LakeUnavailable as error:
            errors.append(str(error))

    with get_lake(first).freeze():
        writer = threading.Thread(target=write, args=[5])
        writer.start()
        # The lock is free whenever the writer of the first one waits for its own publication.
        load_value(second, tmp_path, 6)
        assert writer.is_alive()
    writer.join()
    assert errors == []
    get_lake(second).pull()
    assert [value for _, value in list_values(second)] == [6.0, 5.0]
    with get_lake(first).freeze():
        monkeypatch.setattr(locks, "WAIT_SECONDS", 0.2)
        write(7)
    assert errors == ["this replica has been publishing a snapshot for 0.2 s; nothing was recorded, retry later"]


@pytest.mark.long
def test_a_full_disk_concerns_one_replica_only(open_replica: OpenReplica, tmp_path: Path) -> None:
    try:
        with mount_disk(tmp_path / "disk", "size=64m") as disk:
            first, second = open_replica("a"), open_replica("disk/b")
            second.refresh()
            assert follow(first)
            filler = fill_disk(disk)
            with pytest.raises(WarehouseUnwritable):
                load_value(second, tmp_path, 5)
            load_value(first, tmp_path, 6)
            first.refresh()
            served = second.exposition
            with pytest.raises(Exception, match=r"space|disk"):
                follow(second)
            assert second.exposition is served
            filler.unlink()
            wait_for(lambda: follow(second), 60, 0.2)
            assert second.exposition.text.chunks == first.exposition.text.chunks
            get_lake(second).pull()
            get_lake(first).pull()
            assert digest(second) == digest(first)
            second.close()
    except MountRefused as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
