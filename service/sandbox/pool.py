"""The pool of workers that answer queries nobody vouches for: a few warm ones, killed when late, replaced when spent."""

from __future__ import annotations

import json
import logging
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from service.errors import ServiceError
from service.sandbox.protocol import LARGEST_ANSWER_BYTES, LARGEST_HEADER_BYTES, LENGTH, Question, Reply, encode
from service.settings import TREE, Settings

log = logging.getLogger(__name__)

START_SECONDS = 30
# A worker that has not stopped its query by itself so long after its time is killed.
GRACE_SECONDS = 1.0
# So many may wait for a turn; who comes then is told to come again.
WAITING = 64
# A pipe that is ready takes so much without making the writer wait.
PIPE_BYTES = select.PIPE_BUF


class WorkerLost(ServiceError):
    """A worker ended, or was killed, before it had answered; `is_late` says that it took too long."""

    def __init__(self, message: str, is_late: bool = False) -> None:
        super().__init__(message)
        self.is_late = is_late


class PoolBusy(ServiceError):
    """Too many queries at once: `is_full` says that there was no place to wait."""

    can_retry = True

    def __init__(self, message: str, is_full: bool) -> None:
        super().__init__(message)
        self.is_full = is_full


@dataclass(frozen=True)
class Answer:
    """How a query ended, from which snapshot, and the bytes of its answer."""

    snapshot_id: int
    reply: Reply
    body: bytes


class WorkerProcess:
    """One worker in a process of its own. Nothing it says is believed beyond its size and its form."""

    def __init__(self, settings: Settings) -> None:
        spill_root = settings.data_dir / "tmp"
        spill_root.mkdir(exist_ok=True)
        self._spill = Path(tempfile.mkdtemp(prefix="sql-", dir=spill_root))
        self._process = subprocess.Popen(
            [
                sys.executable, "-I", "-m", "service.sandbox.worker",
                str(settings.read_copy_file.absolute()), str(self._spill.absolute()),
                str(settings.threads), str(settings.sql_memory_mb << 20),
            ],
            # Nothing of ours: no environment, no files but the two pipes.
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd=TREE, bufsize=0,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        self._questions, self._replies = self._process.stdin.fileno(), self._process.stdout.fileno()
        self.snapshot_id = 0

    def wait_until_ready(self) -> bool:
        """Return whether the kernel has Landlock, once the worker can be asked. Raises WorkerLost."""
        try:
            ready = self._read_header(time.monotonic() + START_SECONDS)
            if "error" in ready:
                raise WorkerLost(str(ready["error"]))
            self.snapshot_id = int(ready["snapshot_id"])
            return bool(ready["has_landlock"])
        except BaseException:
            self.kill()
            raise

    def ask(self, question: Question) -> Answer:
        """Return the answer to a question. Raises WorkerLost; it must then be killed."""
        deadline = time.monotonic() + question["seconds"] + GRACE_SECONDS
        self._write(encode(question), deadline)
        reply = cast(Reply, self._read_header(deadline))
        try:
            size = int(reply["size"])
        except (KeyError, TypeError, ValueError):
            size = -1
        if not 0 <= size <= LARGEST_ANSWER_BYTES:
            raise WorkerLost("a worker said what it may not")
        return Answer(self.snapshot_id, reply, self._read(size, deadline))

    def kill(self) -> None:
        """End it, whatever it does, and remove what it left."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def _read_header(self, deadline: float) -> dict[str, Any]:
        (length,) = LENGTH.unpack(self._read(LENGTH.size, deadline))
        if length > LARGEST_HEADER_BYTES:
            raise WorkerLost("a worker said what it may not")
        try:
            return dict(json.loads(self._read(length, deadline)))
        except (ValueError, TypeError):
            raise WorkerLost("a worker said what it may not") from None

    def _read(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            _wait(self._replies, select.POLLIN, deadline)
            block = os.read(self._replies, min(size - len(parts), 1 << 20))
            if not block:
                raise WorkerLost("a worker ended before it had answered")
            parts += block
        return bytes(parts)

    def _write(self, message: bytes, deadline: float) -> None:
        view = memoryview(message)
        try:
            while view:
                _wait(self._questions, select.POLLOUT, deadline)
                view = view[os.write(self._questions, view[:PIPE_BYTES]) :]
        except OSError:
            raise WorkerLost("a worker ended before it was asked") from None


def _wait(file: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(file, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise WorkerLost("a worker took too long", is_late=True)


class SandboxPool:
    """Answers queries from the published read copy, as many at once as `sql_concurrency` says.

    It starts no process before it is asked, or told to `start`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # How many requests there may be at once, those that wait among them.
        self.places = settings.sql_concurrency + WAITING
        self._places = threading.BoundedSemaphore(self.places)
        # A seat holds a worker, or None where one is to be started.
        self._seats: queue.Queue[WorkerProcess | None] = queue.Queue()
        for _ in range(settings.sql_concurrency):
            self._seats.put(None)
        self._spares: list[WorkerProcess] = []
        self._published = 0
        self._renewing = threading.Lock()
        self._is_used = False
        self._is_closed = False

    def ask(self, question: Question) -> Answer:
        """Return the answer to a question. Raises PoolBusy and WorkerLost."""
        self._is_used = True
        with self._take_place():
            try:
                worker = self._seats.get(timeout=self._settings.sql_seconds)
            except queue.Empty:
                raise PoolBusy("other queries took all the time; ask again in a moment", is_full=False) from None
            try:
                worker = self._renew(worker)
                answer = worker.ask(question)
            except BaseException:
                if worker is not None:
                    worker.kill()
                self._leave(None)
                raise
            if answer.reply.get("is_last", True):
                worker.kill()
                worker = None
            self._leave(worker)
            return answer

    def start(self) -> None:
        """Start the workers in the background, so that the first query does not wait for them."""
        # What a service that was killed left; nobody else works in this data directory.
        for left in (self._settings.data_dir / "tmp").glob("sql-*"):
            shutil.rmtree(left, ignore_errors=True)
        self._is_used = True
        self.renew(self._published)

    def renew(self, snapshot_id: int) -> None:
        """Have every query from now on answered from this snapshot, which is published, or a later one.

        New workers are started in the background; a query that comes before they are ready waits for them.
        """
        self._published = max(snapshot_id, self._published)
        if self._is_used:
            threading.Thread(target=self._replace_all, name="sandbox", daemon=True).start()

    def close(self) -> None:
        """End every worker: at once those without work, the others after their answer."""
        self._is_closed = True
        spares, self._spares = self._spares, []
        for worker in [*spares, *self._take_idle()]:
            if worker is not None:
                worker.kill()

    def _replace_all(self) -> None:
        with self._renewing:
            # One of an earlier snapshot may wait here when a later one is done already.
            stale = [spare for spare in self._spares if spare.snapshot_id < self._published]
            self._spares = [spare for spare in self._spares if spare not in stale]
            for spare in stale:
                spare.kill()
            idle = self._take_idle()
            wanted = sum(worker is None or worker.snapshot_id < self._published for worker in idle)
            for worker in idle:
                self._leave(worker)
            if not self._is_closed:
                self._spares += self._start(max(0, wanted - len(self._spares)))
            for worker in self._take_idle():
                # Who is at work is replaced after it.
                self._leave(self._take_spare(worker))
            if self._is_closed:
                self.close()

    def _take_idle(self) -> list[WorkerProcess | None]:
        idle: list[WorkerProcess | None] = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._seats.get_nowait())
        return idle

    def _start(self, count: int) -> list[WorkerProcess]:
        ready = []
        try:
            for worker in [WorkerProcess(self._settings) for _ in range(count)]:
                if not worker.wait_until_ready():
                    log.warning("this kernel has no Landlock: see docs/decisions/untrusted-sql.md")
                ready.append(worker)
        except (OSError, WorkerLost) as error:
            log.error("a worker for queries could not be started: %s", error)
        return ready

    def _take_spare(self, worker: WorkerProcess | None) -> WorkerProcess | None:
        if worker is not None:
            if worker.snapshot_id >= self._published:
                return worker
            worker.kill()
        try:
            return self._spares.pop()
        except IndexError:
            return None

    def _renew(self, worker: WorkerProcess | None) -> WorkerProcess:
        if worker is not None and worker.snapshot_id >= self._published:
            return worker
        with self._renewing:
            fresh = self._take_spare(worker)
            if fresh is not None and fresh.snapshot_id >= self._published:
                return fresh
            if fresh is not None:
                fresh.kill()
            started = self._start(1)
        if not started:
            raise PoolBusy("no worker could be started; the log of the service says why", is_full=False)
        return started[0]

    def _leave(self, worker: WorkerProcess | None) -> None:
        if self._is_closed and worker is not None:
            worker.kill()
            worker = None
        self._seats.put(worker)

    @contextmanager
    def _take_place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise PoolBusy("too many queries at once; ask again in a moment", is_full=True)
        try:
            yield
        finally:
            self._places.release()
