"""The digest of a preview: the files, and the changes that a load of them would make to the warehouse at that time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from service.loading.report import Batch
from service.warehouse.database import Connection, run_sql


def compute_digest(cursor: Connection, known: Sequence[Batch | None]) -> str:
    """Return the SHA-256, in hexadecimal, of the files' SHA-256s in their order and of the SHA-256 of their changes.

    `known` is the result of `stage_files`. Call it after `append_staged`, in the same transaction; where all files were
    loaded before, nothing is staged and nothing changes. Names of files do not count, values of cells before the load do.
    """
    digests = [batch.sha256 if batch else "" for batch in known]
    changes = None
    if not all(known):
        for ordinal, digest in cursor.execute("select file_ordinal, sha256 from staged_files").fetchall():
            digests[ordinal] = digest
        (changes,) = run_sql(cursor, "load/digest_changes").fetchone() or (None,)
    return hashlib.sha256("\n".join([*digests, changes or ""]).encode()).hexdigest()
