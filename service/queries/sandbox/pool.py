"""The pool of worker processes for untrusted SQL. A worker that exceeds its time limit is killed and replaced."""

from __future__ import annotations

import json
import logging
import math
import os
import queue
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, cast

from service.errors import NoFreeSlot, PoolBusy, WorkerLost
from service.queries.sandbox.protocol import (
    LENGTH,
    MAX_HEADER_BYTES,
    MAX_RESULT_BYTES,
    READY,
    CopyRequest,
    QueryRequest,
    QueryResponse,
    QueryResult,
    encode,
)
from service.queries.sandbox.recent_results import RecentResults
from service.queries.sandbox.shared_runs import SharedRun, SharedRuns
from service.settings import TREE, Settings
from service.system.fairness import FairSlots
from service.system.time_limit import POLL_SECONDS, check_time
from service.warehouse.database import identify_file

log = logging.getLogger(__name__)
_numbers = count()

START_SECONDS = 30
# A worker that has not stopped its query this long after the time limit is killed.
GRACE_SECONDS = 1.0
# A worker that is not ready this long after a request is replaced. It normally takes a millisecond.
READY_SECONDS = 10.0
# Maximum time in which a worker opens a new copy before it is published. It takes 0.02 s of processor time.
OPEN_SECONDS = 2.0
# Maximum time in which a busy worker becomes idle to do so.
IDLE_SECONDS = 0.1
INVALID_RESPONSE = "a sandbox worker sent an invalid response"
# Maximum number of waiting queries. Further queries are rejected.
MAX_WAITING = 64
# A ready pipe accepts this number of bytes without blocking the writer.
PIPE_BYTES = select.PIPE_BUF


class WorkerProcess:
    """A worker process. The size and form of its responses are validated, since its query may be hostile."""

    def __init__(self, settings: Settings, copies: Path, copy: str) -> None:
        try:
            scratch = settings.data_dir / "tmp"
            scratch.mkdir(exist_ok=True)
            self._spill = Path(tempfile.mkdtemp(prefix="sql-", dir=scratch))
        except OSError:
            self._spill = Path(tempfile.mkdtemp(prefix="a4p-sql-"))
        self._process = subprocess.Popen(
            [
                sys.executable, "-I", "-m", "service.queries.sandbox",
                str(copies.absolute()), copy, str(self._spill.absolute()),
                str(settings.threads), str(settings.sql_memory_mb << 20),
            ],
            # No environment, and no files except the two pipes.
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd=TREE, bufsize=0,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        self._copies = identify_file(copies)
        self._is_ready = False
        self._requests, self._responses = self._process.stdin.fileno(), self._process.stdout.fileno()

    def is_ready(self, seconds: float | None = None) -> bool:
        """Wait until the worker is ready for the next request, at most READY_SECONDS by default.

        Return False if it ended instead, or is not ready in time.

        A worker ends if its last query changed its settings, or memory ran out.
        """
        if not self._is_ready:
            try:
                self._is_ready = (
                    self._read(len(READY), time.monotonic() + (READY_SECONDS if seconds is None else seconds)) == READY
                )
            except WorkerLost:
                return False
        return self._is_ready and self._process.poll() is None

    def can_read(self, copies: Path) -> bool:
        """Return whether its Landlock rules, which bind a directory and not its name, allow this directory."""
        return identify_file(copies) == self._copies

    def wait_until_ready(self) -> bool:
        """Wait until the worker accepts requests. Return whether the kernel has Landlock. Raises WorkerLost."""
        try:
            ready = self._read_header(time.monotonic() + START_SECONDS)
            if "error" in ready:
                raise WorkerLost(str(ready["error"]))
            if not ready["has_seccomp"]:
                log.warning("no seccomp filter for this processor: see docs/decisions/untrusted-sql.md")
            self._is_ready = True
            return bool(ready["has_landlock"])
        except BaseException:
            self.kill()
            raise

    def run(self, request: QueryRequest) -> QueryResult:
        """Return the result of a request to a ready worker. Raises WorkerLost; the worker must then be killed."""
        self._is_ready = False
        deadline = time.monotonic() + request["seconds"] + GRACE_SECONDS
        self._write(encode(request), deadline)
        header = self._read_header(deadline)
        if set(header) != set(QueryResponse.__annotations__) or not all(
            isinstance(header[key], int) for key in ("size", "snapshot_id")
        ):
            raise WorkerLost(INVALID_RESPONSE)
        response = cast(QueryResponse, header)
        if not 0 <= response["size"] <= MAX_RESULT_BYTES:
            raise WorkerLost(INVALID_RESPONSE)
        return QueryResult(response["snapshot_id"], response, self._read(response["size"], deadline))

    def open_copy(self, copy: str, is_current: bool) -> None:
        """Have a ready worker open a copy before requests name it, and close the previous one if it `is_current`.

        After OPEN_SECONDS the worker may not be ready yet.
        """
        self._is_ready = False
        deadline = time.monotonic() + OPEN_SECONDS
        request: CopyRequest = {"copy": copy, "is_current": is_current}
        with suppress(WorkerLost):
            self._write(encode(request), deadline)
            self.is_ready(OPEN_SECONDS)

    def kill(self) -> None:
        """Kill the process and remove its temporary files."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def _read_header(self, deadline: float) -> dict[str, Any]:
        (length,) = LENGTH.unpack(self._read(LENGTH.size, deadline))
        if length > MAX_HEADER_BYTES:
            raise WorkerLost(INVALID_RESPONSE)
        try:
            return dict(json.loads(self._read(length, deadline)))
        except (ValueError, TypeError):
            raise WorkerLost(INVALID_RESPONSE) from None

    def _read(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            _wait(self._responses, select.POLLIN, deadline)
            block = os.read(self._responses, min(size - len(parts), 1 << 20))
            if not block:
                raise WorkerLost("a worker ended before it responded")
            parts += block
        return bytes(parts)

    def _write(self, message: bytes, deadline: float) -> None:
        view = memoryview(message)
        try:
            while view:
                _wait(self._requests, select.POLLOUT, deadline)
                view = view[os.write(self._requests, view[:PIPE_BYTES]) :]
        except OSError:
            raise WorkerLost("a worker ended before it read the request") from None


def _wait(file: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(file, event)
    while not poll.poll(max(0.0, min(POLL_SECONDS, deadline - time.monotonic())) * 1000):
        if time.monotonic() >= deadline:
            raise WorkerLost("a worker exceeded the time limit", is_late=True)
        # Raises ClientGone. The worker is then killed.
        check_time()


class SandboxPool:
    """Runs queries on the newest published copy, up to `sql_concurrency` at the same time.

    It starts processes with the first query, or with `start`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The only folder that workers can read. Each copy has a different name, since within a process DuckDB identifies a
        # database by its path.
        self._copies = settings.data_dir / "tmp" / "copies"
        self._fallback: Path | None = None
        self._copy = ""
        self._published: tuple[Path, int] | None = None
        self.slots = FairSlots(settings.sql_concurrency, MAX_WAITING)
        # A worker for each slot, or None if one has to be started.
        self._workers: queue.Queue[WorkerProcess | None] = queue.Queue()
        for _ in range(settings.sql_concurrency):
            self._workers.put(None)
        self._recent = RecentResults()
        self._shared = SharedRuns()
        self._is_closed = False
        self._starts_with_first_copy = False

    def publish(self, read_copy: Path, snapshot_id: int) -> None:
        """Run all later queries on this read copy. Raises OSError.

        Workers answer from the previous copy until they have opened it: beside the work of a publication, one of them takes
        several times as long for that as alone, and all clients would wait for it.
        """
        link = self._link(read_copy, snapshot_id)
        self._open_in_workers(link, is_current=False)
        self._show(link, read_copy, snapshot_id)
        self._open_in_workers(link, is_current=True)
        if self._starts_with_first_copy:
            self._starts_with_first_copy = False
            self._start_in_background()

    def _link(self, read_copy: Path, snapshot_id: int) -> Path:
        name = f"{snapshot_id}-{next(_numbers)}.duckdb"
        link = self._copies / name
        try:
            self._copies.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            os.link(read_copy, link)
        except OSError:
            # The disk of the data directory is full or read-only: use the directory of temporary files.
            self._fallback = self._fallback or Path(tempfile.mkdtemp(prefix="a4p-copies-"))
            link = self._fallback / name
            shutil.copyfile(read_copy, link)
        return link

    def _show(self, link: Path, read_copy: Path, snapshot_id: int) -> None:
        before = self._copy
        self._copies, self._copy = link.parent, link.name
        self._published = read_copy, snapshot_id
        for file in self._copies.iterdir():
            # A running query may be about to open the previous copy.
            if file.name not in (before, self._copy):
                file.unlink(missing_ok=True)

    def _open_in_workers(self, link: Path, is_current: bool) -> None:
        """Have workers open a copy, one at a time: the others answer meanwhile. One that stays busy opens it with a query."""
        opened: set[WorkerProcess] = set()
        missing, deadline = self._settings.sql_concurrency, math.inf
        while missing and time.monotonic() < deadline:
            try:
                worker = self._workers.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                return
            try:
                if worker in opened:
                    # Another one is busy.
                    deadline = min(deadline, time.monotonic() + IDLE_SECONDS)
                else:
                    missing -= 1
                    if worker is not None:
                        opened.add(worker)
                        if worker.is_ready(IDLE_SECONDS) and worker.can_read(link.parent):
                            worker.open_copy(link.name, is_current)
            finally:
                self._put_back(worker)
            if deadline < math.inf:
                time.sleep(IDLE_SECONDS / 20)

    def run(self, request: QueryRequest, client: str) -> QueryResult:
        """Return the result of a request of a client, or that of the same request that runs or ran within the last second.

        Raises PoolBusy, WorkerLost, and ClientGone when the client disconnects.
        """
        deadline = time.monotonic() + self._settings.sql_seconds
        while True:
            named: QueryRequest = {**request, "copy": self._copy}
            if (recent := self._recent.find(named)) is not None:
                return recent
            with self._shared.join(named, client) as (run, is_new):
                if is_new:
                    run.result = self._run_in_slot(request, client, run)
                    return run.result
                if (result := run.wait(deadline)) is not None:
                    return result
            # The run of another client that left has no result.
            if time.monotonic() >= deadline:
                raise PoolBusy("no slot became free in time; retry later", is_full=False)

    def _run_in_slot(self, request: QueryRequest, client: str, run: SharedRun) -> QueryResult:
        with self._take_slot(client):
            # Another client may have sent the same request while this one waited.
            if (recent := self._recent.find({**request, "copy": self._copy})) is not None:
                return recent
            self._shared.share(run)
            # There is one entry for each slot.
            worker = self._workers.get()
            try:
                self._publish_again()
                if worker is not None and not (worker.is_ready() and worker.can_read(self._copies)):
                    worker.kill()
                    worker = None
                worker = worker or self._start()
                request = {**request, "copy": self._copy}
                result = worker.run(request)
            except BaseException:
                if worker is not None:
                    worker.kill()
                self._put_back(None)
                raise
            if result.response["outcome"] == "out_of_memory":
                # It ends by itself, but its spilled data would remain until the next query.
                worker.kill()
                worker = None
            self._put_back(worker)
            self._recent.store(request, result)
            return result

    def _publish_again(self) -> None:
        # The directory of temporary files may have been emptied.
        if self._published is not None and not (self._copies / self._copy).exists():
            self._show(self._link(*self._published), *self._published)

    def start(self) -> None:
        """Start the workers in the background, so that the first query does not wait for them.

        In a new data directory they start when the first copy is published.
        """
        # Remove the files of a killed service. No other process uses this data directory.
        for left in (self._settings.data_dir / "tmp").glob("sql-*"):
            shutil.rmtree(left, ignore_errors=True)
        if self._copy:
            self._start_in_background()
        else:
            self._starts_with_first_copy = True

    def _start_in_background(self) -> None:
        threading.Thread(target=self._start_all, name="sandbox", daemon=True).start()

    def close(self) -> None:
        """End idle workers at once, and the others after their current request."""
        self._is_closed = True
        for worker in self._take_idle():
            if worker is not None:
                worker.kill()
        shutil.rmtree(self._copies, ignore_errors=True)
        if self._fallback is not None:
            shutil.rmtree(self._fallback, ignore_errors=True)

    def _start_all(self) -> None:
        for worker in self._take_idle():
            try:
                self._put_back(worker or self._start())
            except PoolBusy:
                self._put_back(None)

    def _take_idle(self) -> list[WorkerProcess | None]:
        idle: list[WorkerProcess | None] = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._workers.get_nowait())
        return idle

    def _start(self) -> WorkerProcess:
        try:
            worker = WorkerProcess(self._settings, self._copies, self._copy)
            if not worker.wait_until_ready():
                log.warning("this kernel does not support Landlock: see docs/decisions/untrusted-sql.md")
            return worker
        except (OSError, WorkerLost) as error:
            # A stop removes the copies while a starting worker may be about to open one.
            if not self._is_closed:
                log.error("a worker for queries could not be started: %s", error)
            raise PoolBusy("no worker could be started; see the log of the service", is_full=False) from None

    def _put_back(self, worker: WorkerProcess | None) -> None:
        if self._is_closed and worker is not None:
            worker.kill()
            worker = None
        self._workers.put(worker)

    @contextmanager
    def _take_slot(self, client: str) -> Iterator[None]:
        try:
            with self.slots.take(client, self._settings.sql_seconds):
                yield
        except NoFreeSlot as taken:
            raise PoolBusy(str(taken), taken.is_full) from None
