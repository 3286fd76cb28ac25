"""The shipped report, loaded and published once in each process of pytest; tests work on copies of it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from service.application import Application
from service.settings import Settings, find_in_tree
from service.warehouse.definitions import Definitions, read_definitions


@cache
def read_shipped() -> Definitions:
    """Return the definitions that ship with the service."""
    return read_definitions(find_in_tree("metrics"))


def is_unused(directory: Path) -> bool:
    """Return whether a directory does not exist or is empty."""
    return not directory.exists() or not any(directory.iterdir())


@cache
def prepare_report() -> Path:
    """Return a data directory with the report, loaded and published; nothing may be written in it."""
    folder = Path(tempfile.mkdtemp(prefix="a4p-report-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    opened = Application(Settings(data_dir=folder / "data", threads=1), read_shipped())
    opened.load_shipped()
    opened.refresh()
    opened.close()
    return folder / "data"


def copy_report(data_dir: Path) -> Path:
    """Make a data directory with the report, as a service leaves it; return it."""
    shutil.copytree(prepare_report(), data_dir, dirs_exist_ok=True)
    return data_dir


@contextmanager
def publish_report(data_dir: Path, definitions: Definitions, **settings: Any) -> Iterator[Application]:
    """Give an application with the report, loaded and published.

    Loading takes longer than anything else in most tests, so a new directory becomes a copy of the prepared one.
    """
    if definitions is read_shipped() and is_unused(data_dir):
        copy_report(data_dir)
    opened = Application(Settings(data_dir=data_dir, threads=1, **settings), definitions)
    try:
        opened.load_shipped()
        opened.refresh()
        yield opened
    finally:
        opened.close()
