"""Snapshots: the warehouse as of a date, with computed KPIs and their history, rendered as text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import duckdb

from metrics.exposition import Block, Exposition, assemble_exposition
from metrics.families import PAIRED_FAMILIES, list_families
from metrics.kpi_file import Kpi
from service.errors import KpiError, SnapshotError
from service.queries.moments import set_moment
from service.snapshots.cache import refresh_cache, use_complete_cache
from service.snapshots.read_copy import SnapshotInfo
from service.warehouse.database import Connection, Warehouse, after_newest, read_sql, run_sql
from service.warehouse.definitions import Definitions
from service.warehouse.reconciliation import record_reconciliation

# Dates x series that one statement computes at once.
HISTORY_ROWS = 4_000_000
# Of more series, KPI queries read views where few values changed: with 1,000,000, filling `latest` and `changes` takes 1.9 s of
# processor time and the validity of a date 1.3 s; reading the views takes 0.2 s for each KPI over all indicators. With few
# series a table is faster, because each query plans the view again.
TABLE_SERIES = 50_000
# Of more dates, reading the validity once takes less time.
VIEW_DAYS = 8
BLOCK_ROWS = 16
# Samples that one query renders, so that 1,000,000 take 90 MB of memory instead of 380 MB.
PART_SAMPLES = 100_000

# A metric, its first label, and in families of PAIRED_FAMILIES the second one.
BlockKey = tuple[str, str, str]


@dataclass(frozen=True)
class Rendered:
    """The blocks of the text of a snapshot, and what they were read from: the next one renders only those that changed."""

    as_of: date
    batch_id: int
    catalogue_version: int
    blocks: Mapping[BlockKey, Block]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot. A scrape returns `exposition`, which does not include the KPIs of `failures`."""

    snapshot_id: int
    as_of: date
    made_at: datetime
    series_count: int
    exposition: Exposition
    failures: tuple[KpiError, ...] = ()
    rendered: Rendered | None = field(default=None, compare=False, repr=False)


def find_as_of_date(instant: datetime) -> date:
    """Return the date as of which values are valid at an instant: the last day that has ended, UTC.

    An observation is valid from 00:00 UTC of the day after its period_end.
    """
    return instant.astimezone(UTC).date() - timedelta(days=1)


def make_snapshot(warehouse: Warehouse, definitions: Definitions, now: datetime, previous: Rendered | None = None) -> Snapshot:
    """Make the snapshot of `now`: compute KPIs and missing parts of their history, record both, render the text.

    Unchanged blocks of the text are reused from `previous`, that of an earlier snapshot of this warehouse.
    A KPI whose query fails is left out and listed in `failures`; its history is not changed. Raises SnapshotError when the
    snapshot itself cannot be made. Nothing is recorded then.
    """
    as_of = find_as_of_date(now)
    try:
        refresh_cache(warehouse)
    except duckdb.Error as error:
        raise SnapshotError(f"the snapshot as of {as_of} failed: {str(error).splitlines()[0]}") from error
    failures: dict[str, KpiError] = {}
    while True:
        kpis = tuple(kpi for kpi in definitions.kpis if kpi.kpi not in failures)
        try:
            return _make_snapshot(warehouse, replace(definitions, kpis=kpis), now, as_of, tuple(failures.values()), previous)
        except KpiError as error:
            # A failed query aborts the transaction, so the snapshot starts again without it.
            failures[error.kpi] = error


def _make_snapshot(
    warehouse: Warehouse,
    definitions: Definitions,
    now: datetime,
    as_of: date,
    failures: tuple[KpiError, ...],
    previous: Rendered | None,
) -> Snapshot:
    cursor = warehouse.cursor()
    try:
        with warehouse.write(cursor):
            use_complete_cache(cursor)
            batch_id, version, series_count = run_sql(cursor, "snapshot/describe_state").fetchone() or (0, 0, 0)
            if previous is not None and previous.catalogue_version != version:
                previous = None
            is_lazy = previous is not None and series_count > TABLE_SERIES
            compute_kpis(cursor, definitions.kpis, as_of, is_lazy)
            computed_at = after_newest(cursor, "kpi_histories", "computed_at", now)
            run_sql(cursor, "snapshot/store_kpis", computed_at=computed_at)
            # Planning these queries takes a tenth of the time of a snapshot of a small warehouse.
            if _has_other_missions(cursor):
                compute_common_totals(cursor, definitions.kpis)
                run_sql(cursor, "snapshot/store_kpi_changes", computed_at=computed_at)
            record_reconciliation(cursor, now)
            blocks = render_blocks(cursor, definitions, previous)
            exposition, count = assemble_blocks(definitions, blocks)
            row = run_sql(cursor, "snapshot/store_snapshot", as_of=as_of, made_at=now, series_count=count).fetchone()
        rendered = Rendered(as_of, batch_id, version, blocks)
        return Snapshot(row[0] if row else 0, as_of, now, count, exposition, failures, rendered)
    except duckdb.Error as error:
        raise SnapshotError(f"the snapshot as of {as_of} failed: {str(error).splitlines()[0]}") from error
    finally:
        cursor.close()


def render_as_of(copy: Connection, definitions: Definitions, as_of: date) -> tuple[Exposition, int]:
    """Return the exposition as of any date, and its number of series, from a read copy. Nothing is recorded."""
    prepare_latest(copy, as_of)
    run_sql(copy, "snapshot/prepare_kpis", as_of=as_of)
    for kpi in definitions.kpis:
        compute_kpi(copy, kpi, as_of)
    check_values(copy, definitions.kpis)
    return assemble_blocks(definitions, render_blocks(copy, definitions))


def render_recorded(copy: Connection, definitions: Definitions, info: SnapshotInfo) -> Snapshot:
    """Return the snapshot of a read copy with its text, which another process made. A KPI whose query fails is left out."""
    failures: dict[str, KpiError] = {}
    while True:
        kpis = tuple(kpi for kpi in definitions.kpis if kpi.kpi not in failures)
        try:
            exposition, series_count = render_as_of(copy, replace(definitions, kpis=kpis), info.as_of)
        except KpiError as error:
            failures[error.kpi] = error
            continue
        return Snapshot(info.snapshot_id, info.as_of, info.made_at, series_count, exposition, tuple(failures.values()))


def prepare_latest(cursor: Connection, as_of: date, is_lazy: bool = False) -> None:
    """Fill the temporary tables `latest` and `changes` that KPI queries read, as of a date. If `is_lazy`, they are views."""
    set_moment(cursor, as_of.isoformat())
    run_sql(cursor, "snapshot/prepare_latest_views" if is_lazy else "snapshot/prepare_latest")


def compute_kpis(cursor: Connection, kpis: tuple[Kpi, ...], as_of: date, is_lazy: bool = False) -> None:
    """Fill `kpi_computed` for `as_of` and for each past date whose values may have changed.

    At the end `latest` and `changes` are as of `as_of`.
    """
    run_sql(cursor, "snapshot/prepare_kpis", as_of=as_of)
    # A KPI that is left out has no dates, so its recorded values are not changed.
    cursor.execute("delete from kpi_dates where not list_contains($kpis::varchar[], kpi)", {"kpis": [kpi.kpi for kpi in kpis]})
    due: dict[str, list[date]] = {}
    for name, day in cursor.execute("select kpi, as_of from kpi_dates where is_history order by as_of").fetchall():
        if day != as_of:
            due.setdefault(name, []).append(day)
    if due:
        if is_lazy and max(map(len, due.values())) <= VIEW_DAYS:
            run_sql(cursor, "snapshot/prepare_history_view")
        else:
            _prepare_history(cursor, [kpi for kpi in kpis if kpi.kpi in due], min(days[0] for days in due.values()))
    for kpi in kpis:
        if kpi.kpi in due:
            compute_history(cursor, kpi, due[kpi.kpi])
    prepare_latest(cursor, as_of, is_lazy)
    for kpi in kpis:
        compute_kpi(cursor, kpi, as_of)
    check_values(cursor, kpis)


def _prepare_history(cursor: Connection, kpis: Sequence[Kpi], first: date) -> None:
    """Fill the temporary table `holdings` with what these KPIs read of dates from the first on."""
    inputs = {indicator for kpi in kpis for indicator in kpi.inputs}
    run_sql(cursor, "snapshot/prepare_latest_history", first=first, indicators=None if "*" in inputs else sorted(inputs))


def compute_history(cursor: Connection, kpi: Kpi, days: list[date]) -> None:
    """Append the values of one KPI as of many dates to `kpi_computed`, in batches. Raises KpiError when the query fails."""
    if kpi.feed is not None:
        _compute_windows(cursor, kpi, days)
        return
    (series_count,) = cursor.execute("select count(*) from store.series").fetchone() or (0,)
    # Limits the product of dates and series, which has to fit into memory.
    step = max(1, HISTORY_ROWS // max(1, series_count))
    for start in range(0, len(days), step):
        some = days[start : start + step]
        cursor.execute("create or replace temp table days as select unnest($days::date[]) as as_of", {"days": some})
        query = read_sql("snapshot/compute_history").format(
            dimensions=_make_dimensions(kpi), labels=", ".join(kpi.labels), query=kpi.query, **_describe_base(kpi)
        )
        try:
            cursor.execute(query, {"kpi": kpi.kpi})
        except duckdb.NotImplementedException:
            raise KpiError(
                kpi.kpi,
                f"{kpi.file}: DuckDB cannot run the query for many dates at once; where it joins to `latest` or `changes` on "
                "the right of a left or semi join, write `where ... in (select ...)` or an aggregate instead",
            ) from None
        except duckdb.Error as error:
            raise KpiError(kpi.kpi, f"{kpi.file}: the query failed as of {some[0]} to {some[-1]}: {error}") from None


def _has_other_missions(cursor: Connection) -> bool:
    """Return whether values of any total were ever computed over different missions. Only these have common missions."""
    (found,) = run_sql(cursor, "snapshot/has_other_missions").fetchone() or (False,)
    return bool(found)


def compute_common_totals(cursor: Connection, kpis: tuple[Kpi, ...]) -> None:
    """Fill `kpi_common`: totals over the missions in common with the previous total, where the missions differ.

    Reads `kpi_dates` of `compute_kpis`. The values of those dates must be stored.
    """
    run_sql(cursor, "snapshot/prepare_kpi_changes")
    due = dict(cursor.execute("select kpi, min(as_of) from kpi_common_dates group by kpi").fetchall())
    if due:
        _prepare_history(cursor, [kpi for kpi in kpis if kpi.kpi in due], min(due.values()))
    for kpi in kpis:
        if kpi.kpi in due:
            query = read_sql("snapshot/compute_common_totals").format(dimensions=_make_dimensions(kpi), query=kpi.query)
            try:
                cursor.execute(query, {"kpi": kpi.kpi, "inputs": list(kpi.inputs)})
            except duckdb.Error as error:
                raise KpiError(kpi.kpi, f"{kpi.file}: the query failed over common missions: {error}") from None


def compute_kpi(cursor: Connection, kpi: Kpi, as_of: date) -> None:
    """Append the values of one KPI to `kpi_computed`, as of the date of `latest` and `changes`.

    Raises KpiError with the file name when the query does not bind, or has columns other than its labels and `value`.
    """
    if kpi.feed is not None:
        _compute_windows(cursor, kpi, [as_of])
        return
    try:
        columns = [row[0] for row in cursor.execute(f"describe {kpi.query}").fetchall()]
        if columns != list(kpi.columns):
            raise KpiError(
                kpi.kpi,
                f"{kpi.file}: the query's columns are {', '.join(columns)}; they must be {', '.join(kpi.columns)}",
            )
        base = _describe_base(kpi)
        cursor.execute(
            f"insert into kpi_computed select $kpi, mission, {_make_dimensions(kpi)}, $as_of, value, "
            f"{base['missions']}, {base['missions_expected']} from ({kpi.query}) where value is not null",
            {"kpi": kpi.kpi, "as_of": as_of},
        )
    except duckdb.Error as error:
        raise KpiError(kpi.kpi, f"{kpi.file}: the query failed as of {as_of}: {error}") from None


def _compute_windows(cursor: Connection, kpi: Kpi, days: list[date]) -> None:
    """Append the values of a KPI over the events of a feed as of some dates to `kpi_computed`, and check its columns."""
    query = read_sql("snapshot/compute_windows").format(
        dimensions=_make_dimensions(kpi), labels=", ".join(kpi.labels), query=kpi.query
    )
    try:
        run_sql(cursor, "snapshot/prepare_windows", kpi=kpi.kpi, days=days)
        cursor.execute(query, {"kpi": kpi.kpi, "feed": kpi.feed, "window_days": kpi.window_days})
    except duckdb.Error as error:
        raise KpiError(kpi.kpi, f"{kpi.file}: the query failed as of {days[0]} to {days[-1]}: {error}") from None


def _make_dimensions(kpi: Kpi) -> str:
    """Return the SQL of a KPI's labels other than mission, as a map; label names come from its header."""
    further = [label for label in kpi.labels if label != "mission"]
    if not further:
        return "map([]::varchar[], []::varchar[])"
    pairs = ", ".join(f"'{label}': {label}" for label in further)
    return f"map {{{pairs}}}"


def _describe_base(kpi: Kpi) -> dict[str, str]:
    """Return the SQL of the missions that a value is summed over, sorted, and of the number of expected missions."""
    if not kpi.is_total:
        return {"missions": "null::varchar[]", "missions_expected": "null::integer"}
    return {"missions": "list_sort(missions)", "missions_expected": read_sql("snapshot/count_expected")}


def check_values(cursor: Connection, kpis: tuple[Kpi, ...]) -> None:
    """Raise KpiError with the file name for a label set that occurs twice or a value that is not finite in `kpi_computed`.

    One query for all KPIs: a query for each takes a tenth of the time of a preview.
    """
    fault = run_sql(cursor, "snapshot/find_kpi_fault", kpis=[kpi.kpi for kpi in kpis]).fetchone()
    if fault:
        name, day, mission, dimensions, problem = fault
        (file,) = (kpi.file for kpi in kpis if kpi.kpi == name)
        raise KpiError(name, f"{file}: as of {day} the value of {mission} {dimensions} {problem}")


def render_blocks(cursor: Connection, definitions: Definitions, previous: Rendered | None = None) -> dict[BlockKey, Block]:
    """Return the text of `latest`, `changes` and `kpi_computed` in blocks.

    The blocks of indicators and missions without changed values are those of `previous`, of the same catalogue.
    """
    run_sql(
        cursor,
        "snapshot/find_changed_blocks",
        batch_id=previous.batch_id if previous else None,
        as_of=previous.as_of if previous else None,
    )
    run_sql(cursor, "snapshot/prepare_changed" if previous else "snapshot/prepare_all_changed")
    run_sql(cursor, "snapshot/samples")
    governed = [indicator for (indicator,) in run_sql(cursor, "snapshot/list_governed").fetchall()]
    run_sql(cursor, "snapshot/prepare_shown", indicators=governed)
    (ended,) = run_sql(cursor, "snapshot/find_ended").fetchone() or (0,)
    if ended:  # rare, and it reads the whole history
        run_sql(cursor, "snapshot/carry")
    run_sql(cursor, "snapshot/govern")
    unchanged = dict(_find_unchanged(cursor, definitions, previous.blocks)) if previous else {}
    return unchanged | read_blocks(cursor)


def read_blocks(cursor: Connection) -> dict[BlockKey, Block]:
    """Return the text of `samples` in blocks."""
    blocks = {}
    escaped = set()
    for first, last in _list_parts(cursor):
        for key, block, is_exact in _read_part(cursor, first, last):
            blocks[key] = block
            if not is_exact:
                escaped.add(key[0])
    for metric in sorted(escaped):
        blocks |= {key: block for key, block, _ in _read_part(cursor, metric, metric, is_escaped=True)}
    return blocks


def _list_parts(cursor: Connection) -> list[tuple[str, str]]:
    """Return the first and last metrics of parts of `samples`."""
    parts: list[tuple[str, str]] = []
    waiting = PART_SAMPLES
    for metric, count in run_sql(cursor, "exposition/count_samples").fetchall():
        if waiting >= PART_SAMPLES:
            parts.append((metric, metric))
            waiting = 0
        parts[-1] = parts[-1][0], metric
        waiting += count
    return parts


def _read_part(
    cursor: Connection, first_metric: str, last_metric: str, is_escaped: bool = False
) -> Iterator[tuple[BlockKey, Block, bool]]:
    """Yield the blocks of some metrics, and whether each is exact: no label has a character that must be escaped."""
    parameters = {
        "paired": PAIRED_FAMILIES, "first_metric": first_metric, "last_metric": last_metric, "is_escaped": is_escaped
    }  # fmt: skip
    rows = cursor.execute(read_sql("exposition/render_blocks"), parameters)
    # A part of the rows at a time: their text is compressed and not retained.
    while some := rows.fetchmany(BLOCK_ROWS):
        for metric, first_label, second_label, text, count, label_count in some:
            # Counting in the whole text takes a tenth of the time of a search in each label.
            is_exact = text.count(b'"') == 2 * label_count and text.count(b"\n") == count and b"\\" not in text
            yield (metric, first_label, second_label), Block.make(text, count), is_exact


def _find_unchanged(
    cursor: Connection, definitions: Definitions, blocks: Mapping[BlockKey, Block]
) -> Iterator[tuple[BlockKey, Block]]:
    """Yield the blocks of values of indicators and missions that are not in `changed_blocks`."""
    changed = set(cursor.execute("from changed_blocks").fetchall())
    names = {indicator.metric: indicator.indicator for _, indicator in definitions.catalogue.indicators}
    for key, block in blocks.items():
        metric, first_label, second_label = key
        if metric in PAIRED_FAMILIES:
            pair = (first_label, second_label)
        elif metric in names:
            pair = (names[metric], first_label)
        else:
            continue
        if pair not in changed:
            yield key, block


def assemble_blocks(definitions: Definitions, blocks: Mapping[BlockKey, Block]) -> tuple[Exposition, int]:
    """Return the exposition of these blocks, and the number of its series."""
    by_metric: defaultdict[str, list[Block]] = defaultdict(list)
    for (metric, _, _), block in blocks.items():
        by_metric[metric].append(block)
    exposition = assemble_exposition(list_families(definitions.catalogue, definitions.kpis), by_metric)
    return exposition, sum(block.sample_count for block in blocks.values())


def check_bindings(warehouse: Warehouse, definitions: Definitions) -> None:
    """Raise SnapshotError with the first KPI file whose query fails on this warehouse, now or over its history."""
    cursor = warehouse.cursor()
    try:
        compute_kpis(cursor, definitions.kpis, find_as_of_date(datetime.now(UTC)))
    finally:
        cursor.close()
