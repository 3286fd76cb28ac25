"""Reading the history of all series from the warehouse, for remote read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb
import numpy as np

from metrics.history import DAY_MS, METRIC_LABEL, History, LabelColumn, WholeHistory
from service.errors import JobInterrupted
from service.snapshots.cache import use_complete_cache
from service.warehouse.database import Connection, Warehouse, read_sql, run_sql


def prepare_reported(cursor: Connection, report_share: Callable[[float], None] = lambda share: None) -> None:
    """Fill the temporary tables `history_series` and `history_rows` with the reported values of every series, by day."""
    run_sql(cursor, "remote_read/prepare_held")
    run_sql(cursor, "remote_read/prepare_series")
    report_share(0.3)
    run_sql(cursor, "remote_read/prepare_rows")
    report_share(1)


def prepare_recorded(cursor: Connection) -> None:
    """Fill the same tables with the series recorded at an instant, mainly thresholds, by millisecond."""
    run_sql(cursor, "remote_read/prepare_recorded")


class HistoryReader:
    """Reads the history from a warehouse, one reading at a time, until it is stopped."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._reading: Connection | None = None
        self._is_stopped = False

    def read(self, earlier: WholeHistory | None = None) -> WholeHistory:
        """Return the committed history, read in one transaction. Unchanged parts are reused from `earlier`.

        Raises JobInterrupted when it was stopped.
        """
        self._reading = cursor = self._warehouse.cursor()
        try:
            cursor.begin()
            return _read_history(cursor, earlier, self._check)
        except duckdb.InterruptException:
            raise self._make_interruption() from None
        finally:
            self._reading = None
            cursor.close()

    def stop(self) -> None:
        """Interrupt the current reading, and every later one."""
        self._is_stopped = True
        if (reading := self._reading) is not None:
            reading.interrupt()

    def _check(self, share: float) -> None:
        if self._is_stopped:
            raise self._make_interruption()

    @staticmethod
    def _make_interruption() -> JobInterrupted:
        return JobInterrupted("the service was stopped while it read the history")


def _read_history(cursor: Connection, earlier: WholeHistory | None, report_share: Callable[[float], None]) -> WholeHistory:
    report_share(0)
    use_complete_cache(cursor)
    # The history ends at the newest snapshot. Deadlines that pass after it are in the next one.
    cursor.execute("set variable as_of = (select max(as_of) from store.snapshots)")
    snapshot = cursor.execute("select snapshot_id, made_at from store.snapshots order by snapshot_id desc limit 1").fetchone()
    state = str(cursor.execute(read_sql("remote_read/read_state")).fetchone())
    recorded_state = state + str(cursor.execute(read_sql("remote_read/read_recorded_state")).fetchone())
    if earlier is not None and earlier.recorded.state == recorded_state:
        return replace(earlier, snapshot=snapshot)
    if earlier is not None and earlier.reported.state == state:
        reported = earlier.reported
    else:
        prepare_reported(cursor, report_share)
        reported = _read_columns(cursor, DAY_MS, state)
    prepare_recorded(cursor)
    return WholeHistory(reported, _read_columns(cursor, 1, recorded_state), snapshot)


def _read_columns(cursor: Connection, tick_ms: int, state: str) -> History:
    run_sql(cursor, "remote_read/prepare_labels")
    grows = cursor.execute("select grows from history_series order by number").fetchnumpy()["grows"]
    # In insertion order (preserve_insertion_order).
    rows = cursor.execute("select number, start, value from history_rows").fetchnumpy()
    offsets = np.concatenate(([0], np.cumsum(np.bincount(rows["number"], minlength=len(grows))))).astype(np.int64)
    return History(
        labels=_read_labels(cursor, len(grows)),
        offsets=offsets,
        starts=rows["start"],
        values=rows["value"].astype(np.float64, copy=False),
        grows=np.asarray(grows, np.bool_),
        tick_ms=tick_ms,
        state=state,
    )


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
