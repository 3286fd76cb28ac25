"""The text of the last snapshot, stored beside the read copy, so that a start serves it without rendering it."""

from __future__ import annotations

import hashlib
import logging
from datetime import date, datetime
from pathlib import Path

from metrics.exposition import Body, Exposition
from service.errors import KpiError
from service.snapshots.read_copy import SnapshotInfo
from service.snapshots.snapshot import Snapshot, render_as_of
from service.system.state_file import StateUnusable, read_state, write_state
from service.warehouse.database import Connection
from service.warehouse.definitions import Definitions

log = logging.getLogger(__name__)


def digest_definitions(definitions: Definitions) -> str:
    """Return a digest of the catalogue and the KPIs, which determine the families of a snapshot."""
    digests = [definitions.catalogue.digest(), *(f"{kpi.digest()} {kpi.title} {kpi.unit}" for kpi in definitions.kpis)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def store_exposition(file: Path, snapshot: Snapshot, definitions: Definitions) -> None:
    """Store the text of a snapshot. Raises OSError.

    Only the compressed text is stored: a seventh of the plain one.
    """
    text, openmetrics = snapshot.exposition.text, snapshot.exposition.openmetrics
    description = {
        "snapshot_id": snapshot.snapshot_id,
        "as_of": snapshot.as_of.isoformat(),
        "made_at": snapshot.made_at.isoformat(),
        "series_count": snapshot.series_count,
        "definitions": digest_definitions(definitions),
        "failures": [[failure.kpi, str(failure)] for failure in snapshot.failures],
        "sizes": [text.size, openmetrics.size],
        "checksums": [text.checksum, openmetrics.checksum],
    }
    write_state(file, description, [text.compressed, openmetrics.compressed])


def read_exposition(file: Path, info: SnapshotInfo, definitions: Definitions) -> Snapshot:
    """Return the snapshot of a read copy with its stored text.

    Raises StateUnusable if it is of another snapshot, of other definitions or of another release, or is damaged.
    """
    description, (compressed, compressed_openmetrics) = read_state(file)
    stored = (
        description["snapshot_id"],
        date.fromisoformat(description["as_of"]),
        datetime.fromisoformat(description["made_at"]),
    )
    if stored != (info.snapshot_id, info.as_of, info.made_at):
        raise StateUnusable("it is of another snapshot")
    if description["definitions"] != digest_definitions(definitions):
        raise StateUnusable("it is of another catalogue or other KPIs")
    bodies = zip((compressed, compressed_openmetrics), description["sizes"], description["checksums"], strict=True)
    exposition = Exposition(*(Body(bytes(stream), size, checksum) for stream, size, checksum in bodies))
    failures = tuple(KpiError(kpi, message) for kpi, message in description["failures"])
    return Snapshot(info.snapshot_id, info.as_of, info.made_at, int(description["series_count"]), exposition, failures)


def find_published_snapshot(file: Path, info: SnapshotInfo, copy: Connection, definitions: Definitions) -> Snapshot:
    """Return the snapshot of a read copy with its stored text, or render the text if it is not stored.

    Raises SnapshotError when the text cannot be rendered.
    """
    try:
        return read_exposition(file, info, definitions)
    except StateUnusable as reason:
        log.info("%s is not used: %s", file, reason)
        exposition, series_count = render_as_of(copy, definitions, info.as_of)
        return Snapshot(info.snapshot_id, info.as_of, info.made_at, series_count, exposition)
