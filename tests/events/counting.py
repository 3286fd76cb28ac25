"""Events of the feed un_fatalities for the tests of counts, stored without an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from service.events.count import CountReport, count_events
from service.warehouse.database import Connection, Warehouse, read_clock

FEED = "un_fatalities"
INSERT_EVENT = """
    insert into store.events
    values (?, ?, ?, ?, ?, map {}, ?, ?, 0, ?, ?, ?)
"""


@dataclass(frozen=True)
class Casualty:
    event_id: str
    mission: str
    occurred_on: str
    cause: str
    is_withdrawn: bool = False


def store_export(cursor: Connection, day: date, casualties: Sequence[Casualty]) -> int:
    """Store what an export of a day has for some casualties, and return the number of its batch."""
    (batch,) = cursor.execute("select coalesce(max(batch_id), 0) + 1 from store.batches").fetchone() or (1,)
    updated = datetime(day.year, day.month, day.day, tzinfo=UTC)
    now = read_clock()
    cursor.execute("insert into store.batches values (?, 'export', ?, 'a test', ?, 0, 0, 0, 0)", [batch, str(batch), now])
    for one in casualties:
        state = "withdrawn" if one.is_withdrawn else "pending" if one.cause == "To be determined" else "verified"
        values = [FEED, one.event_id, one.cause, one.occurred_on, one.mission, state, updated, "changed", batch, now]
        cursor.execute(INSERT_EVENT, values)
    cursor.execute(
        "insert into store.event_batches values (?, ?, 1, ?, 0, 0, 0, 0, 0, 0, 0, 0, [], 0, 0, 0)", [batch, FEED, updated]
    )
    return batch


def count_export(warehouse: Warehouse, day: date, casualties: Sequence[Casualty]) -> CountReport:
    """Store an export and count it."""
    with warehouse.write() as cursor:
        batch = store_export(cursor, day, casualties)
        report = count_events(cursor, FEED, batch, "a test", read_clock)
    assert report is not None
    return report
