"""Loading exports of feeds: what is stored, which revision is current, and what the report counts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from metrics.feeds import find_feed
from metrics.thresholds import Threshold
from service.alerting.thresholds import set_threshold
from service.errors import LoadError, PreviewOutdated
from service.events.export import Export
from service.events.load import load_events
from service.warehouse.backups.verify import verify_connection
from service.warehouse.database import Warehouse
from service.warehouse.definitions import Definitions
from service.warehouse.stored_definitions import store_kpis
from tests.conftest import STORED_AT, Clock, Read
from tests.events.conftest import LoadExport
from tests.events.exports import FATALITY, INCIDENT, name_event, write_export

UNDETERMINED = {"type_of_incident": "To Be Determined"}
LATER = {"last_update": "2025-04-04"}


def test_a_row_becomes_a_typed_event_with_the_columns_of_the_feed_only(load_rows: LoadExport, read: Read) -> None:
    report = load_rows({"casualty_personnel_type": "Local "}, {"casualty_id": name_event(2), "gender": "", **UNDETERMINED})
    assert (report.batch_id, report.new, report.row_count) == (1, 2, 2)
    assert read("select * exclude (recorded_at) from events order by event_id") == [
        (
            "un_fatalities", name_event(1), "Illness", date(2020, 3, 1), "UNMISS",
            {"country_code": "GHA", "gender": "male", "nationality": "Ghana", "personnel": "Local"}, "verified", 1,
        ),
        (
            "un_fatalities", name_event(2), "To be determined", date(2020, 3, 1), "UNMISS",
            {"country_code": "GHA", "nationality": "Ghana", "personnel": "Military"}, "pending", 1,
        ),
    ]  # fmt: skip
    assert report.notes == ("casualty_personnel_type: blanks around 1 text removed", "gender: 1 row without a value")
    assert read("select feed, row_count, new_events, notes from event_loads") == [("un_fatalities", 2, 2, list(report.notes))]


def test_nothing_of_a_column_that_the_feed_does_not_name_is_stored(
    load_export: LoadExport, warehouse: Warehouse, tmp_path: Path
) -> None:
    report = load_export(write_export(tmp_path / "incidents.csv", INCIDENT, {}), "sofa_incidents")
    assert report.new == 1
    with warehouse.cursor() as cursor:
        cursor.execute("force checkpoint")
    stored = warehouse.file.read_bytes()
    assert b"Movement restriction" in stored
    assert b"Name of a person" not in stored and b"A person" not in stored


def test_an_incident_has_its_state_and_dates_as_acled_writes_them(load_export: LoadExport, read: Read, tmp_path: Path) -> None:
    rows = [{}, {"event_id_cnty": "SSD2", "event_date": "2024-01-16", "verified": "verified", "timestamp": "2024-02-01 10:00"}]
    load_export(write_export(tmp_path / "incidents.csv", INCIDENT, *rows), "sofa_incidents")
    assert read("select event_id, kind, occurred_on, state, updated_at from event_revisions order by 1") == [
        ("SSD1", "Movement restriction", date(2024, 1, 15), "pending", datetime(2024, 1, 23, 8, 53, 20, tzinfo=UTC)),
        ("SSD2", "Movement restriction", date(2024, 1, 16), "verified", datetime(2024, 2, 1, 10, tzinfo=UTC)),
    ]


def test_a_reclassified_event_gets_a_revision_and_the_earlier_one_is_known_at_its_time(
    load_rows: LoadExport, read: Read
) -> None:
    load_rows(UNDETERMINED, {"casualty_id": name_event(2)})
    report = load_rows({**LATER}, {"casualty_id": name_event(2), **LATER}, {"casualty_id": name_event(3), **LATER})
    assert (report.new, report.changed, report.unchanged, report.confirmed) == (1, 1, 1, 1)
    assert [str(change) for change in report.changes] == [
        "kind: To be determined -> Illness: 1", "state: pending -> verified: 1",
    ]  # fmt: skip
    assert read("select event_id, kind, change from event_revisions order by event_id, batch_id") == [
        (name_event(1), "To be determined", "new"),
        (name_event(1), "Illness", "changed"),
        (name_event(2), "Illness", "new"),
        (name_event(3), "Illness", "new"),
    ]
    between = "(select recorded_at from batches where batch_id = 1)"
    assert read(f"select kind, count(*) from events_known_at({between}) group by kind order by kind") == [
        ("Illness", 1), ("To be determined", 1),
    ]  # fmt: skip
    assert read("select kind, count(*) from events group by kind") == [("Illness", 3)]


def test_an_older_export_that_is_loaded_later_does_not_change_current_events(load_rows: LoadExport, read: Read) -> None:
    load_rows(LATER)
    report = load_rows(UNDETERMINED, {"casualty_id": name_event(2)})
    assert (report.new, report.changed, report.older) == (1, 0, 1)
    assert read("select event_id, kind from events order by 1") == [(name_event(1), "Illness"), (name_event(2), "Illness")]
    assert read("select count(*) from event_revisions") == [(3,)]
    # The content of 2023 again, with a later time of update.
    assert load_rows({**UNDETERMINED, "last_update": "2025-05-01"}).changed == 1


def test_a_file_that_is_loaded_again_adds_nothing(load_rows: LoadExport, read: Read) -> None:
    rows = [UNDETERMINED, {"casualty_id": name_event(2)}]
    load_rows(*rows)
    before = read("from store.events") + read("from batches")
    again = load_rows(*rows)
    assert (again.batch_id, again.has_changes, again.unchanged) == (None, False, 2)
    assert "nothing new in 2 rows" in str(again) and "the same file was loaded on 2025-01-01" in again.notes[0]
    assert read("from store.events") + read("from batches") == before


def test_an_event_that_a_later_export_does_not_have_remains(load_rows: LoadExport, read: Read) -> None:
    load_rows({}, {"casualty_id": name_event(2)})
    assert load_rows(LATER).withdrawn == 0
    assert read("select count(*) from events") == [(2,)]


def test_a_feed_of_complete_exports_withdraws_missing_events_whatever_the_order(
    warehouse: Warehouse, definitions: Definitions, load_export: LoadExport, clock: Clock, read: Read, tmp_path: Path
) -> None:
    feed = find_feed(definitions.feeds, "un_fatalities")
    assert feed is not None
    withdrawing = (feed.model_copy(update={"withdraws_missing": True}),)

    def load(name: str, *rows: dict[str, str]) -> int:
        file = write_export(tmp_path / name, FATALITY, *rows)
        return load_events(warehouse, withdrawing, Export(file, name, "un_fatalities"), "the tests", clock=clock).withdrawn

    assert load("newer.csv", {**LATER}) == 0
    # Event 2 is in an older export only.
    assert load("older.csv", {}, {"casualty_id": name_event(2)}) == 1
    assert load("older.csv", {}, {"casualty_id": name_event(2)}) == 0
    assert read("select event_id from events") == [(name_event(1),)]
    assert read("select event_id, state, updated_at from event_revisions where change = 'withdrawn'") == [
        (name_event(2), "withdrawn", datetime(2025, 4, 4, tzinfo=UTC))
    ]
    # It comes back.
    assert load("newest.csv", *({"casualty_id": name_event(n), "last_update": "2026-01-01"} for n in (1, 2))) == 0
    assert read("select count(*) from events") == [(2,)]
    with pytest.raises(LoadError, match="2 values of last_update"):
        load("mixed.csv", {}, {"casualty_id": name_event(3), **LATER})


def test_duplicates_are_reported_and_one_of_them_is_stored(load_rows: LoadExport, read: Read) -> None:
    report = load_rows(
        {"casualty_nationality": "Montenegro"}, {"casualty_nationality": "Serbia"}, {"casualty_id": name_event(2)}
    )
    assert (report.new, report.duplicates) == (2, 1)
    assert [str(fault) for fault in report.faults] == [
        "duplicate: row 2, column casualty_id: has other content than row 3, which is used"
    ]
    assert read("select attributes['nationality'] from events order by event_id") == [("Serbia",), ("Ghana",)]
    assert read("select file_row, fault, event_id from event_faults") == [(2, "duplicate", name_event(1))]


def test_other_content_with_the_same_time_of_update_is_a_conflict_with_the_same_winner_in_any_order(
    load_rows: LoadExport, read: Read
) -> None:
    load_rows({"gender": "F"}, {"casualty_id": name_event(2)})
    report = load_rows({}, {"casualty_id": name_event(2), "gender": "F"})
    assert (report.conflicts, report.changed, report.new) == (2, 0, 0)
    assert [fault.problem.partition("; ")[2] for fault in report.faults] == ["this row is used", "the recorded content is used"]
    assert read("select attributes['gender'] from events order by event_id") == [("male",), ("male",)]
    assert not load_rows({}, {"casualty_id": name_event(2), "gender": "F"}).has_changes


def test_a_changed_definition_of_the_feed_wins_when_the_export_is_loaded_again(
    warehouse: Warehouse, definitions: Definitions, load_rows: LoadExport, clock: Clock, read: Read, tmp_path: Path
) -> None:
    from service.warehouse.stored_definitions import store_feeds

    load_rows({})
    feed = find_feed(definitions.feeds, "un_fatalities")
    assert feed is not None
    fewer = feed.model_copy(update={"attributes": {"gender": feed.attributes["gender"]}})
    store_feeds(warehouse, (fewer,), clock())
    load_events(warehouse, (fewer,), Export(tmp_path / "export.csv", "again.csv", "un_fatalities"), "the tests", clock=clock)
    assert read("select attributes from events") == [({"gender": "male"},)]


def test_rows_of_political_missions_are_left_out_and_counted(load_rows: LoadExport, read: Read) -> None:
    report = load_rows({}, {"casualty_id": "x", "mission_acronym": "UNAMA"}, {"casualty_id": "y", "type_of_casualty": "Injury"})
    assert (report.new, report.left_out_count) == (1, 2)
    assert sorted(map(str, report.left_out)) == [
        "left out, no fatality: 1 (UNMISS 1)", "left out, political mission: 1 (UNAMA 1)",
    ]  # fmt: skip
    assert read("select left_out_rows from event_loads") == [(2,)]


UNREADABLE = [
    ({"mission_acronym": "UNMIS5"}, "mission_acronym", "'UNMIS5' is not a known mission; did you mean UNMIS"),
    ({"mission_acronym": ""}, "mission_acronym", "(empty) is missing; fill it in"),
    ({"incident_date": "2020-13-01"}, "incident_date", "'2020-13-01' is not a date from 1900 to 2999; write it as YYYY-MM-DD"),
    ({"incident_date": "1820-01-01"}, "incident_date", "is not a date from 1900 to 2999"),
    ({"incident_date": "2024-01-01"}, "incident_date", "is after the last update, 2023-11-28"),
    ({"type_of_incident": "Covid"}, "type_of_incident", "'Covid' is not a known value; correct it, or add it to 'values' in "),
    ({"gender": "X"}, "gender", "'X' is not a known value"),
    ({"last_update": "soon"}, "last_update", "'soon' is not a time from 1900 to 2999"),
    ({"casualty_id": " "}, "casualty_id", "(empty) is missing"),
    ({"casualty_nationality": "a\x07"}, "casualty_id", "a text of the row has a control character"),
    ({"casualty_nationality": "a" * 3000}, "casualty_id", "the texts of the row are too long"),
]


@pytest.mark.parametrize(
    ("row", "column", "problem"), UNREADABLE, ids=[f"{column} {n}" for n, (_, column, _) in enumerate(UNREADABLE)]
)
def test_a_row_that_cannot_be_read_is_an_error_with_row_column_and_fix(
    load_rows: LoadExport, read: Read, row: dict[str, str], column: str, problem: str
) -> None:
    with pytest.raises(LoadError) as caught:
        load_rows({}, {"casualty_id": name_event(2), **row})
    assert f"export.csv, row 3, column {column}: " in str(caught.value) and problem in str(caught.value)
    assert "--skip-unreadable" in str(caught.value)
    assert read("select count(*) from store.batches") == [(0,)]
    preview = load_rows({}, {"casualty_id": name_event(2), **row}, is_preview=True)
    assert (preview.new, preview.unreadable_count) == (1, 1) and problem in str(preview.unreadable[0])
    loaded = load_rows({}, {"casualty_id": name_event(2), **row}, skips_unreadable=True)
    assert (loaded.new, loaded.unreadable_count) == (1, 1)
    assert read("select file_row, fault, column_name from event_faults") == [(3, "unreadable", column)]


def test_texts_that_repeat_are_one_error_with_the_number_of_rows(load_rows: LoadExport) -> None:
    with pytest.raises(LoadError, match=r"2 rows cannot.*\n.*row 2, .*'X' is not a known mission \(2 rows, this") as caught:
        load_rows(*({"casualty_id": name_event(n), "mission_acronym": "X"} for n in (1, 2)))
    assert len(caught.value.rows) == 1


def test_a_file_without_a_column_of_the_feed_is_an_error(load_export: LoadExport, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("casualty_id,incident_dat\n1,2\n")
    with pytest.raises(
        LoadError, match=r"row 1: the column 'incident_date' is missing \(is it 'incident_dat'\?\); .*un_fatalities.yaml"
    ):
        load_export(file)
    with pytest.raises(LoadError, match=r"unknown feed 'un_fatality'. Did you mean un_fatalities\?"):
        load_export(file, "un_fatality")
    file.write_text(",".join(FATALITY) + "\n")
    with pytest.raises(LoadError, match="has a header and no rows"):
        load_export(file)
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(LoadError, match="is not a CSV file; export it as CSV"):
        load_export(file)


def test_encoding_separator_quotes_tags_and_further_columns_are_read(
    load_export: LoadExport, read: Read, tmp_path: Path
) -> None:
    standard = {"extra": "", **FATALITY, "comment": "one, two\nthree"}
    tags = {name: f"#{name.replace('_', '+')}" for name in standard}
    rows = [tags, {"casualty_nationality": "Türkiye"}, {"casualty_id": name_event(2), "incident_date": "not a date"}]
    file = write_export(tmp_path / "export.csv", standard, *rows, encoding="cp1252", delimiter=";")
    with pytest.raises(LoadError) as caught:
        load_export(file)
    # Row numbers are those of a spreadsheet.
    assert [error.row for error in caught.value.rows] == [4]
    report = load_export(file, skips_unreadable=True)
    assert report.notes == (
        "read as Windows-1252", "the row of HXL tags was skipped", "columns not in the feed, not stored: extra, comment",
    )  # fmt: skip
    assert read("select attributes['nationality'] from events") == [("Türkiye",)]


def test_dates_with_the_day_first_are_read_and_ambiguous_ones_refused(load_rows: LoadExport, read: Read) -> None:
    report = load_rows({"incident_date": "13/02/2020"}, {"casualty_id": name_event(2), "incident_date": "01/02/2020"})
    assert report.notes == ("dates read as dd/mm/yyyy",)
    assert read("select occurred_on from events order by event_id") == [(date(2020, 2, 13),), (date(2020, 2, 1),)]
    with pytest.raises(LoadError, match="column incident_date: '01/02/2020' may have the day or the month first"):
        load_rows({"incident_date": "01/02/2020"})


def test_a_preview_changes_nothing(load_rows: LoadExport, read: Read) -> None:
    preview = load_rows({}, is_preview=True)
    assert (preview.is_preview, preview.batch_id, preview.new) == (True, None, 1)
    assert "would load 1 new events" in str(preview)
    assert read("select (select count(*) from store.events) + (select count(*) from store.batches)") == [(0,)]
    loaded = load_rows({})
    found = dataclasses.replace(preview, breaches=None, digest=None)
    assert dataclasses.replace(loaded, batch_id=None, is_preview=True) == found


def test_a_preview_lists_the_breaches_that_would_start_and_clear(
    warehouse: Warehouse, definitions: Definitions, load_rows: LoadExport, clock: Clock
) -> None:
    day = str(clock.now.date() - timedelta(days=10))
    rows = [{"casualty_id": name_event(number), "incident_date": day} for number in (1, 2, 3)]
    threshold = Threshold("a4p_fatalities_malicious_acts_30d", "*", {}, "above", "critical", 2, "Review protection")
    store_kpis(warehouse, definitions.kpis, STORED_AT)
    set_threshold(warehouse, definitions, threshold, "the tests", clock)
    attack = {"type_of_incident": "Malicious Act", "last_update": "2025-01-01"}
    preview = load_rows(*({**row, **attack} for row in rows), is_preview=True)
    assert preview.breaches is not None
    assert list(map(str, preview.breaches.started)) == ["a4p_fatalities_malicious_acts_30d UNMISS: 3 is above 2 (critical)"]
    assert "breaches that would start: 1" in preview.lines
    load_rows(*({**row, **attack} for row in rows))
    after = load_rows({**rows[0], "type_of_incident": "Accident", "last_update": "2025-01-02"}, is_preview=True)
    assert after.breaches is not None
    assert (after.breaches.started, [breach.mission for breach in after.breaches.cleared]) == ((), ["UNMISS"])


def test_a_load_with_the_digest_of_a_preview_loads_exactly_that(load_rows: LoadExport, load_export: LoadExport) -> None:
    preview = load_rows({}, is_preview=True)
    load_rows({"casualty_id": name_event(2)})
    with pytest.raises(PreviewOutdated, match=r"the recorded events differ from the preview .* Preview the file again"):
        load_rows({}, digest=preview.digest)
    again = load_rows({}, is_preview=True)
    assert again.digest != preview.digest
    with pytest.raises(PreviewOutdated):
        load_rows({"gender": "F"}, digest=again.digest)
    assert load_rows({}, digest=again.digest).new == 1


def test_more_rows_than_the_limit_are_refused(
    warehouse: Warehouse, definitions: Definitions, load_export: LoadExport, tmp_path: Path
) -> None:
    file = write_export(tmp_path / "export.csv", FATALITY, *({"casualty_id": name_event(n)} for n in range(4)))
    with pytest.raises(LoadError, match="the limit of a load is 3 rows"):
        load_events(warehouse, definitions.feeds, Export(file, file.name, "un_fatalities"), "the tests", max_rows=3)


def test_verification_finds_a_changed_event(load_rows: LoadExport, warehouse: Warehouse) -> None:
    load_rows({}, {"casualty_id": name_event(2)})
    with warehouse.cursor() as cursor:
        assert verify_connection(cursor).faults == ()
        cursor.execute("update store.events set kind = 'Accident' where event_id = ?", [name_event(2)])
        assert verify_connection(cursor).faults == (
            "batch 1: the events differ from the digest recorded when they were loaded",
        )
