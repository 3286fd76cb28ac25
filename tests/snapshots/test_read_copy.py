"""The read copy of pages and the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import pytest

from service.application import Application
from service.errors import WarehouseError
from service.snapshots.read_copy import ReadCopy
from service.warehouse.definitions import Definitions
from tests.conftest import load_value, publish_report

VALUE = "select value from latest where indicator = 'sofa_incidents_new' and mission = 'UNMISS'"


@pytest.fixture
def application(tmp_path: Path, definitions: Definitions) -> Iterator[Application]:
    with publish_report(tmp_path / "data", definitions) as opened:
        yield opened


def test_it_has_the_exposed_snapshot(application: Application) -> None:
    assert application.read_copy is not None
    assert application.snapshot is not None
    assert application.read_copy.info.snapshot_id == application.snapshot.snapshot_id
    assert application.read_copy.info.as_of == application.snapshot.as_of


def test_a_reader_during_a_publication_sees_one_state(application: Application, tmp_path: Path) -> None:
    before = application.read_copy
    assert before is not None
    with before.open_session() as session:
        assert session.execute(VALUE).fetchone() == (125,)
        load_value(application, tmp_path, 40)
        application.refresh()
        assert session.execute(VALUE).fetchone() == (125,)
    assert application.read_copy is not None
    with application.read_copy.open_session() as session:
        assert session.execute(VALUE).fetchone() == (40,)


def test_it_can_be_queried_as_of_a_date_and_known_at_a_time(application: Application, tmp_path: Path) -> None:
    load_value(application, tmp_path, 40)
    application.refresh()
    copy = application.read_copy
    assert copy is not None
    with copy.open_session(as_of=date(2024, 4, 30)) as session:
        assert session.execute(VALUE).fetchone() == (125,)
    with copy.open_session(known_at=datetime(2020, 1, 1, tzinfo=UTC)) as session:
        assert session.execute(VALUE).fetchone() is None


def test_it_is_never_written_to_and_leaves_no_files(application: Application) -> None:
    copy = application.read_copy
    assert copy is not None
    with copy.open_session() as session, pytest.raises(Exception, match="read-only"):
        session.execute("create table t (i integer)")
    assert not list(application.settings.data_dir.glob("*.tmp"))


def test_a_file_that_is_not_a_copy_is_an_error_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "broken.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseError, match="cannot be opened"):
        ReadCopy(tmp_path / "broken.duckdb", 1, "1GB")
    with pytest.raises(WarehouseError, match="cannot be opened"):
        ReadCopy(tmp_path / "no such.duckdb", 1, "1GB")


def test_files_of_a_killed_service_with_the_same_process_id_are_replaced(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = application.settings.read_copy_file
    monkeypatch.setattr("service.snapshots.read_copy._numbers", count())
    (file.parent / f"{file.name}.{os.getpid()}.0.tmp").touch()
    assert application.snapshot is not None
    assert ReadCopy(file, 1, "1GB").info.snapshot_id == application.snapshot.snapshot_id
