"""The read copy that answers of the API come from."""

from __future__ import annotations

from service.application import Application
from service.snapshots.read_copy import ReadCopy
from service.web.problems import NOT_READY, RETRY_SECONDS, Refused


def open_copy(application: Application) -> ReadCopy:
    """Return the read copy. Raises Refused (503) before the first snapshot."""
    copy = application.read_copy
    if copy is None:
        raise Refused(503, NOT_READY, {"Retry-After": str(RETRY_SECONDS)})
    return copy
