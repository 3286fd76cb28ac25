"""A recorded run of a job. Clients read it, and do not import the runner and its scheduler."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """A recorded run; times are ISO 8601, UTC."""

    run_id: int
    job: str
    due: str
    started: str | None
    seconds: float | None
    status: str
    row_count: int | None
    error: str | None
