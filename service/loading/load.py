"""Loading files: staged, checked in SQL and appended as batches in one transaction."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from service.errors import LoadError, PreviewOutdated
from service.loading.digest import compute_digest
from service.loading.readers import check_file, stage_file
from service.loading.readers.row_budget import RowBudget
from service.loading.readers.staged_file import StagedFile, name_sheet
from service.loading.report import Batch, Change
from service.loading.request import LoadRequest, RoundScope, StatusCodes
from service.loading.staging_file import use_staging_file
from service.loading.warnings import find_warnings, skip_failed_rules
from service.names import suggest_names
from service.settings import find_in_tree
from service.system.progress import Progress, ignore_progress
from service.system.time_limit import check_time, watch_session
from service.warehouse.database import Connection, Warehouse, next_recorded_at, read_clock, read_rows, read_sql, run_sql

MAX_SHOWN_ERRORS = 50
POLL_SECONDS = 0.25
CHUNK_BYTES = 1 << 20


def load_files(
    warehouse: Warehouse,
    request: LoadRequest,
    progress: Progress = ignore_progress,
    is_shipped: bool = False,
    clock: Callable[[], datetime] = read_clock,
) -> list[Batch]:
    """Load observation files (CSV, XLSX, Parquet or SDMX-CSV) in one transaction. Return a Batch for each, in order.

    With the digest of a preview, PreviewOutdated is raised if the files, or what they change, are not as previewed.
    A file whose bytes were loaded before adds nothing. With `is_shipped` a row that was ever recorded is not recorded
    again, so that the report's own files never revert a correction. Raises LoadError with the first 50 invalid rows and
    their number, or as `check_time` does. The warehouse is then unchanged.
    """
    with open_staging(warehouse, request.files) as cursor:
        known = stage_files(cursor, request, is_shipped, progress)
        if all(known):
            _check_digest(cursor, known, request.digest)
            return [batch for batch in known if batch]

        def append(skipped_rules: frozenset[str]) -> dict[int, Batch]:
            # The commit itself is not interrupted: it would be unclear whether it succeeded.
            with warehouse.write(cursor), watch_session(cursor):
                appended = append_staged(cursor, request, is_shipped, clock, skipped_rules)
                _check_digest(cursor, known, request.digest)
                return appended

        with watch_progress(cursor, "appending", progress):
            appended = skip_failed_rules(append)
        return [batch or appended[ordinal] for ordinal, batch in enumerate(known)]


@contextmanager
def open_staging(warehouse: Warehouse, files: Sequence[Path] = ()) -> Iterator[Connection]:
    """Yield a session with empty staging tables for these files.

    Raises LoadError when DuckDB exceeds its memory or disk limit.
    """
    cursor = warehouse.cursor()
    try:
        warehouse.limit_temp_files()
        run_sql(cursor, "load/prepare_staging")
        with use_staging_file(warehouse, cursor, files):
            yield cursor
    except duckdb.OutOfMemoryException:
        raise LoadError(
            "the files need more memory and temporary disk space than DuckDB may use. "
            "Split them, or raise A4P_MEMORY_LIMIT or A4P_MAX_TEMP_SIZE"
        ) from None
    finally:
        cursor.close()


def stage_files(
    cursor: Connection, request: LoadRequest, is_shipped: bool = False, progress: Progress = ignore_progress
) -> list[Batch | None]:
    """Stage and check files; return the Batch of each that was loaded before and None for the others.

    Raises LoadError, and as `check_time` does.
    """
    codes: StatusCodes = "sdmx" if is_shipped else request.status_codes
    cursor.execute("set variable status_codes = ?", [codes])
    if (scope := request.scope) is not None:
        cursor.execute("set variable round_cycle = ?", [scope.cycle])
        cursor.execute("set variable round_mission = ?", [scope.mission])
        cursor.execute("set variable round_start = ?", [scope.period_start])
        cursor.execute("set variable round_end = ?", [scope.period_end])
    with watch_session(cursor):
        names = request.names or [file.name if is_shipped else str(file) for file in request.files]
        return _stage_files(cursor, request, names, progress)


def _stage_files(cursor: Connection, request: LoadRequest, names: Sequence[str], progress: Progress) -> list[Batch | None]:
    sheet, budget = request.sheet, RowBudget(request.row_limit)
    known: list[Batch | None] = []
    digests: dict[str, str] = {}
    staged: dict[int, StagedFile] = {}
    for ordinal, (file, file_name) in enumerate(zip(request.files, names, strict=True)):
        check_time()
        check_file(file, file_name)
        budget.check_bytes(file_name, file.stat().st_size)
        digest = digest_file(file, file_name, progress)
        # A named sheet is a separate batch from the first sheet of the same file.
        suffix = name_sheet("", sheet) if sheet else ""
        earlier = _find_batch(cursor, file_name + suffix, digest, suffix)
        if digest in digests and earlier is None:
            raise LoadError(f"{file_name} has the same content as {digests[digest]}. Load it once")
        digests[digest] = file_name
        known.append(earlier)
        if earlier is None:
            with watch_progress(cursor, f"reading {file.name}", progress):
                staged[ordinal] = stage_file(cursor, file, file_name, ordinal, sheet, budget)
            _check_template(staged[ordinal], request.scope)
            values = [ordinal, file_name + suffix, digest, staged[ordinal].notes, staged[ordinal].has_sdmx_codes]
            cursor.execute("insert into staged_files values (?, ?, ?, ?, ?)", values)
    if staged:
        with watch_progress(cursor, "checking", progress):
            run_sql(cursor, "load/stage_series")
            _resolve_titles(cursor)
            _check_staged(cursor, staged)
            run_sql(cursor, "load/stage_cells")
    return known


def _check_template(staged: StagedFile, scope: RoundScope | None) -> None:
    """Raise LoadError for the template of another round: one sentence in place of an error for each row."""
    found = staged.template
    if scope and found and (found.mission, found.cycle) != (scope.mission, scope.cycle):
        raise LoadError(
            f"{staged.name} is the template of {found.mission} for cycle {found.cycle}. "
            f"Fill in the template of {scope.mission} for cycle {scope.cycle}, or submit the file for its own round"
        )


def _resolve_titles(cursor: Connection) -> None:
    """Replace titles of indicators and full names of missions by their names in the catalogue."""
    (has_titles,) = run_sql(cursor, "load/find_titles").fetchone() or (False,)
    if has_titles:
        run_sql(cursor, "load/resolve_titles")
        run_sql(cursor, "load/stage_series")


def append_staged(
    cursor: Connection,
    request: LoadRequest,
    is_shipped: bool,
    clock: Callable[[], datetime],
    skipped_rules: frozenset[str] = frozenset(),
) -> dict[int, Batch]:
    """Append the staged rows within the caller's transaction. Return the Batch of each staged file by its ordinal.

    Raises WarningRuleFailed; see `skip_failed_rules`.
    """
    run_sql(cursor, "load/find_series")
    run_sql(cursor, "load/number_series")
    run_sql(cursor, "load/compare", is_shipped=is_shipped)
    changes = _list_changes(cursor, request)
    recorded_at = next_recorded_at(cursor, clock())
    run_sql(cursor, "load/append", loaded_by=request.loaded_by, recorded_at=recorded_at)
    warnings = find_warnings(cursor, recorded_at, skipped_rules)
    return {
        ordinal: Batch(
            name, batch_id if new or revised else None, count, new, revised, sha256=digest,
            changes=tuple(changes.get(ordinal, ())), notes=tuple(notes),
            warnings=tuple(warnings[ordinal].shown) if ordinal in warnings else (),
            warning_count=warnings[ordinal].total if ordinal in warnings else 0, removals=removed,
        )
        for ordinal, name, digest, notes, batch_id, count, new, revised, removed in cursor.execute(
            "select file_ordinal, file_name, sha256, notes, batch_id, row_count, new_observations, revisions, removals "
            "from appended_batches"
        ).fetchall()
    }  # fmt: skip


def _check_digest(cursor: Connection, known: Sequence[Batch | None], expected: str | None) -> None:
    if expected is not None and (digest := compute_digest(cursor, known)) != expected:
        raise PreviewOutdated(
            f"nothing was loaded: the file or what it would change differs from the preview {expected[:12]}. "
            f"Now its digest is {digest[:12]}. Preview the file again and load it with the new digest"
        )


def _list_changes(cursor: Connection, request: LoadRequest) -> dict[int, list[Change]]:
    """Return the changes of each file, by its ordinal."""
    changes: dict[int, list[Change]] = {}
    if request.changes:
        result = run_sql(cursor, "load/list_changes", limit=request.changes, with_unchanged=request.with_unchanged)
        for row in read_rows(result):
            ordinal = row.pop("file_ordinal")
            changes.setdefault(ordinal, []).append(Change(**{**row, "revised_columns": tuple(row["revised_columns"])}))
    return changes


def digest_file(file: Path, file_name: str, progress: Progress) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises LoadError."""
    progress(f"reading {file.name}", None)
    try:
        with file.open("rb") as stream:
            digest = hashlib.sha256()
            while chunk := stream.read(CHUNK_BYTES):
                check_time()
                digest.update(chunk)
            return digest.hexdigest()
    except OSError as error:
        raise LoadError(f"{file_name} cannot be read: {error.strerror}") from None


def _find_batch(cursor: Connection, file_name: str, digest: str, suffix: str) -> Batch | None:
    row = run_sql(cursor, "load/find_batch", digest=digest, suffix=suffix).fetchone()
    return Batch(file_name, None, row[1], 0, 0, row[0], row[2], digest) if row else None


def _check_staged(cursor: Connection, files: dict[int, StagedFile]) -> None:
    for file in sorted((find_in_tree("sql") / "checks" / "load").glob("*.sql")):
        cursor.execute(f"insert into load_errors by name {read_sql(f'checks/load/{file.stem}')}")
    (total,) = cursor.execute("select count(*) from load_errors").fetchone() or (0,)
    if total:
        errors = []
        for row in read_rows(run_sql(cursor, "load/list_errors", max_errors=MAX_SHOWN_ERRORS)):
            fix = row["fix"] or _suggest(row["unknown_name"], row["known_names"])
            staged = files[row["file_ordinal"]]
            error = (row["column_name"], row["value"], row["problem"], fix, row["sheet"])
            errors.append(staged.blame(row["file_row"], *error))
        raise LoadError(f"nothing was loaded: {total:,} error{'s' if total > 1 else ''}", tuple(errors), total)


def _suggest(unknown: str, known: list[str]) -> str:
    sentence = suggest_names(unknown, known, "See docs/metrics.md for the known names.")
    # An error of a row continues after a semicolon and has no full stop.
    return sentence[0].lower() + sentence[1:].removesuffix(".")


@contextmanager
def watch_progress(cursor: Connection, stage: str, progress: Progress) -> Iterator[None]:
    """Report the progress of the statements that run inside, from a separate thread."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(POLL_SECONDS):
            share = cursor.query_progress()
            progress(stage, share / 100 if share >= 0 else None)

    progress(stage, None)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
