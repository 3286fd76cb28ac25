"""A service on a lake: the same content as with an embedded warehouse, and what is reported when a server fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.application import Application
from service.errors import LakeError, LakeUnavailable
from service.lake.warehouse import LakeWarehouse
from service.settings import Settings
from service.warehouse.database import Connection
from service.warehouse.definitions import Definitions
from service.web.app import make_app
from tests.conftest import STORED_AT, load_value
from tests.lake.conftest import MakeSettings, OpenReplica
from tests.lake.servers import PASSWORD, Bucket, Postgres
from tests.lake.test_replicas import list_values

SQL = "select mission, period_end, value from observations where indicator = 'sofa_incidents_new' order by all"
# Numbers of lake snapshots are those of the lake alone.
QUERIES = (
    "select table_name from duckdb_tables() where schema_name = 'store' order by 1",
    "from store.observations order by all",
    "from store.kpi_values order by all",
    "select * exclude (applied_at) from store.migrations order by all",
    "from store.job_runs order by all",
    "from store.thresholds order by all",
    "from store.catalogues order by all",
    "from store.batches order by all",
)


def get_lake(application: Application) -> LakeWarehouse:
    assert isinstance(application.warehouse, LakeWarehouse)
    return application.warehouse


def read_all(connection: Connection) -> list[object]:
    return [connection.execute(query).fetchall() for query in QUERIES]


def test_a_lake_has_the_content_of_an_embedded_warehouse(
    open_replica: OpenReplica, definitions: Definitions, tmp_path: Path
) -> None:
    def clock() -> object:
        return STORED_AT

    lake = open_replica("lake", clock=clock)
    embedded = Application(Settings(data_dir=tmp_path / "embedded", threads=1), definitions, clock)  # type: ignore[arg-type]
    try:
        for value in (None, 77, 78):
            for application in (lake, embedded):
                # The report, then the next cycle, then a correction.
                if value is None:
                    application.loads.load_shipped()
                else:
                    load_value(application, tmp_path, value)
                application.refresh()
            assert lake.exposition.text.chunks == embedded.exposition.text.chunks
            assert lake.exposition.openmetrics.chunks == embedded.exposition.openmetrics.chunks
        assert lake.history is not None and embedded.history is not None
        assert lake.history.recorded.state == embedded.history.recorded.state
        assert lake.read_copy is not None and embedded.read_copy is not None
        with lake.read_copy.open_session() as one, embedded.read_copy.open_session() as other:
            assert read_all(one) == read_all(other)
        answers = [make_app(each).test_client() for each in (lake, embedded)]
        for path in ("/metrics", "/", "/missions/UNMISS", "/api/v1/latest", f"/api/v1/sql?sql={SQL}"):
            got, expected = (client.get(path) for client in answers)
            assert got.status_code == expected.status_code == 200
        for path in ("/api/v1/latest", f"/api/v1/sql?sql={SQL}"):
            assert answers[0].get(path).data == answers[1].get(path).data
    finally:
        embedded.close()


def test_a_bucket_that_does_not_answer_stops_loads_and_nothing_is_recorded(
    open_replica: OpenReplica, bucket: Bucket, tmp_path: Path
) -> None:
    application = open_replica()
    before = get_lake(application).read_state()
    bucket.stop()
    try:
        with pytest.raises(LakeUnavailable, match="s3://lake/lake"):
            load_value(application, tmp_path, 5)
    finally:
        bucket.start()
    assert get_lake(application).read_state() == before
    load_value(application, tmp_path, 5)
    assert get_lake(application).read_state() == before + 1


def test_a_first_start_without_the_bucket_is_repeated(
    make_settings: MakeSettings, open_replica: OpenReplica, bucket: Bucket, definitions: Definitions, tmp_path: Path
) -> None:
    bucket.stop()
    try:
        with pytest.raises(LakeUnavailable, match="s3://lake/lake"):
            Application(make_settings(), definitions)
    finally:
        bucket.start()
    application = open_replica()
    load_value(application, tmp_path, 5)
    assert list_values(application) == [(1, 5.0)]


def test_a_wrong_password_is_reported_without_it(make_settings: MakeSettings, definitions: Definitions) -> None:
    wrong = make_settings().warehouse.get_secret_value().replace(PASSWORD, "not-this-one")
    with pytest.raises(LakeUnavailable, match="password authentication failed") as caught:
        Application(make_settings(warehouse=wrong), definitions)
    assert "not-this-one" not in str(caught.value)


def test_an_embedded_warehouse_is_not_mistaken_for_a_copy_of_the_lake(
    open_replica: OpenReplica, new_warehouse: object, definitions: Definitions, tmp_path: Path
) -> None:
    embedded = Application(Settings(data_dir=tmp_path / "b", threads=1), definitions)
    load_value(embedded, tmp_path, 5)
    embedded.close()
    with pytest.raises(LakeError, match="fill it with 'a4p migrate'"):
        open_replica("b")
    load_value(open_replica("a"), tmp_path, 6)
    with pytest.raises(LakeError, match="of another lake or of an embedded warehouse"):
        open_replica("b")


def test_rows_are_in_parquet_files_and_none_in_postgres(open_replica: OpenReplica, postgres: Postgres, bucket: Bucket) -> None:
    application = open_replica()
    database = application.settings.warehouse.get_secret_value().split("dbname=")[1].split()[0]
    assert any(name.startswith(f"lake/{database}/store/kpis/") for name in bucket.list_files())
    assert postgres.run_sql("select count(*) from ducklake_inlined_data_tables", database).strip() == "0"
