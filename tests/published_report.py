"""The shipped report, loaded and published once in each process of pytest; tests work on copies of it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from metrics.history import WholeHistory
from service.application import Application
from service.settings import Settings, find_in_tree
from service.snapshots.snapshot import Snapshot
from service.warehouse.definitions import Definitions, read_definitions

# Six times the default: on a busy machine the first page takes longer than its limit. Tests of the limit set their own.
PAGE_SECONDS = 120


@cache
def read_shipped() -> Definitions:
    """Return the definitions that ship with the service."""
    return read_definitions(find_in_tree("metrics"))


def is_unused(directory: Path) -> bool:
    """Return whether a directory does not exist or is empty."""
    return not directory.exists() or not any(directory.iterdir())


@dataclass(frozen=True)
class PreparedReport:
    """A data directory with the report, loaded and published, and what its service served. Nothing may be written in it."""

    data_dir: Path
    snapshot: Snapshot
    history: WholeHistory


@cache
def _prepare() -> PreparedReport:
    folder = Path(tempfile.mkdtemp(prefix="a4p-report-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    opened = Application(Settings(data_dir=folder / "data", threads=1), read_shipped())
    opened.loads.load_shipped()
    opened.refresh()
    opened.close()
    assert opened.snapshot is not None and opened.history is not None
    return PreparedReport(folder / "data", opened.snapshot, opened.history)


def prepare_report() -> Path:
    """Return a data directory with the report, loaded and published; nothing may be written in it."""
    return _prepare().data_dir


def copy_report(data_dir: Path) -> Path:
    """Make a data directory with the report, as a service leaves it; return it."""
    shutil.copytree(prepare_report(), data_dir, dirs_exist_ok=True)
    return data_dir


@cache
def _prepare_empty() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="a4p-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Application(Settings(data_dir=folder / "data", threads=1), read_shipped()).close()
    return folder / "data"


def copy_empty(data_dir: Path) -> Path:
    """Make a data directory whose warehouse has the shipped definitions and no observations; return it.

    Making tables and views takes half a second, and this a few milliseconds.
    """
    shutil.copytree(_prepare_empty(), data_dir, dirs_exist_ok=True)
    return data_dir


def serve_prepared(opened: Application) -> None:
    """Have an application on a copy of the report serve it, as after its refresh, which takes a second."""
    prepared = _prepare()
    served = opened.served
    copy = served.open_read_copy()
    opened.sandbox.publish(opened.settings.read_copy_file, copy.info.snapshot_id)
    served.exposition, served.snapshot, served.read_copy = prepared.snapshot.exposition, prepared.snapshot, copy
    served.history = prepared.history
    served.end_wait_for_history()
    opened.self_metrics.record_snapshot(prepared.snapshot, 0.0, [kpi.kpi for kpi in opened.definitions.kpis])
    opened.self_metrics.record_read_copy(copy.info.snapshot_id)


@contextmanager
def publish_report(data_dir: Path, definitions: Definitions, **settings: Any) -> Iterator[Application]:
    """Give an application with the report, loaded and published.

    Loading and publishing take longer than anything else in most tests, so a new directory becomes a copy of the prepared one.
    The metrics of jobs, backups and the warehouse file follow with the next refresh.
    """
    is_copy = definitions is read_shipped() and is_unused(data_dir)
    if is_copy:
        copy_report(data_dir)
    opened = Application(Settings(data_dir=data_dir, **{"threads": 1, "page_seconds": PAGE_SECONDS, **settings}), definitions)
    try:
        if is_copy:
            serve_prepared(opened)
        else:
            opened.loads.load_shipped()
            opened.refresh()
        yield opened
    finally:
        opened.close()
