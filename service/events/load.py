"""Loading exports of feeds: staged, checked and compared in SQL, and appended as one batch in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from metrics.feeds import Feed, find_feed
from service.errors import LoadError, PreviewOutdated, RowError
from service.events.count import count_events
from service.events.export import Export
from service.events.reader import stage_export
from service.events.report import EventChange, EventFault, EventReport, LeftOut
from service.loading.breaches import compare_breaches, list_breaches
from service.loading.load import MAX_SHOWN_ERRORS, digest_file, open_staging, watch_progress
from service.loading.readers import check_file
from service.loading.readers.row_budget import RowBudget
from service.names import find_similar, suggest_names
from service.settings import LOAD_MAX_ROWS
from service.snapshots.snapshot import find_as_of_date
from service.system.progress import Progress, ignore_progress
from service.system.time_limit import watch_session
from service.warehouse.database import (
    Connection,
    Warehouse,
    next_recorded_at,
    read_clock,
    read_objects,
    read_rows,
    run_sql,
)
from service.warehouse.definitions import Definitions

MAX_SHOWN = 20
PREVIEWED_BY = "preview"


def load_events(
    warehouse: Warehouse,
    feeds: tuple[Feed, ...],
    export: Export,
    loaded_by: str,
    progress: Progress = ignore_progress,
    clock: Callable[[], datetime] = read_clock,
    max_rows: int = LOAD_MAX_ROWS,
) -> EventReport:
    """Load an export in one transaction and return the report. The newest update of an event is current, whatever was loaded
    first; an export that adds nothing has no batch.

    Raises LoadError with the first 50 unreadable rows, PreviewOutdated if the digest of the export differs, or as `check_time`
    does. The warehouse is then unchanged.
    """
    with open_staging(warehouse) as cursor:
        staged = _stage(cursor, feeds, export, progress, max_rows)
        staged.check_readable()
        with watch_progress(cursor, "appending", progress), warehouse.write(cursor), watch_session(cursor):
            staged.check_preview()
            return staged.append(loaded_by, clock)


def preview_events(
    warehouse: Warehouse,
    definitions: Definitions,
    export: Export,
    progress: Progress = ignore_progress,
    clock: Callable[[], datetime] = read_clock,
    max_rows: int = LOAD_MAX_ROWS,
) -> EventReport:
    """Return what `load_events` would do, unreadable rows included, and the breaches that it would start or clear.

    The warehouse is not changed.
    """
    with open_staging(warehouse) as cursor:
        staged = _stage(cursor, definitions.feeds, export, progress, max_rows)
        with watch_progress(cursor, "comparing", progress), warehouse.rehearse(cursor), watch_session(cursor):
            now = clock()
            as_of = find_as_of_date(now)
            before = list_breaches(cursor, definitions, as_of, now)
            digest = staged.compute_digest()
            report = staged.append(PREVIEWED_BY, clock)
            after = list_breaches(cursor, definitions, as_of, now + timedelta(microseconds=1))
        return replace(report, batch_id=None, is_preview=True, breaches=compare_breaches(before, after), digest=digest)


def get_feed(feeds: tuple[Feed, ...], name: str) -> Feed:
    """Return the feed of this name. Raises LoadError with the known names."""
    feed = find_feed(feeds, name)
    if feed is None:
        names = [known.feed for known in feeds]
        raise LoadError(f"unknown feed {name!r}. {suggest_names(name, names, 'a4p events feeds lists the known feeds.')}")
    return feed


def _stage(cursor: Connection, feeds: tuple[Feed, ...], export: Export, progress: Progress, max_rows: int) -> _StagedExport:
    feed = get_feed(feeds, export.feed)
    check_file(export.file, export.name)
    budget = RowBudget(max_rows)
    budget.check_bytes(export.name, export.file.stat().st_size)
    with watch_session(cursor):
        digest = digest_file(export.file, export.name, progress)
        missions = [mission for (mission,) in cursor.execute("select mission from missions").fetchall()]
        with watch_progress(cursor, f"reading {export.file.name}", progress):
            notes = stage_export(cursor, feed, missions, export.file, export.name, budget)
        with watch_progress(cursor, "checking", progress):
            run_sql(cursor, "events/find_unreadable")
            run_sql(cursor, "events/find_duplicates")
    return _StagedExport(cursor, feed, export, digest, notes, missions)


class _StagedExport:
    """An export in the tables `staged_events`, `unreadable_cells` and `duplicate_rows` of a session."""

    def __init__(
        self, cursor: Connection, feed: Feed, export: Export, digest: str, notes: tuple[str, ...], missions: list[str]
    ) -> None:
        self._cursor = cursor
        self._feed = feed
        self._export = export
        self._digest = digest
        self._notes = notes
        self._missions = missions
        self._columns = {
            "event_id": feed.event_id,
            "kind": feed.kind.column or "",
            "occurred_on": feed.occurred_on.column,
            "mission": feed.mission.column,
            "state": feed.state.column or "",
            "updated_at": feed.updated_at.column,
        }

    def check_readable(self) -> None:
        """Raise LoadError for rows that cannot be read, unless the export skips them."""
        if self._export.skips_unreadable:
            return
        count = "select count(distinct file_row), count(distinct (field, written, problem)) from unreadable_cells"
        rows, texts = self._cursor.execute(count).fetchone() or (0, 0)
        if rows:
            raise LoadError(
                f"nothing was loaded: {rows:,} row{'s' if rows > 1 else ''} cannot be read. "
                "Correct the file, or load the other rows with --skip-unreadable",
                self._list_unreadable(),
                texts,
            )

    def compute_digest(self) -> str:
        """Return the digest of a preview: of the file, the feed, its newest export and the catalogue."""
        state = self._cursor.execute(
            "select (select max(batch_id) from store.event_batches where feed = ?), store.catalogue_version()",
            [self._feed.feed],
        ).fetchone()
        return hashlib.sha256("\n".join([self._digest, self._feed.feed, self._feed.digest(), str(state)]).encode()).hexdigest()

    def check_preview(self) -> None:
        """Raise PreviewOutdated if the export names the digest of a preview that found something else."""
        expected = self._export.digest
        if expected is not None and (digest := self.compute_digest()) != expected:
            raise PreviewOutdated(
                f"nothing was loaded: the file, the feed or the recorded events differ from the preview {expected[:12]}. "
                f"Now its digest is {digest[:12]}. Preview the file again and load it with the new digest"
            )

    def append(self, loaded_by: str, clock: Callable[[], datetime]) -> EventReport:
        """Append what is new within the caller's transaction and return the report."""
        cursor, feed = self._cursor, self._feed
        (version,) = cursor.execute("select feed_version from store.newest_feeds where feed = ?", [feed.feed]).fetchone() or (
            0,
        )
        run_sql(cursor, "events/compare", feed=feed.feed, feed_version=version)
        run_sql(cursor, "events/count", feed=feed.feed, withdraws_missing=feed.withdraws_missing)
        counts = read_rows(cursor.execute("from event_counts"))[0]
        if feed.withdraws_missing:
            self._check_one_time(counts)
        run_sql(
            cursor, "events/list_faults", fields=list(self._columns), columns=list(self._columns.values()),
            id_column=feed.event_id, update_column=feed.updated_at.column,
        )  # fmt: skip
        earlier = run_sql(cursor, "events/find_load", feed=feed.feed, digest=self._digest).fetchone()
        (withdrawn,) = cursor.execute("select count(*) from withdrawn_events").fetchone() or (0,)
        batch_id = self._store(loaded_by, clock, version) if counts["stored_events"] + withdrawn else None
        newest = "select max(batch_id) from store.event_batches where feed = ?"
        (counted_id,) = cursor.execute(newest, [feed.feed]).fetchone() or (None,)
        count_report = None if counted_id is None else count_events(cursor, feed.feed, counted_id, loaded_by, clock)
        notes = self._notes
        if earlier is not None:
            notes = (f"the same file was loaded on {earlier[0]:%Y-%m-%d %H:%M} UTC", *notes)
        return EventReport(
            file_name=self._export.name,
            feed=feed.feed,
            batch_id=batch_id,
            row_count=counts["row_count"],
            new=counts["new_events"],
            changed=counts["changed_events"],
            unchanged=counts["unchanged_events"],
            confirmed=counts["confirmed_events"],
            older=counts["older_events"],
            withdrawn=withdrawn,
            duplicates=counts["duplicate_rows"],
            conflicts=counts["conflicts"],
            unreadable_count=counts["unreadable_rows"],
            left_out_count=counts["left_out_rows"],
            sha256=self._digest,
            exported_at=counts["exported_at"],
            unreadable=self._list_unreadable(),
            faults=tuple(read_objects(run_sql(cursor, "events/list_shown_faults", limit=MAX_SHOWN), EventFault)),
            left_out=tuple(
                LeftOut(reason, rows, tuple(names))
                for reason, rows, names in run_sql(cursor, "events/list_left_out").fetchall()
            ),
            changes=tuple(read_objects(run_sql(cursor, "events/list_changes", limit=2 * MAX_SHOWN), EventChange)),
            notes=notes,
            counts=count_report,
        )

    def _store(self, loaded_by: str, clock: Callable[[], datetime], version: int) -> int:
        """Store the batch and return its number."""
        run_sql(
            self._cursor, "events/store", feed=self._feed.feed, feed_version=version, file_name=self._export.name,
            digest=self._digest, loaded_by=loaded_by, recorded_at=next_recorded_at(self._cursor, clock()),
            notes=list(self._notes),
        )  # fmt: skip
        (batch_id,) = self._cursor.execute("select batch_id from stored_batch").fetchone() or (0,)
        return int(batch_id)

    def _check_one_time(self, counts: dict[str, Any]) -> None:
        if counts["export_times"] > 1:
            raise LoadError(
                f"{self._export.name} has {counts['export_times']:,} values of {self._feed.updated_at.column}. "
                f"Exports of {self._feed.feed} withdraw the events that they do not have: give all rows the time of the export"
            )

    def _list_unreadable(self) -> tuple[RowError, ...]:
        """Return the first texts that cannot be read, each with the first row that has it."""
        rows = run_sql(self._cursor, "events/list_unreadable", limit=MAX_SHOWN_ERRORS).fetchall()
        return tuple(
            RowError(
                self._export.name, row, self._columns.get(field, field.lstrip("=")), written, problem,
                self._suggest_fix(field, written, problem),
            )
            for row, field, written, problem in rows
        )  # fmt: skip

    def _suggest_fix(self, field: str, written: str | None, problem: str) -> str:
        place = f"metrics/feeds/{self._feed.feed}.yaml"
        if problem.startswith("is missing"):
            return "fill it in"
        if field == "mission":
            near = find_similar(written or "", self._missions)
            question = f"did you mean {' or '.join(near)}? Otherwise " if near else ""
            return f"{question}add it to missions.yaml, or to 'left_out' or 'values' in {place}"
        if problem.startswith("is not a known value"):
            return f"correct it, or add it to 'values' in {place}"
        if problem.startswith("is not a"):
            return "write it as YYYY-MM-DD"
        return "correct the row"
