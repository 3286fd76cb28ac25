"""An export of a feed to load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Export:
    """A file to load for a feed. `name` is recorded in place of the path.

    With `skips_unreadable` the rows that cannot be read are left out and reported; otherwise they are an error. `digest`
    is that of a preview, which the load must match.
    """

    file: Path
    name: str
    feed: str
    skips_unreadable: bool = False
    digest: str | None = None
