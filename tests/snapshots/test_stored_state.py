"""What a start serves before its first snapshot: the stored text of the last one, and the stored history."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics.history import WholeHistory
from service.application import Application
from service.errors import KpiError
from service.settings import Settings
from service.snapshots import served, stored_exposition
from service.snapshots.stored_exposition import read_exposition, store_exposition
from service.system import state_file
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import load_value
from tests.history.remote_read_client import JOB, RE, at, milliseconds, read
from tests.published_report import copy_report

Damage = Callable[[Path], object]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return copy_report(tmp_path / "data")


@contextmanager
def start(data_dir: Path, definitions: Definitions) -> Iterator[Application]:
    """An application that serves what the last run left and has not opened the warehouse."""
    starting = Application(Settings(data_dir=data_dir, threads=1), definitions, opens_warehouse=False)
    try:
        starting.served.restore()
        starting.served.restore_history()
        yield starting
    finally:
        starting.close()


@contextmanager
def forbid_rendering(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail(*_: object) -> None:
        raise AssertionError("rendered")

    with monkeypatch.context() as patch:
        patch.setattr(stored_exposition, "render_as_of", fail)
        yield


def list_arrays(history: WholeHistory) -> list[np.ndarray]:  # type: ignore[type-arg]
    return [
        array
        for part in history.parts
        for array in (
            part.offsets, part.starts, part.values, part.grows, part.distinct_starts,
            *(column.codes for column in part.labels.values()),
        )
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"])
def test_a_start_serves_the_bytes_of_the_last_snapshot_without_rendering(
    data_dir: Path, definitions: Definitions, monkeypatch: pytest.MonkeyPatch, application: Application, kind: str
) -> None:
    with forbid_rendering(monkeypatch), start(data_dir, definitions) as starting:
        assert starting.exposition == application.exposition
        response = make_app(starting).test_client().get("/metrics", headers={"Accept": kind})
    body = application.exposition.openmetrics if "openmetrics" in kind else application.exposition.text
    # The metrics of the service itself follow.
    assert response.data.startswith(b"".join(body.chunks))


def test_a_start_answers_promql_before_the_warehouse_is_open(
    data_dir: Path, definitions: Definitions, application: Application
) -> None:
    query = at(milliseconds("2024-06-01"), JOB, ("mission", RE, "UNM.*"))
    with start(data_dir, definitions) as starting:
        assert read(make_app(starting).test_client(), query) == read(make_app(application).test_client(), query)


def test_the_stored_history_has_every_array_and_label(
    data_dir: Path, definitions: Definitions, application: Application
) -> None:
    with start(data_dir, definitions) as starting:
        stored, read_from_warehouse = starting.history, application.history
        assert stored is not None and read_from_warehouse is not None
        pairs = zip(list_arrays(stored), list_arrays(read_from_warehouse), strict=True)
        assert all(np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f") for ours, theirs in pairs)
        for ours, theirs in zip(stored.parts, read_from_warehouse.parts, strict=True):
            assert {name: column.values for name, column in ours.labels.items()} == {
                name: column.values for name, column in theirs.labels.items()
            }
        assert starting.read_copy is not None and stored.snapshot is not None
        assert stored.snapshot[0] == starting.read_copy.info.snapshot_id
        # Nothing has changed, so the history is not read again.
        starting.open()
        starting.refresh()
        assert starting.history is not None
        assert starting.history.reported is stored.reported


def test_the_age_of_what_is_served_is_on_metrics(data_dir: Path, definitions: Definitions) -> None:
    with start(data_dir, definitions) as starting:
        assert starting.snapshot is not None
        made_at = starting.snapshot.made_at.timestamp()
        text = make_app(starting).test_client().get("/metrics").text
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("a4p_"))
        assert float(values["a4p_snapshot_timestamp_seconds"]) == pytest.approx(made_at)
        assert float(values["a4p_snapshot_age_seconds"]) > 0
        assert float(values["a4p_remote_read_history_timestamp_seconds"]) == pytest.approx(made_at)


def remove(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("history_file", ["warehouse-history.state", "warehouse-history-changes.state"])
@pytest.mark.parametrize("damage", [remove, cut, flip])
def test_a_start_with_damaged_or_missing_files_serves_the_read_copy(
    data_dir: Path, definitions: Definitions, application: Application, damage: Damage, history_file: str
) -> None:
    damage(data_dir / "warehouse-exposition.state")
    damage(data_dir / history_file)
    with start(data_dir, definitions) as starting:
        assert starting.is_ready
        assert starting.exposition.text.chunks == application.exposition.text.chunks
        assert starting.history is None
        starting.open()
        starting.refresh()
        assert starting.history is not None
    with start(data_dir, definitions) as again:
        assert again.history is not None


def test_files_of_another_release_are_not_used(
    data_dir: Path, definitions: Definitions, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "digest_release", lambda: "another")
    with start(data_dir, definitions) as starting:
        assert starting.is_ready
        assert starting.exposition.text.chunks == application.exposition.text.chunks
        assert starting.history is None


@pytest.mark.parametrize("is_copy_newer", [True, False])
def test_a_kill_between_the_read_copy_and_its_text_leaves_the_state_of_the_read_copy(
    data_dir: Path, definitions: Definitions, tmp_path: Path, is_copy_newer: bool
) -> None:
    before = tmp_path / "before"
    shutil.copytree(data_dir, before)
    with start(data_dir, definitions) as changing:
        changing.open()
        load_value(changing, tmp_path, 97)
        changing.refresh()
    old = "warehouse-exposition.state" if is_copy_newer else "warehouse-read.duckdb"
    (data_dir / old).unlink()
    shutil.copyfile(before / old, data_dir / old)
    with start(data_dir, definitions) as starting:
        assert starting.is_ready
        line = b'a4p_sofa_incidents_new{mission="UNMISS"} '
        assert line + (b"97\n" if is_copy_newer else b"125\n") in b"".join(starting.exposition.text.chunks)
        assert starting.read_copy is not None and starting.snapshot is not None
        assert starting.snapshot.snapshot_id == starting.read_copy.info.snapshot_id


def test_the_history_of_another_warehouse_is_not_used(data_dir: Path, definitions: Definitions, tmp_path: Path) -> None:
    with start(data_dir, definitions) as changing:
        changing.open()
        changing.refresh()
        load_value(changing, tmp_path, 97)
        changing.refresh()
    for name in ("warehouse.duckdb", "warehouse-read.duckdb"):
        shutil.copyfile(copy_report(tmp_path / "another") / name, data_dir / name)
    with start(data_dir, definitions) as starting:
        assert starting.history is None
        assert starting.is_ready


def test_the_kpis_that_failed_are_reported_after_a_restart(
    data_dir: Path, definitions: Definitions, application: Application
) -> None:
    snapshot, copy = application.snapshot, application.read_copy
    assert snapshot is not None and copy is not None
    failed = replace(snapshot, failures=(KpiError("crime_trial_ratio", "the query failed"),))
    file = data_dir / "warehouse-exposition.state"
    store_exposition(file, failed, definitions)
    stored = read_exposition(file, copy.info, definitions)
    assert [(failure.kpi, str(failure)) for failure in stored.failures] == [("crime_trial_ratio", "the query failed")]


def test_a_text_that_cannot_be_stored_does_not_fail_the_snapshot(
    data_dir: Path, definitions: Definitions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(served, "store_exposition", fail)
    with start(data_dir, definitions) as starting:
        starting.open()
        starting.refresh()
        assert starting.find_failure() is None
    assert "could not be written" in caplog.text
