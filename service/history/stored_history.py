"""The history of all series, stored beside the read copy, so that PromQL is answered soon after a start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from metrics.history import METRIC_LABEL, History, LabelColumn, WholeHistory
from service.system.state_file import StateUnusable, read_state, write_state
from service.warehouse.database import Connection


def store_history(file: Path, history: WholeHistory) -> None:
    """Store the history. Raises OSError."""
    parts: list[memoryview] = []
    description = {
        "snapshot": _write_snapshot(history.snapshot),
        "histories": [_describe(history.reported, parts), _describe(history.recorded, parts)],
    }
    write_state(file, description, parts)


def read_stored_history(file: Path, copy: Connection) -> WholeHistory:
    """Return the stored history, if its snapshot is one of the read copy. It may be older than the newest.

    Raises StateUnusable.
    """
    description, parts = read_state(file)
    snapshot = _read_snapshot(description["snapshot"])
    known = snapshot and copy.execute("select made_at from store.snapshots where snapshot_id = ?", [snapshot[0]]).fetchone()
    if snapshot is None or known != (snapshot[1],):
        raise StateUnusable("it is of another warehouse")
    waiting = iter(parts)
    reported, recorded = (_make_history(entry, [next(waiting) for _ in entry["arrays"]]) for entry in description["histories"])
    return WholeHistory(reported, recorded, snapshot)


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
        **{f"label {name}": column.codes for name, column in history.labels.items()},
    }
    parts += [np.ascontiguousarray(array).view(np.uint8).data for array in arrays.values()]
    return {
        "arrays": [[name, array.dtype.str] for name, array in arrays.items()],
        "labels": {name: column.values[1:] for name, column in history.labels.items()},
        "tick_ms": history.tick_ms,
        "state": history.state,
    }


def _make_history(entry: Mapping[str, Any], parts: Sequence[bytearray]) -> History:
    arrays = {name: np.frombuffer(part, np.dtype(kind)) for (name, kind), part in zip(entry["arrays"], parts, strict=True)}
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
    )
