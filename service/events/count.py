"""Counts of events: observations of the indicators that are counted from a feed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.events.report import CountChange, CountReport
from service.warehouse.database import Connection, next_recorded_at, read_objects, run_sql

MAX_SHOWN_COUNTS = 20


def count_events(
    cursor: Connection, feed: str, event_batch_id: int | None, loaded_by: str, clock: Callable[[], datetime]
) -> CountReport | None:
    """Count the events of a feed again within the caller's transaction, and record the counts that changed as one batch.

    Counts only what the events of `event_batch_id` can change, and everything if it is None, the first time, and after a change
    of the catalogue. The reported changes are revisions that have a new value. Returns None if no indicator is counted from
    the feed or it has no events.
    """
    run_sql(cursor, "counts/prepare", feed=feed, batch_id=event_batch_id)
    (rules,) = cursor.execute("select count(*) from counting_rules").fetchone() or (0,)
    (covered_until,) = cursor.execute("select covered_until from count_dates").fetchone() or (None,)
    if not rules or covered_until is None:
        return None
    run_sql(cursor, "counts/count", feed=feed)
    new, revised, total = cursor.execute(
        "select count(*) filter (where not is_revision), count(*) filter (where is_revision), "
        "(select count(*) from counted_cells) from changed_counts"
    ).fetchone() or (0, 0, 0)
    now = next_recorded_at(cursor, clock())
    batch_id = None
    if new or revised:
        run_sql(cursor, "counts/store", feed=feed, loaded_by=loaded_by, recorded_at=now)
        (batch_id,) = cursor.execute("select batch_id from count_batch").fetchone() or (None,)
    run_sql(cursor, "counts/record_run", feed=feed, batch_id=batch_id, recorded_at=now)
    changes = read_objects(run_sql(cursor, "counts/list_changes", limit=MAX_SHOWN_COUNTS), CountChange)
    return CountReport(batch_id, new, revised, max(total - new - revised, 0), tuple(changes))
