"""Reading the history of all series from the warehouse, for remote read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb
import numpy as np
import numpy.typing as npt

from metrics.history import DAY_MS, METRIC_LABEL, History, LabelColumn, WholeHistory
from service.errors import JobInterrupted
from service.snapshots.cache import use_complete_cache
from service.warehouse.database import Connection, Warehouse, read_sql, run_sql

# Of a smaller history, reading all takes no longer than reading what changed.
MIN_EXTENDED_SERIES = 50_000
# More changed series would slow down the answers, which read both parts.
MAX_CHANGED_SHARE = 0.05
STATUS_METRIC = "a4p_indicator_status"
AGE_METRIC = "select metric from kpis where kpi = 'indicator_age_days'"


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
    versions = cursor.execute(read_sql("remote_read/read_state")).fetchone()
    assert versions is not None
    state = str(versions)
    recorded_state = state + str(cursor.execute(read_sql("remote_read/read_recorded_state")).fetchone())
    if earlier is not None and earlier.recorded.state == recorded_state:
        return replace(earlier, snapshot=snapshot)
    batch_id, catalogue_version = versions[0] or 0, versions[1] or 0
    if earlier is not None and earlier.reported_state == state:
        read = earlier
    elif earlier is not None and _is_extensible(cursor, earlier.reported, catalogue_version):
        read = _read_changes(cursor, earlier, state)
    else:
        prepare_reported(cursor, report_share)
        reported = _read_columns(cursor, DAY_MS, state)
        read = WholeHistory(
            replace(reported, series_ids=_read_series_ids(cursor), batch_id=batch_id, catalogue_version=catalogue_version),
            reported,
        )
    prepare_recorded(cursor)
    return replace(read, recorded=_read_columns(cursor, 1, recorded_state), snapshot=snapshot)


def _is_extensible(cursor: Connection, reported: History, catalogue_version: int) -> bool:
    """Return whether few series of a large history, of the same catalogue, have changed since."""
    if len(reported.series_ids) < MIN_EXTENDED_SERIES or reported.catalogue_version != catalogue_version:
        return False
    changed = cursor.execute(
        "select count(distinct series_id) from store.observations where batch_id > ?", [reported.batch_id]
    ).fetchone() or (0,)
    return bool(changed[0] <= len(reported.series_ids) * MAX_CHANGED_SHARE)


def _read_changes(cursor: Connection, earlier: WholeHistory, state: str) -> WholeHistory:
    """Return the history with the series that changed since `earlier.reported` was read, in a part of their own."""
    reported = earlier.reported
    run_sql(cursor, "remote_read/prepare_changed", batch_id=reported.batch_id)
    run_sql(cursor, "remote_read/prepare_series")
    run_sql(cursor, "remote_read/prepare_rows")
    changed = _read_columns(cursor, DAY_MS, state)
    return replace(earlier, changed=changed, replaced=_find_replaced(cursor, reported))


def _find_replaced(cursor: Connection, reported: History) -> npt.NDArray[np.bool_]:
    """Return which series of the history `changed_pairs` and `selected_series` replace.

    Of the values derived from observations, only the status and age of other indicators and missions are not read again.
    """
    ids = cursor.execute("select series_id from selected_series").fetchnumpy()["series_id"]
    replaced = np.isin(reported.series_ids, np.asarray(ids)) | (reported.series_ids < 0)
    pairs = set(cursor.execute("from changed_pairs").fetchall())
    metrics = {STATUS_METRIC, *(row[0] for row in cursor.execute(AGE_METRIC).fetchall())}
    metric, indicator, mission = (reported.labels[name] for name in (METRIC_LABEL, "indicator", "mission"))
    codes = [metric.code_of[name] for name in metrics if name in metric.code_of]
    for number in np.flatnonzero(np.isin(metric.codes, codes)):
        pair = indicator.values[indicator.codes[number]], mission.values[mission.codes[number]]
        replaced[number] = pair in pairs
    return replaced


def _read_series_ids(cursor: Connection) -> npt.NDArray[np.int32]:
    query = "select coalesce(series_id, -1)::integer as series_id from history_series order by number"
    ids = cursor.execute(query).fetchnumpy()
    return np.asarray(ids["series_id"], np.int32)


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
