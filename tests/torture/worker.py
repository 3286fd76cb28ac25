"""The process that is killed: it opens a data directory, works, and reports each load that was answered.

It starts from a fork server that has the modules imported, so a start costs what opening costs.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import duckdb

from service.application import Application
from service.cli import a4p
from service.errors import ServiceError
from service.loading.request import LoadRequest
from service.settings import Settings, find_in_tree
from service.warehouse.definitions import read_definitions

SOURCE = "torture"
# Rows of one indicator, mission and source; a file revises the cells of the file so many before it.
CYCLE = 7
FIRST_DAY = "date '1950-01-01'"
MAX_ROWS = 200
START_SECONDS = 60.0
# Read once, by the fork server.
DEFINITIONS = read_definitions(find_in_tree("metrics"))


@dataclass(frozen=True)
class Work:
    """What a process does once it is open: the names of steps, again and again."""

    data_dir: Path
    files: Path
    first_number: int
    has_report: bool
    steps: tuple[str, ...]


def count_file_rows(number: int) -> int:
    """Return how many rows file `number` has: mostly a few, every fifth enough to fill blocks of the warehouse."""
    return MAX_ROWS if number % 5 == 0 else 1 + number % 40


def write_file(folder: Path, number: int) -> Path:
    """Write file `number` as Parquet: every value is the number, so a revision shows the load it came from."""
    file = folder / f"{number}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"""
            copy (
                select 'explosive_land_released_square_meters' as indicator, 'UNIFIL' as mission,
                    {FIRST_DAY} + ({number % CYCLE * MAX_ROWS} + i)::integer as period_start, period_start as period_end,
                    {number}::double as value, '{SOURCE}' as source
                from range({count_file_rows(number)}) as t(i)
            ) to '{file}'
        """)
    return file


def work(pipe: Pipe, task: Work) -> None:
    """Open the directory, report `open`, then do the steps until killed. Refusals are reported and do not end the work."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    number = task.first_number
    application = None
    while application is None:
        try:
            application = Application(Settings(data_dir=task.data_dir, threads=1), DEFINITIONS)
        except ServiceError as error:
            pipe.send(("refused", f"open: {error}"))
            time.sleep(0.1)
    try:
        if not task.has_report:
            application.loads.load_shipped()
        pipe.send(("open", 0))
        while task.steps:
            for step in task.steps:
                try:
                    if step == "load":
                        pipe.send(("begun", number))
                        application.loads.load(LoadRequest(files=(write_file(task.files, number),), loaded_by="torture"))
                        pipe.send(("answered", number))
                        number += 1
                    elif step == "snapshot":
                        application.refresh(with_history=False)
                    elif step == "checkpoint":
                        application.warehouse.checkpoint()
                    elif step == "backup":
                        application.back_up(task.data_dir.with_name("backup.duckdb"))
                    pipe.send(("done", step))
                except (ServiceError, duckdb.Error, OSError) as error:
                    number += 1
                    pipe.send(("refused", f"{step}: {error}"))
                    with suppress(ServiceError):
                        application.warehouse.recover()
                    time.sleep(0.05)
    finally:
        application.close()


def serve(pipe: Pipe, data_dir: Path) -> None:
    """Run `a4p serve`; it is killed by the parent, or ends by itself with an error that is reported."""
    with Path(os.devnull).open("w") as silence:
        os.dup2(silence.fileno(), 1)
        os.dup2(silence.fileno(), 2)
    try:
        a4p(["serve", "--port", "0", "--data-dir", str(data_dir)])
    except BaseException as error:
        pipe.send(("ended", repr(error)))


_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.torture.worker", "tests.torture.damage"])


class Victim:
    """A process that works on a data directory, until it is killed; `messages` is what it reported."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self.pipe, remote = _context.Pipe(duplex=False)
        self.process = _context.Process(target=target, args=(remote, *arguments), daemon=False)
        self.process.start()
        remote.close()
        self.messages: list[tuple[str, object]] = []

    def wait_for(self, kind: str, seconds: float = START_SECONDS) -> None:
        """Collect messages until one of this kind arrives."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.pipe.poll(left):
                try:
                    self.messages.append(self.pipe.recv())
                except (EOFError, OSError):
                    raise AssertionError(f"the process ended without '{kind}': {self.messages[-3:]}") from None
                if self.messages[-1][0] == kind:
                    return
        raise AssertionError(f"no '{kind}' within {seconds:g} s; the last messages are {self.messages[-3:]}")

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def end(self, kills: bool = True, seconds: float = START_SECONDS) -> list[tuple[str, object]]:
        """Kill it, or wait for its end; return every message, also those it sent before and were not read yet."""
        if kills:
            with suppress(ProcessLookupError):  # it ended by itself; its messages say why
                self.signal(signal.SIGKILL)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.pipe.poll(max(0.0, deadline - time.monotonic())):
                break
            try:
                self.messages.append(self.pipe.recv())
            except (EOFError, OSError):
                break
        self.process.join(max(0.1, deadline - time.monotonic()))
        if self.process.exitcode is None:
            self.signal(signal.SIGKILL)
            self.process.join()
            raise AssertionError(f"the process did not end within {seconds:g} s")
        self.pipe.close()
        return self.messages
