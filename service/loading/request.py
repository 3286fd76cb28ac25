"""The request to load or preview files, as commands, the web server, rounds and the warehouse use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.settings import LOAD_MAX_ROWS

MAX_SHOWN_CHANGES = 20
# A SHA-256.
DIGEST_PATTERN = "^[0-9a-f]{64}$"

# What the status M of an expected value is taken for.
StatusCodes = Literal["check", "sdmx"]


@dataclass(frozen=True)
class RoundScope:
    """The mission and the cycle, with its first and last day, that every row of a submission must belong to."""

    cycle: int
    mission: str
    period_start: date
    period_end: date


class LoadRequest(BaseModel):
    """Files to load or preview, as absolute paths, and who loads them. Unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[Path, ...]
    # The names to record of uploaded files, in place of their paths.
    names: tuple[str, ...] | None = None
    loaded_by: str = ""
    # The maximum number of changed cells in the report: revisions before removals, new cells and unchanged ones.
    changes: int = Field(default=MAX_SHOWN_CHANGES, ge=0)
    with_unchanged: bool = False
    # The sheet to read of each workbook; by default the first.
    sheet: str | None = None
    # The maximum number of rows of all files together.
    max_rows: int | None = Field(default=None, ge=1)
    # "sdmx" for files whose status M means not applicable. By default M of an expected value is an error, as it meant missing
    # in files for release 0.1.
    status_codes: StatusCodes = "check"
    # That of a preview, which the load must match.
    digest: str | None = Field(default=None, pattern=DIGEST_PATTERN)
    # A row outside of it is an error. Not sent over the socket: only the service knows the scope of a submission.
    scope: RoundScope | None = Field(default=None, exclude=True)

    @property
    def row_limit(self) -> int:
        return self.max_rows or LOAD_MAX_ROWS
