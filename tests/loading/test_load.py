"""Loading: observations and batches that a load records, and revisions by a later load."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from tests.conftest import STORED_AT, Clock, Dump, Load, Read, WriteCsv

CURRENT = "select mission, value, status from observations order by mission, period_end"
REVISIONS = "select value, status, batch_id from observation_revisions order by batch_id"


def test_a_file_is_read_back_as_it_was_written(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(
        write_csv(
            "values.csv",
            {"value": "40", "note": 'it says "40", no'},
            {
                "indicator": "tpp_trainees", "mission": "ALL", "dimensions": "training=Medical",
                "value": "", "status": "V", "page": "",
            },
        )
    )  # fmt: skip
    cycle_5 = (date(2023, 11, 1), date(2024, 4, 30))
    recorded = (1, STORED_AT + timedelta(minutes=1))
    assert read("select * from observations order by mission desc") == [
        ("sofa_incidents_new", "UNMISS", {}, *cycle_5, 40, "A", "A4P+ report, cycle 5", "15", 'it says "40", no', *recorded),
        ("tpp_trainees", "ALL", {"training": "Medical"}, *cycle_5, None, "V", "A4P+ report, cycle 5", None, None, *recorded),
    ]  # fmt: skip


def test_a_value_without_a_status_is_normal(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("values.csv", {"status": ""}))
    assert read(CURRENT) == [("UNMISS", 40.0, "A")]


def test_spaces_around_a_value_are_no_part_of_it(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("values.csv", {"mission": " UNMISS ", "period_end": " 2024-04-30 ", "value": " 40 ", "page": "  "}))
    assert read("select mission, period_end, value, page from observations") == [("UNMISS", date(2024, 4, 30), 40.0, None)]


def test_each_status_without_a_value_is_kept_as_such(load: Load, read: Read, write_csv: WriteCsv) -> None:
    missions = {"MINURSO": "O", "UNDOF": "M", "UNMISS": "V"}
    load(write_csv("values.csv", *({"mission": m, "value": "", "status": s} for m, s in missions.items())))
    assert read(CURRENT) == [("MINURSO", None, "O"), ("UNDOF", None, "M"), ("UNMISS", None, "V")]


def test_a_batch_says_who_loaded_what_and_when(load: Load, read: Read, write_csv: WriteCsv) -> None:
    file = write_csv("values.csv", {}, {"mission": "MONUSCO"})
    load(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert read("select * from batches") == [(1, str(file), digest, "the tests", STORED_AT + timedelta(minutes=1), 2, 2, 0, 0)]


def test_each_file_of_a_command_is_a_batch(load: Load, read: Read, write_csv: WriteCsv) -> None:
    files = [write_csv("b.csv", {}), write_csv("a.csv", {"mission": "MONUSCO"}, {"mission": "UNIFIL"})]
    assert [(batch.file_name, batch.batch_id, batch.new_observations) for batch in load(*files)] == [
        (str(files[0]), 1, 1),
        (str(files[1]), 2, 2),
    ]
    assert read("select mission, batch_id from observations order by all") == [("MONUSCO", 2), ("UNIFIL", 2), ("UNMISS", 1)]


def test_a_batch_counts_what_is_new_revised_and_unchanged(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("first.csv", {}, {"mission": "MONUSCO"}))
    (batch,) = load(write_csv("second.csv", {}, {"mission": "MONUSCO", "value": "28"}, {"mission": "UNIFIL"}))
    assert str(batch).endswith("second.csv: batch 2, 1 new observations, 1 revisions, 1 unchanged")
    assert read("select row_count, new_observations, revisions, unchanged from batches where batch_id = 2") == [(3, 1, 1, 1)]


def test_the_same_file_again_brings_nothing_new(warehouse: Warehouse, load: Load, write_csv: WriteCsv, dump: Dump) -> None:
    file = write_csv("values.csv", {}, {"mission": "MONUSCO"})
    load(file)
    before = dump(warehouse)
    (batch,) = load(file)
    assert str(batch) == f"{file}: no changes (the same file was loaded on 2025-01-01 00:01 UTC)"
    assert dump(warehouse) == before


def test_the_same_bytes_under_another_name_are_the_same_file(load: Load, write_csv: WriteCsv, tmp_path: Path) -> None:
    file = write_csv("values.csv", {})
    load(file)
    copy = shutil.copy(file, tmp_path / "copy.csv")
    assert str(load(copy)[0]) == f"{copy}: no changes (the same file was loaded on 2025-01-01 00:01 UTC)"


def test_the_same_file_after_a_correction_says_how_many_values_were_corrected_since(
    load: Load, read: Read, write_csv: WriteCsv
) -> None:
    file = write_csv("values.csv", {}, {"mission": "MONUSCO"}, {"mission": "UNIFIL"})
    load(file)
    load(write_csv("corrected.csv", {"value": "41"}, {"mission": "UNIFIL", "value": "42"}))
    load(write_csv("corrected again.csv", {"value": "43"}))
    (batch,) = load(file)
    assert batch.batch_id is None
    assert str(batch).endswith("loaded on 2025-01-01 00:01 UTC; 2 of its values were corrected since)")
    assert read(CURRENT) == [("MONUSCO", 40.0, "A"), ("UNIFIL", 42.0, "A"), ("UNMISS", 43.0, "A")]


def test_a_new_file_is_loaded_beside_one_that_was_loaded_before(load: Load, read: Read, write_csv: WriteCsv) -> None:
    old = write_csv("old.csv", {})
    load(old)
    batches = load(old, write_csv("new.csv", {"mission": "MONUSCO"}))
    assert [batch.batch_id for batch in batches] == [None, 2]
    assert read("select mission from observations order by all") == [("MONUSCO",), ("UNMISS",)]


def test_the_same_values_in_another_file_bring_nothing_new(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("values.csv", {}, {"mission": "MONUSCO"}))
    file = write_csv("other order.csv", {"mission": "MONUSCO"}, {})
    assert str(load(file)[0]) == f"{file}: no changes in 2 rows"
    assert read("select count(*) from observation_revisions") == [(2,)]


def test_a_corrected_value_keeps_the_one_it_corrects(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("values.csv", {"value": "40"}))
    load(write_csv("corrected.csv", {"value": "41"}))
    assert read(CURRENT) == [("UNMISS", 41.0, "A")]
    assert read(REVISIONS) == [(40.0, "A", 1), (41.0, "A", 2)]


@pytest.mark.parametrize(
    ("column", "text"),
    [("status", "P"), ("source", "Correction of 3 May"), ("page", "16"), ("page", ""), ("note", "as printed")],
)
def test_what_is_said_about_a_value_is_revised_as_the_value_is(
    load: Load, read: Read, write_csv: WriteCsv, column: str, text: str
) -> None:
    load(write_csv("values.csv", {}))
    (batch,) = load(write_csv("revised.csv", {column: text}))
    assert (batch.new_observations, batch.revisions) == (0, 1)
    first = {"status": "A", "source": "A4P+ report, cycle 5", "page": "15", "note": None}[column]
    assert read(f"select {column} from observation_revisions order by batch_id") == [(first,), (text or None,)]


def test_a_value_can_be_withdrawn(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("values.csv", {}))
    load(write_csv("withdrawn.csv", {"value": "", "status": "V"}))
    assert read(CURRENT) == [("UNMISS", None, "V")]
    assert read(REVISIONS) == [(40.0, "A", 1), (None, "V", 2)]


def test_a_user_may_put_an_earlier_value_back(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("values.csv", {}))
    load(write_csv("corrected.csv", {"value": "41"}))
    (batch,) = load(write_csv("put back.csv", {}, {"mission": "MONUSCO"}))
    assert (batch.new_observations, batch.revisions) == (1, 1)
    assert read(REVISIONS + ", value desc") == [(40.0, "A", 1), (41.0, "A", 2), (40.0, "A", 3), (40.0, "A", 3)]


def test_the_shipped_report_never_takes_back_a_correction(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("report.csv", {}), is_shipped=True)
    load(write_csv("corrected.csv", {"value": "41"}))
    (batch,) = load(write_csv("report of the next version.csv", {}, {"mission": "MONUSCO"}), is_shipped=True)
    assert (batch.new_observations, batch.revisions) == (1, 0)
    assert read(CURRENT) == [("MONUSCO", 40.0, "A"), ("UNMISS", 41.0, "A")]


def test_the_shipped_report_brings_the_corrections_of_its_next_version(load: Load, read: Read, write_csv: WriteCsv) -> None:
    load(write_csv("report.csv", {}), is_shipped=True)
    load(write_csv("report of the next version.csv", {"value": "44"}), is_shipped=True)
    assert read(REVISIONS) == [(40.0, "A", 1), (44.0, "A", 2)]


def test_the_report_that_ships_is_loaded_whole_and_only_once(definitions: Definitions, load: Load, read: Read) -> None:
    files = definitions.observation_files
    batches = load(*files, is_shipped=True)
    (held,) = read("select count(*) from observations")
    assert held == (sum(batch.row_count for batch in batches),)
    assert held == (sum(batch.new_observations for batch in batches),)
    assert [batch.batch_id for batch in load(*files, is_shipped=True)] == [None] * len(files)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_written_from_the_view_observations_brings_nothing_new(
    definitions: Definitions, warehouse: Warehouse, load: Load, dump: Dump, write_csv: WriteCsv, tmp_path: Path, kind: str
) -> None:
    load(*definitions.observation_files, is_shipped=True)
    load(write_csv("values.csv", {"mission": "MINUSMA", "note": 'two\nlines; "quoted", with a comma'}))
    file = tmp_path / f"observations.{kind}"
    with warehouse.cursor() as cursor:
        cursor.execute(f"copy (select * from observations) to '{file}'")
    before = dump(warehouse)["observations"]
    (batch,) = load(file)
    assert str(batch) == f"{file}: no changes in {len(before):,} rows"
    assert dump(warehouse)["observations"] == before


def test_a_later_batch_has_a_later_time_though_the_clock_goes_back(
    warehouse: Warehouse, read: Read, write_csv: WriteCsv
) -> None:
    for value, now in ((40, STORED_AT), (41, STORED_AT), (42, STORED_AT - timedelta(minutes=1))):
        load_files(
            warehouse,
            LoadRequest(files=(write_csv(f"{value}.csv", {"value": value}),), loaded_by="the tests"),
            clock=lambda now=now: now,
        )
    microsecond = timedelta(microseconds=1)
    assert read("select value, recorded_at from observation_revisions order by batch_id") == [
        (40.0, STORED_AT),
        (41.0, STORED_AT + microsecond),
        (42.0, STORED_AT + 2 * microsecond),
    ]


def test_the_time_of_a_batch_is_kept_in_utc(warehouse: Warehouse, read: Read, write_csv: WriteCsv) -> None:
    tokyo = datetime.fromisoformat("2025-06-01T08:30:00+09:00")
    load_files(warehouse, LoadRequest(files=(write_csv("values.csv", {}),), loaded_by="the tests"), clock=lambda: tokyo)
    assert read("select recorded_at::varchar from batches") == [("2025-05-31 23:30:00+00",)]
    assert read("select recorded_at from batches") == [(datetime(2025, 5, 31, 23, 30, tzinfo=UTC),)]


def test_progress_tells_each_stage_and_shares_between_0_and_1(warehouse: Warehouse, write_csv: WriteCsv, clock: Clock) -> None:
    reported: list[tuple[str, float | None]] = []
    load_files(
        warehouse,
        LoadRequest(files=(write_csv("values.csv", {}),), loaded_by="the tests"),
        lambda stage, share: reported.append((stage, share)),
        clock=clock,
    )
    assert list(dict.fromkeys(stage for stage, _ in reported)) == ["reading values.csv", "checking", "appending"]
    assert all(share is None or 0 <= share <= 1 for _, share in reported)


def test_no_files_are_no_batches(load: Load) -> None:
    assert load() == []
