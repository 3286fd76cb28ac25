"""Reading the history of every series out of the warehouse, for remote read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metrics.history import METRIC_LABEL, History, LabelColumn
from service.warehouse import Connection, Warehouse, read_sql, run_sql

# Observations of which is computed at once how long they hold.
PART_ROWS = 1_000_000


def prepare_history(cursor: Connection, tell_share: Callable[[float], None] = lambda share: None) -> None:
    """Fill the temporary tables `history_series` and `history_rows` with the history of every series."""
    run_sql(cursor, "remote_read/prepare_held")
    count, last = cursor.execute(
        "select (select count(*) from store.observations), (select coalesce(max(series_id), 0) from store.series)"
    ).fetchone() or (0, 0)
    part = max(1, last * PART_ROWS // max(1, count))
    for first in range(0, last + 1, part):
        run_sql(cursor, "remote_read/hold_part", first=first, last=first + part - 1)
        tell_share(min(1.0, (first + part) / (last + 1)))
    run_sql(cursor, "remote_read/drop_part")
    run_sql(cursor, "remote_read/prepare_series")
    run_sql(cursor, "remote_read/prepare_rows")


def read_history(warehouse: Warehouse, earlier: History | None = None) -> History:
    """Return the history as committed now: all of it from one transaction. `earlier` when nothing has changed since."""
    cursor = warehouse.cursor()
    try:
        cursor.begin()
        state = cursor.execute(read_sql("remote_read/read_state")).fetchone()
        if earlier is not None and earlier.state == state:
            return earlier
        prepare_history(cursor)
        run_sql(cursor, "remote_read/prepare_labels")
        grows = cursor.execute("select grows from history_series order by number").fetchnumpy()["grows"]
        # In the order in which they were put there: DuckDB keeps it (preserve_insertion_order).
        rows = cursor.execute("select number, day, value from history_rows").fetchnumpy()
        offsets = np.concatenate(([0], np.cumsum(np.bincount(rows["number"], minlength=len(grows))))).astype(np.int64)
        return History(
            labels=_read_labels(cursor, len(grows)),
            offsets=offsets,
            days=rows["day"].astype(np.int32, copy=False),
            values=rows["value"].astype(np.float64, copy=False),
            grows=np.asarray(grows, np.bool_),
            state=state,
        )
    finally:
        cursor.close()


def _read_labels(cursor: Connection, series_count: int) -> dict[str, LabelColumn]:
    values: dict[str, list[str]] = {}
    for name, value in cursor.execute("select name, value from history_values order by name, code").fetchall():
        values.setdefault(name, []).append(value)
    columns = {}
    for name in values:
        coded = cursor.execute(read_sql("remote_read/read_label_column"), {"name": name}).fetchnumpy()
        codes = np.zeros(series_count, np.int64)
        codes[coded["number"]] = coded["code"]
        columns[name] = LabelColumn.make(codes, values[name], is_sorted=name == METRIC_LABEL)
    return columns
