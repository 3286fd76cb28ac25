"""What the service and a worker say to each other: a header of JSON, then as many bytes as it tells."""

from __future__ import annotations

import json
import struct
from typing import Any, Literal, NotRequired, TypedDict

LENGTH = struct.Struct("!I")
LARGEST_HEADER_BYTES = 1 << 20
LARGEST_ANSWER_BYTES = 64 << 20

Format = Literal["json", "csv", "arrow", "parquet"]
# How a query ended; all but `answered` come with a sentence.
Outcome = Literal["answered", "refused", "out_of_time", "out_of_memory"]


class Question(TypedDict):
    """A query to answer; dates and instants are ISO 8601. The pool adds `copy`, the name of the file to answer from."""

    copy: NotRequired[str]
    sql: str
    as_of: str | None
    known_at: str | None
    most_rows: int
    seconds: float
    format: Format


class Reply(TypedDict):
    """How it ended; `size` bytes of the answer follow. `is_last` says that the worker ends with it."""

    outcome: Outcome
    snapshot_id: int
    detail: str
    line: int | None
    column: int | None
    row_count: int
    is_truncated: bool
    size: int
    is_last: bool


def encode(message: Any) -> bytes:
    """Return a message with its length in front."""
    body = json.dumps(message).encode()
    return LENGTH.pack(len(body)) + body
