"""Files uploaded in the field `file` of a multipart request."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from flask import request
from werkzeug.datastructures import FileStorage

from service.errors import WarehouseUnwritable
from service.system.disk import check_space
from service.web.problems import Refused

FIELD = "file"
PREFIX = "upload-"
MAX_NAME_LENGTH = 255
CHUNK_BYTES = 1 << 20


def check_digest(dry_run: bool, digest: str | None) -> None:
    """Raise Refused (400) if a request for a preview has the digest of one."""
    if dry_run and digest:
        raise Refused(400, "digest: it confirms a preview. Leave out dry_run to load, or digest to preview.")


def find_upload() -> FileStorage:
    """Return the uploaded file of the request. Raises Refused (400, 415)."""
    if request.mimetype != "multipart/form-data":
        raise Refused(415, f"Send the file as multipart/form-data in the field {FIELD}.")
    names = [*request.files.keys(), *(name for name in request.form if name != "csrf_token")]
    uploads = request.files.getlist(FIELD)
    if set(names) != {FIELD} or len(uploads) != 1:
        given = ", ".join(sorted(set(names)))[:200] or "none"
        raise Refused(400, f"{FIELD}: send one file in this field, and no others. Fields: {given}.")
    return uploads[0]


def hash_upload() -> str:
    """Return a digest of the name and the content of the file: the boundary of a multipart body differs each time."""
    upload = find_upload()
    digest = hashlib.sha256(f"{upload.filename}\n".encode("utf-8", "replace"))
    while chunk := upload.stream.read(CHUNK_BYTES):
        digest.update(chunk)
    upload.stream.seek(0)
    return digest.hexdigest()


def read_name(upload: FileStorage) -> str:
    """Return the name to record. It is never used as a path."""
    name = PurePosixPath((upload.filename or "").replace("\\", "/")).name
    name = "".join(character for character in name if character.isprintable())[-MAX_NAME_LENGTH:]
    if not name:
        raise Refused(400, f"{FIELD}: the file needs a name.")
    return name


@contextmanager
def store_upload(upload: FileStorage, folder: Path, max_bytes: int) -> Iterator[Path]:
    """Give a private copy of the upload, deleted at the end. Raises Refused (413)."""
    size = upload.stream.seek(0, os.SEEK_END)
    upload.stream.seek(0)
    if size > max_bytes:
        raise Refused(413, f"The file exceeds the maximum of {max_bytes:,} bytes (A4P_LOAD_MAX_BYTES). Use 'a4p load'.")
    file = folder / f"{PREFIX}{secrets.token_hex(16)}"
    try:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            check_space(folder, size)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                shutil.copyfileobj(upload.stream, target, CHUNK_BYTES)
        except OSError as error:
            raise WarehouseUnwritable(f"the file cannot be stored in {folder}: {error.strerror}") from None
        yield file
    finally:
        file.unlink(missing_ok=True)
