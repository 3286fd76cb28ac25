"""A replica whose machine disappears with its network: no connection is closed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.application import Application
from service.lake.locks import LOCK_CLASS, WRITE_LOCK, SchedulerLock, Session
from service.warehouse.definitions import Definitions
from tests.conftest import load_value
from tests.lake.conftest import MakeAccessSettings
from tests.lake.network import Machine, NetworkRefused, make_machine
from tests.lake.servers import Postgres
from tests.lake.test_processes import VALUE
from tests.lake.test_replicas import digest, get_lake, list_values
from tests.lake.test_upload import list_environment
from tests.service_process import wait_for

# Holds the lock of the scheduler, which it renews, and stops in the middle of a write.
REPLICA = """
import sys, threading, time
from pathlib import Path
from service.application import Application
from service.lake import store
from service.loading.request import LoadRequest
from service.settings import find_in_tree, read_settings
from service.warehouse.definitions import read_definitions

application = Application(read_settings(), read_definitions(find_in_tree("metrics")))
assert application.replica.try_lock()
insert, stopped = store._insert, threading.Event()

def renew():
    while not stopped.wait(1):
        try:
            application.replica.try_lock()
        except Exception:
            return

def wait_and_insert(lake, table, *arguments):
    insert(lake, table, *arguments)
    if table == "observations":
        print("writing", flush=True)
        sys.stdin.readline()

threading.Thread(target=renew).start()
store._insert = wait_and_insert
try:
    application.loads.load(LoadRequest(files=(Path(sys.argv[1]),), loaded_by="a test"))
except Exception as error:
    print(type(error).__name__, flush=True)
stopped.set()
application.close()
"""


@pytest.fixture
def machine(postgres: Postgres) -> Iterator[Machine]:
    """A machine with a network of its own that reaches PostgreSQL."""
    try:
        with make_machine() as made:
            postgres.allow(made.network)
            postgres.stop()
            postgres.start(made.here)
            yield made
            postgres.restart()
    except NetworkRefused as error:
        # Only root may, and not in every container.
        pytest.skip(str(error))


@pytest.mark.long
def test_the_locks_of_a_machine_that_disappears_are_taken_by_another(
    machine: Machine,
    make_access_settings: MakeAccessSettings,
    postgres: Postgres,
    definitions: Definitions,
    tmp_path: Path,
) -> None:
    settings = make_access_settings("b")
    other = Application(settings, definitions)
    file = tmp_path / "value.csv"
    file.write_text(VALUE.format(5))
    environment = {**os.environ, **list_environment(make_access_settings("a"))}
    environment["A4P_WAREHOUSE"] = environment["A4P_WAREHOUSE"].replace("127.0.0.1", machine.here)
    address = get_lake(other).address
    lock, writer = SchedulerLock(address), Session(address)

    def take_write_lock() -> bool:
        return writer.query("select pg_try_advisory_lock(%s, %s)", LOCK_CLASS, WRITE_LOCK) == (True,)

    with subprocess.Popen(
        machine.command(sys.executable, "-c", REPLICA, str(file)),
        env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as replica:  # fmt: skip
        assert replica.stdin is not None and replica.stdout is not None
        try:
            assert replica.stdout.readline() == "writing\n"
            assert not lock.renew() and not take_write_lock()
            machine.disappear()
            disappeared = time.monotonic()
            # docs/scale.md has times of this test.
            for name, take in (("scheduler", lock.renew), ("writer", take_write_lock)):
                wait_for(take, 40, 0.1)
                print(f"lock of the {name}: {time.monotonic() - disappeared:.1f} s")
            writer.close()
            load_value(other, tmp_path, 6)
            machine.come_back()
            # Its write is not recorded over that of the other.
            replica.stdin.write("continue\n")
            replica.stdin.flush()
            assert replica.stdout.readline() == "LakeUnavailable\n"
        finally:
            lock.release()
            writer.close()
            replica.kill()
    assert [value for _, value in list_values(other)] == [6.0]
    third = Application(make_access_settings("c"), definitions)
    assert digest(third) == digest(other)
    for application in (third, other):
        application.close()
