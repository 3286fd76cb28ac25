"""Comments on the cells of submissions, in threads that both sides read, and their flags for follow-up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from service.access.store import AccessStore, Connection, Row, read_time
from service.errors import RoundError, RoundUnknown
from service.rounds.submissions import SubmittedCell

MAX_TEXT_LENGTH = 2_000
MAX_COMMENTS = 200

FollowUp = Literal["set", "cleared"]
# A cell as a key: indicator, dimensions, first and last day.
CellKey = tuple[str, tuple[tuple[str, str], ...], date, date]


@dataclass(frozen=True)
class Comment:
    """A comment on a cell of a submission. `follow_up` is None for a comment that does not change the flag of the cell."""

    comment_id: int
    submission_id: int
    cell: SubmittedCell
    by: str
    at: datetime
    text: str
    follow_up: FollowUp | None


def make_key(indicator: str, dimensions: Mapping[str, str], period_start: date, period_end: date) -> CellKey:
    """Return the key of a cell, the same for any order of its dimensions."""
    return indicator, tuple(sorted(dimensions.items())), period_start, period_end


def group_by_cell(comments: Iterable[Comment]) -> dict[CellKey, list[Comment]]:
    """Return the thread of each cell, in the order of the comments."""
    threads: dict[CellKey, list[Comment]] = {}
    for comment in comments:
        cell = comment.cell
        key = make_key(cell.indicator, cell.dimensions, cell.period_start, cell.period_end)
        threads.setdefault(key, []).append(comment)
    return threads


def needs_follow_up(thread: Iterable[Comment]) -> bool:
    """Return whether the newest flag in the thread of a cell is set."""
    flags = [comment.follow_up for comment in thread if comment.follow_up is not None]
    return bool(flags) and flags[-1] == "set"


class Comments:
    """The comments of an access store. They are never changed or deleted. Methods raise AccessUnavailable."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def add(self, number: int, cell: SubmittedCell, by: str, text: str, follow_up: FollowUp | None = None) -> Comment:
        """Add a comment on a cell of a submission and return it.

        Raises RoundUnknown for an unknown submission, and RoundError for a cell that the submission does not have, and beyond
        the limits: 2,000 characters, 200 comments per submission.
        """
        with self._store.write() as connection:
            return self.add_in(connection, number, cell, by, text, follow_up)

    def add_in(
        self,
        connection: Connection,
        number: int,
        cell: SubmittedCell,
        by: str,
        text: str,
        follow_up: FollowUp | None = None,
    ) -> Comment:
        """Add a comment within a write transaction of the store. Raises as `add` does."""
        text = text.strip()
        # A flag needs no text.
        if (not text and follow_up is None) or len(text) > MAX_TEXT_LENGTH:
            raise RoundError(f"text: a comment has 1 to {MAX_TEXT_LENGTH:,} characters")
        _check_cell(connection, number, cell)
        (count,) = connection.execute("select count(*) from submission_comments where submission_id = ?", [number]).fetchone()
        if count >= MAX_COMMENTS:
            raise RoundError(f"submission {number} has {MAX_COMMENTS} comments, the maximum")
        row = connection.execute(
            "insert into submission_comments "
            "(submission_id, indicator, dimensions, period_start, period_end, by, at, text, follow_up) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?) returning *",
            [
                number, cell.indicator, json.dumps(cell.dimensions, sort_keys=True), cell.period_start.isoformat(),
                cell.period_end.isoformat(), by, self._store.now(), text, follow_up,
            ],
        ).fetchone()  # fmt: skip
        return _read(row)

    def list_all(self, number: int) -> list[Comment]:
        """Return the comments on the cells of a submission, the oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                "select * from submission_comments where submission_id = ? order by comment_id", [number]
            ).fetchall()
        return [_read(row) for row in rows]


def _check_cell(connection: Connection, number: int, cell: SubmittedCell) -> None:
    row = connection.execute("select cells from submissions where submission_id = ?", [number]).fetchone()
    if row is None:
        raise RoundUnknown(f"unknown submission {number}")
    key = make_key(cell.indicator, cell.dimensions, cell.period_start, cell.period_end)
    known = {
        make_key(indicator, dimensions, date.fromisoformat(start), date.fromisoformat(end))
        for indicator, dimensions, start, end in json.loads(row["cells"])
    }
    if key not in known:
        labels = "".join(f" {name}={value}" for name, value in cell.dimensions.items())
        raise RoundError(
            f"submission {number} has no value for {cell.indicator}{labels} from {cell.period_start} to {cell.period_end}; "
            "comment on one of its cells"
        )


def _read(row: Row) -> Comment:
    return Comment(
        row["comment_id"], row["submission_id"],
        SubmittedCell(
            row["indicator"], json.loads(row["dimensions"]), date.fromisoformat(row["period_start"]),
            date.fromisoformat(row["period_end"]),
        ),
        row["by"], read_time(row["at"]), row["text"], row["follow_up"],
    )  # fmt: skip
