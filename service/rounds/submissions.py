"""Submissions in the access store: their files, their events, and exceptions to the lock of a round."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from service.access.store import AccessStore, Connection, Row, read_time
from service.errors import RoundError, RoundUnknown
from service.rounds.transitions import OPEN, State

MAX_FILE_BYTES = 10 << 20
MAX_OPEN = 20
MAX_REASON = 2_000
# The newest event of each submission is its state.
_SELECT = """
    select s.submission_id, s.cycle, s.mission, s.file_name, s.sha256, s.cells, s.created_by, s.created_at, e.state, e.at, e.by,
        e.reason, e.digest
    from submissions as s
    join submission_events as e
        on e.event_id = (select max(event_id) from submission_events as n where n.submission_id = s.submission_id)
"""
_SELECT_AUTHORS = """
    select distinct s.submission_id, lower(a.by) as author
    from submissions as s
    join submission_events as a on a.submission_id = s.submission_id and a.state in ('draft', 'submitted')
"""


@dataclass(frozen=True)
class SubmittedCell:
    """A cell that a submission has."""

    indicator: str
    dimensions: dict[str, str]
    period_start: date
    period_end: date


@dataclass(frozen=True)
class Submission:
    """A submission of a mission for a cycle with its newest event. `authors` created or submitted it, in lower case."""

    submission_id: int
    cycle: int
    mission: str
    file_name: str
    sha256: str
    cells: tuple[SubmittedCell, ...]
    created_by: str
    created_at: datetime
    state: State
    changed_at: datetime
    changed_by: str
    reason: str | None
    digest: str | None
    authors: frozenset[str]

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act."""
        return self.state in OPEN

    @property
    def recorded_name(self) -> str:
        """The name of its batch."""
        return f"submission {self.submission_id}: {self.file_name}"


@dataclass(frozen=True)
class Event:
    """One change of the state of a submission."""

    state: State
    by: str
    at: datetime
    reason: str | None
    digest: str | None


@dataclass(frozen=True)
class LockException:
    """A mission may submit for a closed round until the end of a day."""

    cycle: int
    mission: str
    until: date
    reason: str
    by: str
    at: datetime


class Submissions:
    """The submissions of an access store. Methods raise AccessUnavailable, and RoundUnknown for an unknown submission."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def add(
        self, cycle: int, mission: str, file_name: str, content: bytes, cells: Sequence[SubmittedCell], created_by: str
    ) -> Submission:
        """Add a draft and return it. The same bytes for the same round return the submission that has them.

        Raises RoundError when the file is too large or the mission has too many open submissions for the round.
        """
        if len(content) > MAX_FILE_BYTES:
            raise RoundError(f"{file_name} has {len(content):,} bytes; a submission has at most {MAX_FILE_BYTES:,}")
        digest = hashlib.sha256(content).hexdigest()
        with self._store.write() as connection:
            existing = _list(connection, "where s.cycle = ? and s.mission = ?", [cycle, mission])
            for submission in existing:
                if submission.sha256 == digest and submission.state != State.WITHDRAWN:
                    return submission
            if sum(submission.is_open for submission in existing) >= MAX_OPEN:
                raise RoundError(
                    f"{mission} has {MAX_OPEN} open submissions for cycle {cycle}, the maximum; withdraw those not needed"
                )
            now = self._store.now()
            row = connection.execute(
                "insert into submissions (cycle, mission, file_name, sha256, content, cells, created_by, created_at) "
                "values (?, ?, ?, ?, ?, ?, ?, ?) returning submission_id",
                [
                    cycle, mission, file_name, digest, content,
                    json.dumps([[c.indicator, c.dimensions, str(c.period_start), str(c.period_end)] for c in cells]),
                    created_by, now,
                ],
            ).fetchone()  # fmt: skip
            number = row["submission_id"]
            _add_event(connection, number, State.DRAFT, created_by, now, None, None)
            return _get(connection, number)

    def get(self, number: int) -> Submission:
        """Return a submission."""
        with self._store.read() as connection:
            return _get(connection, number)

    def read_content(self, number: int) -> bytes:
        """Return the bytes of the file of a submission."""
        with self._store.read() as connection:
            row = connection.execute("select content from submissions where submission_id = ?", [number]).fetchone()
        if row is None:
            raise RoundUnknown(f"unknown submission {number}")
        return bytes(row["content"])

    def find(self, cycle: int | None = None, mission: str | None = None) -> list[Submission]:
        """Return the submissions, of a cycle and mission where given, the oldest first."""
        if not self._store.exists():
            return []
        with self._store.read() as connection:
            return _list(
                connection,
                "where (cast(? as bigint) is null or s.cycle = ?) and (cast(? as text) is null or s.mission = ?)",
                [cycle, cycle, mission, mission],
            )

    def list_events(self, number: int) -> list[Event]:
        """Return the events of a submission, the oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                "select * from submission_events where submission_id = ? order by event_id", [number]
            ).fetchall()
        return [Event(State(row["state"]), row["by"], read_time(row["at"]), row["reason"], row["digest"]) for row in rows]

    def change_state(
        self,
        number: int,
        to: State,
        by: str,
        reason: str | None,
        digest: str | None,
        check: Callable[[Submission], object],
        also: Callable[[Connection, Submission], None] = lambda connection, submission: None,
    ) -> Submission:
        """Record an event and return the submission. `check` raises if the current state does not allow it.

        `also` writes more in the same transaction. Raises RoundError for a reason that is too long.
        """
        if reason is not None and len(reason) > MAX_REASON:
            raise RoundError(f"reason: at most {MAX_REASON:,} characters")
        with self._store.write() as connection:
            check(_get(connection, number))
            _add_event(connection, number, to, by, self._store.now(), reason, digest)
            changed = _get(connection, number)
            also(connection, changed)
            return changed

    def extend(self, cycle: int, mission: str, until: date, reason: str, by: str) -> LockException:
        """Let a mission submit for a closed round until the end of a day. Raises RoundError without a reason."""
        if not reason.strip() or len(reason) > MAX_REASON:
            raise RoundError(f"reason: say why the round stays open for {mission}, in at most {MAX_REASON:,} characters")
        now = self._store.now()
        with self._store.write() as connection:
            connection.execute(
                "insert into lock_exceptions (cycle, mission, until, reason, by, at) values (?, ?, ?, ?, ?, ?)",
                [cycle, mission, until.isoformat(), reason, by, now],
            )
        return LockException(cycle, mission, until, reason, by, read_time(now))

    def list_exceptions(self, cycle: int) -> dict[str, LockException]:
        """Return the valid exception of each mission that has one for a cycle."""
        if not self._store.exists():
            return {}
        with self._store.read() as connection:
            rows = connection.execute("select * from lock_exceptions where cycle = ? order by exception_id", [cycle]).fetchall()
        return {
            row["mission"]: LockException(
                row["cycle"], row["mission"], date.fromisoformat(row["until"]), row["reason"], row["by"], read_time(row["at"])
            )
            for row in rows
        }


def _add_event(
    connection: Connection, number: int, state: State, by: str, at: str, reason: str | None, digest: str | None
) -> None:
    connection.execute(
        "insert into submission_events (submission_id, state, by, at, reason, digest) values (?, ?, ?, ?, ?, ?)",
        [number, state, by, at, reason, digest],
    )


def _list(connection: Connection, where: str, values: Sequence[Any]) -> list[Submission]:
    rows = connection.execute(f"{_SELECT} {where} order by s.submission_id", values).fetchall()
    authors: dict[int, set[str]] = {row["submission_id"]: set() for row in rows}
    for row in connection.execute(f"{_SELECT_AUTHORS} {where}", values):
        # A submission that was added since the first query is left out.
        authors.get(row["submission_id"], set()).add(row["author"])
    return [_read(row, authors[row["submission_id"]]) for row in rows]


def _get(connection: Connection, number: int) -> Submission:
    found = _list(connection, "where s.submission_id = ?", [number])
    if not found:
        raise RoundUnknown(f"unknown submission {number}")
    return found[0]


def _read(row: Row, authors: Iterable[str]) -> Submission:
    return Submission(
        row["submission_id"], row["cycle"], row["mission"], row["file_name"], row["sha256"],
        tuple(
            SubmittedCell(indicator, dimensions, date.fromisoformat(start), date.fromisoformat(end))
            for indicator, dimensions, start, end in json.loads(row["cells"])
        ), row["created_by"], read_time(row["created_at"]),
        State(row["state"]), read_time(row["at"]), row["by"], row["reason"], row["digest"],
        frozenset(authors),
    )  # fmt: skip
