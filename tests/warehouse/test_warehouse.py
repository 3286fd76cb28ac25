"""The warehouse file: what opening it does and refuses, what it holds, and its one write at a time."""

from __future__ import annotations

import dataclasses
import signal
import struct
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from service.errors import WarehouseError, WarehouseLocked
from service.settings import find_in_tree
from service.warehouse.database import Warehouse, open_copy, open_warehouse, read_sql, run_sql
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_catalogue
from tests.conftest import STORED_AT, Load, NewWarehouse, Read, WriteCsv

OBSERVATION = (
    "indicator mission dimensions period_start period_end value status source page note batch_id recorded_at"
)  # fmt: skip
VIEWS = {
    "indicators": "indicator title description priority unit better source metric expected_missions",
    "missions": "mission name location has_political_mandate host_agreement status opened_on closed_on",
    "observations": OBSERVATION,
    "observation_revisions": OBSERVATION,
    "latest": OBSERVATION,
    "kpis": "kpi title description unit better priority metric maximum",
    "kpi_changes": "kpi mission dimensions as_of value previous_as_of previous_value change missions missions_used "
    "missions_expected",
    "kpi_values": "kpi mission dimensions as_of value computed_at missions missions_used missions_expected",
    "kpi_latest": "kpi mission dimensions as_of value computed_at missions missions_used missions_expected",
    "reconciliation": "check_name expected computed difference agrees note",
    "completeness": "period indicator missions_expected missions_reported",
    "thresholds": "metric mission dimensions comparison severity limit_value note set_by recorded_at excluded_missions",
    "threshold_history": ("metric mission dimensions comparison severity limit_value replaced_limit note set_by recorded_at"),
    "threshold_breaches": (
        "metric mission dimensions comparison severity limit_value value excess period_start period_end status source page "
        "batch_id unreported_period_end threshold_mission threshold_dimensions note set_by set_at"
    ),
    "alerts": (
        "fingerprint status alert metric mission severity value limit_value labels annotations starts_at ends_at recorded_at"
    ),
    "firing_alerts": (
        "fingerprint alert metric mission severity value limit_value labels annotations starts_at acknowledged_by "
        "acknowledgement acknowledged_at value_now limit_now period_end_now"
    ),
    "alert_values": "metric mission dimensions value period_end unreported_period_end limits",
    "job_runs": "run_id job due started ended status row_count error",
    "batches": "batch_id file_name sha256 loaded_by recorded_at row_count new_observations revisions unchanged",
    "priorities": "priority title number cross_cutting",
    "cycles": "cycle period_start period_end due_on",
    "expected_reports": "indicator mission cycle period_start period_end due_on",
    "report_states": "indicator mission cycle period_start period_end due_on state is_reported is_overdue",
    "overdue_reports": "indicator mission cycle period_start period_end due_on state",
    "changes": (
        "indicator mission dimensions period_start period_end value previous_period_end previous_value change "
        "missions_used missions_expected"
    ),
    "snapshot_info": "snapshot_id as_of made_at batch_id series_count",
}
TYPES = {
    "dimensions": "MAP(VARCHAR, VARCHAR)",
    "period_start": "DATE",
    "period_end": "DATE",
    "as_of": "DATE",
    "value": "DOUBLE",
    "recorded_at": "TIMESTAMP WITH TIME ZONE",
    "computed_at": "TIMESTAMP WITH TIME ZONE",
}


def reopen(file: Path) -> Warehouse:
    return open_warehouse(file, threads=1, memory_limit="1GB")


def refusal_of(file: Path) -> str:
    """Return what is told when a file cannot be opened; it must be one sentence, and the file untouched."""
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(WarehouseError) as caught:
        reopen(file)
    assert before is None or file.read_bytes() == before
    assert caught.value.can_retry is False
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_migration_is_applied_once(tmp_path: Path) -> None:
    numbers = sorted(int(file.stem.split("_")[0]) for file in (find_in_tree("sql") / "migrations").glob("*.sql"))
    for _ in range(2):
        warehouse = reopen(tmp_path / "warehouse.duckdb")
        with warehouse.cursor() as cursor:
            applied = cursor.execute("select version from store.migrations order by all").fetchall()
        warehouse.close()
        assert applied == [(number,) for number in numbers]


def test_a_directory_that_is_not_there_is_made(tmp_path: Path) -> None:
    reopen(tmp_path / "new" / "data" / "warehouse.duckdb").close()
    assert (tmp_path / "new" / "data" / "warehouse.duckdb").is_file()


def test_figures_are_there_when_the_warehouse_is_opened_again(
    new_warehouse: NewWarehouse, warehouse: Warehouse, load: Load, write_csv: WriteCsv
) -> None:
    load(write_csv("figures.csv", {}))
    warehouse.close()
    with new_warehouse(warehouse.file.parent) as again, again.cursor() as cursor:
        assert cursor.execute("select mission, value from observations").fetchall() == [("UNMISS", 40.0)]


def test_a_load_that_was_reported_outlives_a_kill(new_warehouse: NewWarehouse, write_csv: WriteCsv, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with new_warehouse(directory):
        pass
    program = """
import os, pathlib, signal, sys
from service.loading.load import load_files
from service.warehouse.database import open_warehouse
warehouse = open_warehouse(pathlib.Path(sys.argv[1]), threads=1, memory_limit="1GB")
load_files(warehouse, [pathlib.Path(sys.argv[2])], "the killed")
os.kill(os.getpid(), signal.SIGKILL)
"""
    arguments = [sys.executable, "-c", program, str(directory / "warehouse.duckdb"), str(write_csv("figures.csv", {}))]
    assert subprocess.run(arguments, cwd=find_in_tree("."), check=False).returncode == -signal.SIGKILL
    with new_warehouse(directory) as again, again.cursor() as cursor:
        assert cursor.execute("select mission, value from observations").fetchall() == [("UNMISS", 40.0)]


def test_a_warehouse_of_a_newer_service_is_refused(warehouse: Warehouse) -> None:
    with warehouse.write() as cursor:
        cursor.execute("insert into store.migrations values (9999, 'of_the_future', now())")
    (known,) = warehouse.cursor().execute("select max(version) from store.migrations where version < 9999").fetchone() or ()
    warehouse.close()
    assert refusal_of(warehouse.file) == (
        f"{warehouse.file} was made by a newer version of this service (its tables are version 9999, this one knows {known}); "
        "upgrade the service, or name another data directory"
    )


@pytest.mark.parametrize("content", ["create table figures as select 1 as a", "create view figures as select 1 as a"])
def test_the_database_of_another_program_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.duckdb"
    with duckdb.connect(str(file)) as other:
        other.execute(content)
    assert refusal_of(file) == f"{file} is a DuckDB database but not an A4P+ warehouse; set A4P_DATA_DIR to another directory"


@pytest.mark.parametrize("content", [b"", b"figures", b"\xff" * 20_000, b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(content)
    told = refusal_of(file)
    assert told.startswith(f"{file} cannot be opened (")
    assert told.endswith("); restore a backup with 'a4p restore'")


def test_a_warehouse_without_its_catalogue_of_tables_is_refused(warehouse: Warehouse) -> None:
    # DuckDB reads blocks of figures when they are asked for: a file cut off among those opens.
    warehouse.close()
    warehouse.file.write_bytes(warehouse.file.read_bytes()[:100_000])
    assert refusal_of(warehouse.file).endswith("); restore a backup with 'a4p restore'")


def test_a_file_of_a_newer_duckdb_is_refused(warehouse: Warehouse) -> None:
    warehouse.close()
    content = bytearray(warehouse.file.read_bytes())
    # The first block: its checksum, DUCK, the storage version.
    struct.pack_into("<Q", content, 12, 99_999)
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", content[8:4096]):
        checksum ^= word * 0xBF58476D1CE4E5B9 % (1 << 64)
    struct.pack_into("<Q", content, 0, checksum)
    warehouse.file.write_bytes(content)
    assert refusal_of(warehouse.file) == (
        f"{warehouse.file} was written by a newer version of DuckDB; upgrade this service to open it"
    )


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").mkdir()
    assert refusal_of(tmp_path / "warehouse.duckdb").startswith(f"{tmp_path / 'warehouse.duckdb'} cannot be opened (")


@pytest.mark.parametrize(("below", "reason"), [("data", "File exists"), ("data/deeper", "Not a directory")])
def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path: Path, below: str, reason: str) -> None:
    # Root may write whatever the mode says; below a file nobody can.
    (tmp_path / "data").write_text("a file")
    assert refusal_of(tmp_path / below / "warehouse.duckdb") == (
        f"the data directory {tmp_path / below} cannot be written ({reason}); "
        "correct its permissions, or set A4P_DATA_DIR to another directory"
    )


def test_a_warehouse_that_another_process_holds_is_locked_until_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    reopen(file).close()
    program = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseLocked) as caught:
            reopen(file)
        holder.communicate(timeout=20)
    assert str(caught.value) == (f"{file} is in use by process {holder.pid}; stop it, or set A4P_DATA_DIR to another directory")
    assert caught.value.can_retry
    reopen(file).close()


def test_a_copy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"no\.duckdb does not exist; start the service once, or name another"):
        open_copy(tmp_path / "no.duckdb")


def test_a_copy_takes_no_writes(warehouse: Warehouse) -> None:
    warehouse.close()
    with open_copy(warehouse.file) as copy, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        copy.execute("create table figures (a integer)")


def test_the_file_has_the_storage_format_that_both_versions_of_duckdb_read(warehouse: Warehouse) -> None:
    warehouse.close()
    with duckdb.connect(str(warehouse.file), read_only=True) as connection:
        tags = connection.execute("select tags from duckdb_databases() where path = ?", [str(warehouse.file)]).fetchone()
    assert tags == ({"storage_version": "v1.5.0+"},)


def test_no_table_has_a_key_an_index_or_a_sequence(read: Read) -> None:
    assert read("select table_name, constraint_type from duckdb_constraints() where constraint_type <> 'NOT NULL'") == []
    assert read("select index_name from duckdb_indexes()") == []
    assert read("select sequence_name from duckdb_sequences()") == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_exactly_its_columns_each_with_a_comment(read: Read, view: str) -> None:
    columns = read(
        "select column_name, data_type, comment from duckdb_columns() "
        "where table_name = ? and schema_name = 'main' order by column_index",
        view,
    )
    assert " ".join(name for name, _, _ in columns) == VIEWS[view]
    assert {name: kind for name, kind, _ in columns if name in TYPES} == {
        name: kind for name, kind in TYPES.items() if name in VIEWS[view].split()
    }
    assert [name for name, _, comment in columns if not comment] == []


def test_every_view_and_column_says_what_it_is(read: Read) -> None:
    assert read("select view_name from duckdb_views() where not internal and comment is null") == []
    assert read(
        "select table_name, column_name from duckdb_columns() where not internal and schema_name = 'main' and comment is null"
    ) == []  # fmt: skip


def test_columns_of_one_name_have_one_comment_unless_the_view_has_its_own(read: Read) -> None:
    text = read_sql("schema/list_column_comments")
    listed = text[text.index("with sentences") : text.index("select format(")]
    sentences = {
        (view, column): sentence
        for view, column, sentence in read(f"{listed} select view_name, column_name, sentence from sentences")
    }
    comments = {
        (view, column): comment
        for view, column, comment in read(
            "select table_name, column_name, c.comment from duckdb_columns() as c join duckdb_views() as v "
            "on c.schema_oid = v.schema_oid and c.table_oid = v.view_oid where not v.internal and v.schema_name = 'main'"
        )
    }
    assert comments == {
        (view, column): sentences.get((view, column), sentences.get((None, column))) for view, column in comments
    }
    own = {key for key in sentences if key[0] is not None}
    assert own <= set(comments)
    assert {column for _, column in sentences} == {column for _, column in comments}
    assert [key for key in own if sentences[key] == sentences[(None, key[1])]] == []


def test_column_comments_are_written_in_one_file() -> None:
    sql = find_in_tree("sql")
    assert [str(file.relative_to(sql)) for file in sql.rglob("*.sql") if "comment on column" in file.read_text()] == [
        "schema/list_column_comments.sql"
    ]


def test_observations_known_at_has_the_columns_of_observations(read: Read) -> None:
    described = read("describe select * from observations_known_at(now())")
    assert " ".join(row[0] for row in described) == OBSERVATION


def test_times_are_in_utc_wherever_the_service_runs(warehouse: Warehouse) -> None:
    with warehouse.cursor() as cursor:
        assert cursor.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
        assert cursor.execute("select timestamptz '2025-01-01 00:00:00'::varchar").fetchone() == ("2025-01-01 00:00:00+00",)


def test_the_same_catalogue_is_stored_once(warehouse: Warehouse, definitions: Definitions, read: Read) -> None:
    store_catalogue(warehouse, definitions.catalogue, STORED_AT + timedelta(days=1))
    assert read("select catalogue_version, digest, recorded_at from store.catalogues") == [
        (1, definitions.catalogue.digest(), STORED_AT)
    ]


def test_the_catalogue_is_stored_whole(definitions: Definitions, read: Read) -> None:
    catalogue = definitions.catalogue
    assert read("select priority, title, number, cross_cutting from priorities") == [
        (entry.priority, entry.title, entry.number, entry.cross_cutting) for entry in catalogue.priorities
    ]
    assert read("from missions") == [
        (
            entry.mission, entry.name, entry.location, entry.has_political_mandate, entry.host_agreement, entry.status,
            entry.opened_on, entry.closed_on,
        )
        for entry in catalogue.missions
    ]  # fmt: skip
    rule = catalogue.cycles.rule
    assert read("select cycle, period_start, months, due_days from store.cycle_rules") == [
        (rule.cycle, rule.period_start, rule.months, catalogue.cycles.due_days)
    ]
    assert read("from store.cycles") == []
    assert read(
        "select priority, indicator, title, description, unit, better, frequency, source, metric, expected_missions, "
        "dimensions, minimum, maximum, whole from store.indicators order by ordinal"
    ) == [
        (
            priority, entry.indicator, entry.title, entry.description, entry.unit, entry.better, entry.frequency,
            entry.source, entry.metric, list(entry.expected_missions),
            {name: list(values) for name, values in entry.dimensions.items()}, entry.minimum, entry.maximum, entry.whole,
        )
        for priority, entry in catalogue.indicators
    ]  # fmt: skip


def test_a_changed_catalogue_is_a_second_version_and_the_one_that_holds(
    warehouse: Warehouse, definitions: Definitions, read: Read
) -> None:
    shipped = definitions.catalogue
    changed = dataclasses.replace(shipped, missions=shipped.missions[:3], indicators=shipped.indicators[1:])
    store_catalogue(warehouse, changed, STORED_AT + timedelta(days=1))
    assert read("select catalogue_version, digest from store.catalogues order by all") == [
        (1, shipped.digest()),
        (2, changed.digest()),
    ]
    assert read("select mission from missions") == [(entry.mission,) for entry in shipped.missions[:3]]
    assert read("select indicator from indicators") == [(entry.indicator,) for _, entry in shipped.indicators[1:]]
    assert read("select count(*) from store.missions where catalogue_version = 1") == [(len(shipped.missions),)]


def test_a_catalogue_that_comes_back_is_a_third_version(warehouse: Warehouse, definitions: Definitions, read: Read) -> None:
    shipped = definitions.catalogue
    store_catalogue(warehouse, dataclasses.replace(shipped, missions=shipped.missions[:3]), STORED_AT)
    store_catalogue(warehouse, shipped, STORED_AT)
    assert read("select max(catalogue_version) from store.catalogues") == [(3,)]
    assert read("select count(*) from missions") == [(len(shipped.missions),)]


def add_cycle(cursor: duckdb.DuckDBPyConnection, cycle: int) -> None:
    cursor.execute("insert into store.cycles values (1, ?, ?, '2030-05-01', '2030-10-31', null)", [cycle, cycle])


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_write_that_fails_is_rolled_back_whole(warehouse: Warehouse, read: Read, failure: type[BaseException]) -> None:
    before = read("from store.cycles")
    with pytest.raises(failure), warehouse.write() as cursor:
        add_cycle(cursor, 90)
        cursor.execute("create table store.figures (a integer)")
        raise failure
    assert read("from store.cycles") == before
    assert read("select table_name from duckdb_tables() where table_name = 'figures'") == []


def test_a_write_whose_statement_fails_is_rolled_back_whole(warehouse: Warehouse, read: Read) -> None:
    before = read("from store.cycles")
    with pytest.raises(duckdb.ConstraintException), warehouse.write() as cursor:
        add_cycle(cursor, 90)
        cursor.execute("insert into store.cycles values (1, 91, null, null, null, null)")
    assert read("from store.cycles") == before


def test_a_write_after_one_that_failed_is_kept(warehouse: Warehouse, read: Read) -> None:
    with warehouse.cursor() as session:
        with pytest.raises(ValueError, match="stop"), warehouse.write(session) as cursor:
            add_cycle(cursor, 90)
            raise ValueError("stop")
        with warehouse.write(session) as cursor:
            add_cycle(cursor, 91)
    assert read("select cycle from store.cycles where cycle >= 90") == [(91,)]


def test_a_commit_that_fails_tells_its_own_error(warehouse: Warehouse, read: Read) -> None:
    before = read("from store.cycles")
    with (
        pytest.raises(duckdb.TransactionException, match="Failed to commit"),
        warehouse.write() as cursor,
        warehouse.cursor() as other,
    ):
        add_cycle(cursor, 90)
        other.execute("alter table store.cycles add column note varchar")
    assert read("select * exclude (note) from store.cycles") == before


def test_a_reader_sees_a_write_once_it_is_committed(warehouse: Warehouse, read: Read) -> None:
    with warehouse.write() as cursor:
        add_cycle(cursor, 90)
        assert read("select cycle from store.cycles where cycle = 90") == []
    assert read("select cycle from store.cycles where cycle = 90") == [(90,)]


def test_a_writer_waits_for_the_one_before(warehouse: Warehouse, read: Read) -> None:
    entered = threading.Event()

    def write_second() -> None:
        with warehouse.write() as cursor:
            entered.set()
            (newest,) = cursor.execute("select max(cycle) from store.cycles").fetchone() or (0,)
            add_cycle(cursor, newest + 1)

    second = threading.Thread(target=write_second)
    with warehouse.write() as cursor:
        second.start()
        assert not entered.wait(0.2)
        add_cycle(cursor, 90)
    second.join()
    assert read("select cycle from store.cycles where cycle >= 90 order by all") == [(90,), (91,)]


def test_a_session_keeps_its_variables_to_itself(warehouse: Warehouse) -> None:
    with warehouse.cursor() as one, warehouse.cursor() as other:
        one.execute("set variable as_of = date '2020-01-01'")
        assert other.execute("select getvariable('as_of')").fetchone() == (None,)


def test_a_checkpoint_moves_the_log_into_the_file(warehouse: Warehouse, load: Load, write_csv: WriteCsv) -> None:
    load(write_csv("figures.csv", {}))
    log = warehouse.file.with_name("warehouse.duckdb.wal")
    assert log.stat().st_size > 0
    warehouse.checkpoint()
    assert not log.exists() or log.stat().st_size == 0


def test_a_file_of_sql_binds_to_each_statement_the_parameters_it_names(warehouse: Warehouse) -> None:
    with warehouse.cursor() as cursor:
        run_sql(cursor, "load/prepare_staging")
        row = run_sql(cursor, "load/count_marks", file_ordinal=0, delimiter=",", column_count=10, unused=1).fetchone()
    assert row == (0, 0)
