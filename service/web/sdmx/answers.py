"""SDMX answers: a message that is written to a file and sent from it, with an ETag of the snapshot and the request."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import duckdb
from flask import Response, request
from werkzeug.wsgi import wrap_file

from service.errors import WarehouseUnwritable
from service.snapshots.read_copy import SnapshotInfo
from service.system.disk import translate_write_error
from service.web.api.answer import SNAPSHOT_HEADER
from service.web.budget import AnswerBudget
from service.web.sdmx.media_types import MediaType

FOLDER, PREFIX = "tmp", "sdmx-"


def clear_left_files(data_dir: Path) -> None:
    """Delete the files of a process that was killed."""
    for left in (data_dir / FOLDER).glob(f"{PREFIX}*"):
        left.unlink(missing_ok=True)


def find_cached(info: SnapshotInfo, media_type: MediaType) -> Response | None:
    """Return 304 if the client has this answer already, else None."""
    answer = add_headers(Response(), info, media_type)
    answer.make_conditional(request)
    return answer if answer.status_code == 304 else None


def add_headers(answer: Response, info: SnapshotInfo, media_type: MediaType) -> Response:
    """Add the headers of an answer. The same request to the same snapshot has the same answer."""
    requested = f"{request.path}?{request.query_string.decode('latin-1')} {media_type}"
    answer.set_etag(f"{info.snapshot_id}-{hashlib.sha256(requested.encode()).hexdigest()[:24]}")
    answer.last_modified = info.made_at
    answer.headers["Content-Type"] = f"{media_type}; charset=utf-8" if media_type.name.endswith("csv") else str(media_type)
    answer.headers["Content-Language"] = "en"
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers[SNAPSHOT_HEADER] = str(info.snapshot_id)
    answer.vary.add("Accept")
    return answer


class SentFile(io.FileIO):
    """A file without a name, so that it is gone when it is closed. `release` is called after it is sent."""

    def __init__(self, file: Path, release: Callable[[], None]) -> None:
        super().__init__(file)
        file.unlink()
        self._release = release

    def close(self) -> None:
        if not self.closed:
            self._release()
        super().close()

    def __del__(self) -> None:
        # An answer that is never sent.
        self.close()


def send_written(data_dir: Path, budget: AnswerBudget, write: Callable[[Path], int]) -> Response | None:
    """Return a response with what `write` writes to a file, None when it counts no rows.

    The rows are never in memory, and a slow client has no session open. Raises Refused (503) when the budget of unsent answers
    is used up, and WarehouseUnwritable.
    """
    folder = data_dir / FOLDER
    file = folder / f"{PREFIX}{secrets.token_hex(16)}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if not write(file):
            return None
        size = file.stat().st_size
        stream = SentFile(file, budget.reserve(size))
    except (OSError, duckdb.IOException) as error:
        raise translate_write_error(error, folder) or WarehouseUnwritable(f"{folder} cannot be written: {error}") from None
    finally:
        file.unlink(missing_ok=True)
    answer = Response(wrap_file(request.environ, stream), direct_passthrough=True)
    answer.content_length = size
    return answer
