"""The protocol between the service and a worker: a JSON header with its length in front, the bytes of the result, and READY."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

LENGTH = struct.Struct("!I")
MAX_HEADER_BYTES = 1 << 20
MAX_RESULT_BYTES = 64 << 20
# Follows each response when the worker is ready for the next request. A worker that is not, ends.
READY = b"+"

Format = Literal["json", "csv", "arrow", "parquet", "xlsx"]
# How a query ended. `rejected` includes a message.
Outcome = Literal["succeeded", "rejected", "out_of_time", "out_of_memory"]


class QueryRequest(TypedDict):
    """A query. Dates and timestamps are ISO 8601. The pool adds `copy`, the file name of the read copy."""

    copy: NotRequired[str]
    sql: str
    as_of: str | None
    known_at: str | None
    max_rows: int
    seconds: float
    format: Format


class CopyRequest(TypedDict):
    """A copy to open before requests name it. The worker closes the previous one if the copy `is_current`."""

    copy: str
    is_current: bool


class QueryResponse(TypedDict):
    """The outcome of a query; `size` bytes of the result follow."""

    outcome: Outcome
    snapshot_id: int
    detail: str
    line: int | None
    column: int | None
    row_count: int
    is_truncated: bool
    size: int


@dataclass(frozen=True)
class QueryResult:
    """The response of a worker, and the bytes of the result."""

    snapshot_id: int
    response: QueryResponse
    body: bytes


def encode(message: Any) -> bytes:
    """Return a message as JSON with its length in front."""
    body = json.dumps(message).encode()
    return LENGTH.pack(len(body)) + body
