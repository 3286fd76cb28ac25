"""A progress bar for work that takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from service.system.progress import Progress as Report

PATIENCE_SECONDS = 1.0


@contextmanager
def show_progress() -> Iterator[Report]:
    """Give a function to report progress to; a bar appears on a terminal's stderr once a second has passed."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
        console=Console(file=sys.stderr), transient=True,
    )  # fmt: skip
    task = bar.add_task("", total=None)
    started = time.monotonic()
    is_shown = False

    def report(stage: str, share: float | None) -> None:
        nonlocal is_shown
        if not is_shown and sys.stderr.isatty() and time.monotonic() - started > PATIENCE_SECONDS:
            bar.start()
            is_shown = True
        bar.update(task, description=stage, total=1 if share is not None else None, completed=share or 0)

    try:
        yield report
    finally:
        if is_shown:  # rich ends a line on stderr even where it never wrote one
            bar.stop()
