"""Reports of the progress of long work."""

from __future__ import annotations

from collections.abc import Callable

# Called with the name of the current stage and the finished share of it, or None if the share is unknown.
Progress = Callable[[str, float | None], None]


def ignore_progress(stage: str, share: float | None) -> None:
    """Discard a report of progress."""
