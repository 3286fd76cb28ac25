"""The pool of workers for untrusted SQL: a few running ones, ended after their time and replaced."""

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
from itertools import count
from pathlib import Path
from typing import Any, cast

from service.errors import PlacesTaken, PoolBusy, WorkerLost
from service.queries.sandbox.protocol import LARGEST_ANSWER_BYTES, LARGEST_HEADER_BYTES, LENGTH, Question, Reply, encode
from service.settings import TREE, Settings
from service.system.fairness import FairPlaces
from service.system.time_limit import POLL_SECONDS, check_time
from service.warehouse.database import identify_file

log = logging.getLogger(__name__)
_numbers = count()

START_SECONDS = 30
# A worker that has not stopped its query by itself so long after its time is killed.
GRACE_SECONDS = 1.0
# So many may wait for a turn; who comes then is told to come again.
WAITING = 64
# A pipe that is ready takes so much without making the writer wait.
PIPE_BYTES = select.PIPE_BUF


@dataclass(frozen=True)
class Answer:
    """How a query ended, from which snapshot, and the bytes of its answer."""

    snapshot_id: int
    reply: Reply
    body: bytes


class WorkerProcess:
    """One worker in a process of its own. Nothing it says is believed beyond its size and its form."""

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
            # Nothing of ours: no environment, no files but the two pipes.
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd=TREE, bufsize=0,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        self._copies = identify_file(copies)
        self._questions, self._replies = self._process.stdin.fileno(), self._process.stdout.fileno()

    @property
    def has_ended(self) -> bool:
        """Whether the process ended after its last answer, such as for want of memory."""
        return self._process.poll() is not None

    def sees(self, copies: Path) -> bool:
        """Return whether its rules of Landlock, which belong to a directory and not to its name, are for this directory."""
        return identify_file(copies) == self._copies

    def wait_until_ready(self) -> bool:
        """Return whether the kernel has Landlock, once the worker can be asked. Raises WorkerLost."""
        try:
            ready = self._read_header(time.monotonic() + START_SECONDS)
            if "error" in ready:
                raise WorkerLost(str(ready["error"]))
            if not ready["has_seccomp"]:
                log.warning("no seccomp filter for this processor: see docs/decisions/untrusted-sql.md")
            return bool(ready["has_landlock"])
        except BaseException:
            self.kill()
            raise

    def ask(self, question: Question) -> Answer:
        """Return the answer to a question. Raises WorkerLost; it must then be killed."""
        deadline = time.monotonic() + question["seconds"] + GRACE_SECONDS
        self._write(encode(question), deadline)
        header = self._read_header(deadline)
        if set(header) != set(Reply.__annotations__) or not all(
            isinstance(header[key], int) for key in ("size", "snapshot_id")
        ):
            raise WorkerLost("a worker said what it may not")
        reply = cast(Reply, header)
        if not 0 <= reply["size"] <= LARGEST_ANSWER_BYTES:
            raise WorkerLost("a worker said what it may not")
        return Answer(reply["snapshot_id"], reply, self._read(reply["size"], deadline))

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
    while not poll.poll(max(0.0, min(POLL_SECONDS, deadline - time.monotonic())) * 1000):
        if time.monotonic() >= deadline:
            raise WorkerLost("a worker took too long", is_late=True)
        # Raises ClientGone; the worker is then killed.
        check_time()


class SandboxPool:
    """Answers queries from the copy published last, as many at once as `sql_concurrency` says.

    It starts no process before it is asked, or told to `start`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Workers see this folder and nothing else: the copies, each by a name of its own, since within a process DuckDB
        # knows a database by its path.
        self._copies = settings.data_dir / "tmp" / "copies"
        self._elsewhere: Path | None = None
        self._copy = ""
        self._published: tuple[Path, int] | None = None
        self.turns = FairPlaces(settings.sql_concurrency, WAITING)
        # A seat holds a worker, or None where one is to be started.
        self._seats: queue.Queue[WorkerProcess | None] = queue.Queue()
        for _ in range(settings.sql_concurrency):
            self._seats.put(None)
        self._is_closed = False
        self._starts_with_first_copy = False

    def publish(self, read_copy: Path, snapshot_id: int) -> None:
        """Have every query from now on answered from this read copy. Raises OSError."""
        name = f"{snapshot_id}-{next(_numbers)}.duckdb"
        try:
            self._copies.mkdir(parents=True, exist_ok=True)
            (self._copies / name).unlink(missing_ok=True)
            os.link(read_copy, self._copies / name)
        except OSError:
            # The disk of the data directory takes nothing: the copy goes to the directory of temporary files.
            self._elsewhere = self._elsewhere or Path(tempfile.mkdtemp(prefix="a4p-copies-"))
            self._copies = self._elsewhere
            shutil.copyfile(read_copy, self._copies / name)
        before, self._copy = self._copy, name
        self._published = read_copy, snapshot_id
        for file in self._copies.iterdir():
            # A query that was asked a moment ago may be about to open the one before.
            if file.name not in (before, name):
                file.unlink(missing_ok=True)
        if self._starts_with_first_copy:
            self._starts_with_first_copy = False
            self._start_in_background()

    def ask(self, question: Question, client: str) -> Answer:
        """Return the answer to a question of a client. Raises PoolBusy, WorkerLost, and ClientGone when it went away."""
        with self._take_turn(client):
            # There are as many seats as turns.
            worker = self._seats.get()
            try:
                self._publish_again()
                if worker is not None and (worker.has_ended or not worker.sees(self._copies)):
                    worker.kill()
                    worker = None
                worker = worker or self._start()
                answer = worker.ask({**question, "copy": self._copy})
            except BaseException:
                if worker is not None:
                    worker.kill()
                self._leave(None)
                raise
            if answer.reply["is_last"]:
                worker.kill()
                worker = None
            self._leave(worker)
            return answer

    def _publish_again(self) -> None:
        # Someone may have emptied the directory of temporary files.
        if self._published is not None and not (self._copies / self._copy).exists():
            self.publish(*self._published)

    def start(self) -> None:
        """Start the workers in the background, so that the first query does not wait for them.

        In a new data directory they start when the first copy is published.
        """
        # What a service that was killed left; nobody else works in this data directory.
        for left in (self._settings.data_dir / "tmp").glob("sql-*"):
            shutil.rmtree(left, ignore_errors=True)
        if self._copy:
            self._start_in_background()
        else:
            self._starts_with_first_copy = True

    def _start_in_background(self) -> None:
        threading.Thread(target=self._start_all, name="sandbox", daemon=True).start()

    def close(self) -> None:
        """End every worker: at once those without work, the others after their answer."""
        self._is_closed = True
        for worker in self._take_idle():
            if worker is not None:
                worker.kill()
        shutil.rmtree(self._copies, ignore_errors=True)
        if self._elsewhere is not None:
            shutil.rmtree(self._elsewhere, ignore_errors=True)

    def _start_all(self) -> None:
        for worker in self._take_idle():
            try:
                self._leave(worker or self._start())
            except PoolBusy:
                self._leave(None)

    def _take_idle(self) -> list[WorkerProcess | None]:
        idle: list[WorkerProcess | None] = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._seats.get_nowait())
        return idle

    def _start(self) -> WorkerProcess:
        try:
            worker = WorkerProcess(self._settings, self._copies, self._copy)
            if not worker.wait_until_ready():
                log.warning("this kernel has no Landlock: see docs/decisions/untrusted-sql.md")
            return worker
        except (OSError, WorkerLost) as error:
            # A stop removes the copies, which a starting worker may be about to open.
            if not self._is_closed:
                log.error("a worker for queries could not be started: %s", error)
            raise PoolBusy("no worker could be started; the log of the service says why", is_full=False) from None

    def _leave(self, worker: WorkerProcess | None) -> None:
        if self._is_closed and worker is not None:
            worker.kill()
            worker = None
        self._seats.put(worker)

    @contextmanager
    def _take_turn(self, client: str) -> Iterator[None]:
        try:
            with self.turns.take(client, self._settings.sql_seconds):
                yield
        except PlacesTaken as taken:
            raise PoolBusy(str(taken), taken.is_full) from None
