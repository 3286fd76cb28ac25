"""Large files, whose rows are staged in a file on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import LoadError
from service.loading import staging_file
from service.loading.load import load_files, open_staging, stage_files
from service.loading.preview import preview_files
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from tests.conftest import Read, Refuse, WriteCsv

CURRENT = "select mission, value from observations order by mission"
# Names are replaced in the staged rows.
TITLED = {"mission": "United Nations Mission in the Republic of South Sudan", "value": "41"}


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> Iterator[None]:
    """Stage every file on disk. Afterwards nothing of it is left."""
    monkeypatch.setattr(staging_file, "LARGE_BYTES", 0)
    yield
    assert list_staging(warehouse) == []
    assert not list((warehouse.file.parent / "tmp").glob("staging_*"))


def list_staging(warehouse: Warehouse) -> list[str]:
    """Return the names of the open staging files."""
    with warehouse.cursor() as cursor:
        rows = cursor.execute("select database_name from duckdb_databases() where database_name like 'staging%'").fetchall()
        return [name for (name,) in rows]


def make_request(file: Path) -> LoadRequest:
    return LoadRequest(files=(file,), loaded_by="the tests")


def test_rows_are_staged_in_a_file_without_a_name(warehouse: Warehouse, write_csv: WriteCsv) -> None:
    file = write_csv("values.csv", {}, {"mission": "MONUSCO"})
    with open_staging(warehouse, (file,)) as cursor:
        stage_files(cursor, make_request(file))
        (name,) = list_staging(warehouse)
        assert cursor.execute(f"select count(*) from {name}.staged_cells").fetchone() == (2,)
        assert not list((warehouse.file.parent / "tmp").glob("staging_*"))


def test_a_large_file_is_loaded_and_corrected(warehouse: Warehouse, read: Read, write_csv: WriteCsv) -> None:
    (first,) = load_files(warehouse, make_request(write_csv("first.csv", {}, {"mission": "MONUSCO"})))
    file = write_csv("second.csv", TITLED, {"mission": "MONUSCO"}, {"mission": "MINUSCA"})
    (second,) = load_files(warehouse, make_request(file))
    assert (first.new_observations, first.revisions) == (2, 0)
    assert (second.new_observations, second.revisions, second.row_count) == (1, 1, 3)
    assert [(change.kind, change.mission) for change in second.changes] == [("revision", "UNMISS"), ("new", "MINUSCA")]
    assert read(CURRENT) == [("MINUSCA", 40.0), ("MONUSCO", 40.0), ("UNMISS", 41.0)]


def test_an_invalid_row_of_a_large_file_is_refused_with_its_place(refuse: Refuse, write_csv: WriteCsv) -> None:
    (row,) = refuse(write_csv("values.csv", {}, {"mission": "UNMISSS"})).rows
    assert (row.row, row.column, row.value) == (3, "mission", "UNMISSS")


def test_a_large_file_is_previewed_and_loaded_with_its_digest(
    warehouse: Warehouse, definitions: Definitions, read: Read, write_csv: WriteCsv
) -> None:
    request = make_request(write_csv("values.csv", {}))
    preview = preview_files(warehouse, definitions, request)
    assert read(CURRENT) == []
    load_files(warehouse, request.model_copy(update={"digest": preview.digest}))
    assert read(CURRENT) == [("UNMISS", 40.0)]


@pytest.mark.parametrize("limit", ["max_temp_bytes", "free space"])
def test_rows_stay_in_memory_if_the_file_could_exceed_a_limit(
    limit: str, warehouse: Warehouse, read: Read, write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_csv("values.csv", {})
    if limit == "max_temp_bytes":
        monkeypatch.setattr(warehouse, "max_temp_bytes", file.stat().st_size)
    else:
        monkeypatch.setattr(staging_file, "has_space", lambda folder, needed: False)
    with open_staging(warehouse, (file,)):
        assert list_staging(warehouse) == []
    load_files(warehouse, make_request(file))
    assert read(CURRENT) == [("UNMISS", 40.0)]


def test_a_file_that_does_not_exist_is_reported(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="does not exist"):
        load_files(warehouse, make_request(tmp_path / "none.csv"))
