"""The history of all series, stored beside the read copy, so that PromQL is answered soon after a start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from metrics.history import METRIC_LABEL, History, LabelColumn, WholeHistory
from service.system.state_file import StateUnusable, read_state, write_state
from service.warehouse.database import Connection


def store_history(file: Path, changes_file: Path, history: WholeHistory, stored: WholeHistory | None = None) -> None:
    """Store the history: the reported values in one file, which is large, and what changes more often in another.

    The first file is not written again if `stored`, which it has, has the same reported values. Raises OSError.
    """
    if stored is None or stored.reported is not history.reported:
        parts: list[memoryview] = []
        reported = _describe(history.reported, parts)
        write_state(file, {"reported": reported}, parts)
    parts = []
    description: dict[str, object] = {
        "snapshot": _write_snapshot(history.snapshot),
        "reported_state": history.reported.state,
        "recorded": _describe(history.recorded, parts),
        "changed": None,
    }
    if history.changed is not None and history.replaced is not None:
        description["changed"] = _describe(history.changed, parts)
        parts.append(np.packbits(history.replaced).data)
    write_state(changes_file, description, parts)


def read_stored_history(file: Path, changes_file: Path, copy: Connection) -> WholeHistory:
    """Return the stored history, if its snapshot is one of the read copy. It may be older than the newest.

    Raises StateUnusable.
    """
    description, parts = read_state(changes_file)
    snapshot = _read_snapshot(description["snapshot"])
    known = snapshot and copy.execute("select made_at from store.snapshots where snapshot_id = ?", [snapshot[0]]).fetchone()
    if snapshot is None or known != (snapshot[1],):
        raise StateUnusable("it is of another warehouse")
    large, large_parts = read_state(file)
    if large["reported"]["state"] != description["reported_state"]:
        raise StateUnusable("its two files are of different times")
    reported = _make_history(large["reported"], large_parts)
    waiting = iter(parts)
    recorded = _make_history(description["recorded"], waiting)
    changed = replaced = None
    if description["changed"] is not None:
        changed = _make_history(description["changed"], waiting)
        bits = np.frombuffer(next(waiting), np.uint8)
        replaced = np.unpackbits(bits, count=reported.series_count).astype(np.bool_)
    return WholeHistory(reported, recorded, snapshot, changed, replaced)


def _write_snapshot(snapshot: tuple[int, datetime] | None) -> list[object] | None:
    return None if snapshot is None else [snapshot[0], snapshot[1].isoformat()]


def _read_snapshot(stored: Sequence[Any] | None) -> tuple[int, datetime] | None:
    return None if stored is None else (int(stored[0]), datetime.fromisoformat(stored[1]))


def _describe(history: History, parts: list[memoryview]) -> Mapping[str, object]:
    """Add the arrays of a history to `parts`, and return the description."""
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "offsets": history.offsets,
        "starts": history.starts,
        "values": history.values,
        "grows": history.grows,
        "series_ids": history.series_ids,
        **{f"label {name}": column.codes for name, column in history.labels.items()},
    }
    parts += [np.ascontiguousarray(array).view(np.uint8).data for array in arrays.values()]
    return {
        "arrays": [[name, array.dtype.str] for name, array in arrays.items()],
        "labels": {name: column.values[1:] for name, column in history.labels.items()},
        "tick_ms": history.tick_ms,
        "state": history.state,
        "batch_id": history.batch_id,
        "catalogue_version": history.catalogue_version,
    }


def _make_history(entry: Mapping[str, Any], parts: Iterable[bytearray]) -> History:
    """Return the history that an entry describes, with the next of the parts."""
    arrays = {name: np.frombuffer(part, np.dtype(kind)) for (name, kind), part in zip(entry["arrays"], parts, strict=False)}
    return History(
        labels={
            name: LabelColumn.make(arrays[f"label {name}"], values, is_sorted=name == METRIC_LABEL)
            for name, values in entry["labels"].items()
        },
        offsets=arrays["offsets"],
        starts=arrays["starts"],
        values=arrays["values"],
        grows=arrays["grows"],
        tick_ms=entry["tick_ms"],
        state=entry["state"],
        series_ids=arrays["series_ids"],
        batch_id=entry["batch_id"],
        catalogue_version=entry["catalogue_version"],
    )
