"""Counts of events: zeros, statuses, ends of series, and revisions that say why."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from metrics.feeds import find_feed
from service.events.count import count_events
from service.loading.load import load_files
from service.loading.request import LoadRequest
from service.settings import find_in_tree
from service.warehouse.database import Warehouse, read_clock
from service.warehouse.definitions import Definitions
from service.warehouse.opening import open_warehouse
from service.warehouse.stored_definitions import store_catalogue, store_feeds
from tests.conftest import Load, Read
from tests.events.counting import FEED, Casualty, count_export, store_export

OLDER, NEWER = date(2023, 11, 28), date(2025, 4, 4)
UNMISS = Casualty("a", "UNMISS", "2023-02-01", "To be determined")
ONUC = Casualty("b", "ONUC", "1961-09-18", "Accident")
MALICIOUS = "mission = ? and indicator = 'fatalities' and dimensions['cause'] = 'Malicious act'"


@pytest.fixture(autouse=True)
def feeds(warehouse: Warehouse, definitions: Definitions) -> None:
    store_feeds(warehouse, definitions.feeds, read_clock())


def test_zero_is_counted_only_while_a_mission_existed(warehouse: Warehouse, read: Read) -> None:
    count_export(warehouse, NEWER, [UNMISS, ONUC])
    found = f"select year(period_start), value, status from observations where {MALICIOUS} order by all"
    assert read(found, "ONUC") == [*((year, 0, "A") for year in range(1960, 1965)), (1965, None, "M")]
    assert read(found, "UNMISS")[0] == (2011, 0, "A")
    assert read("select * from latest where mission = 'ONUC' and value is not null") == []


def test_an_interrupted_mission_has_no_counts_in_between(warehouse: Warehouse, read: Read) -> None:
    count_export(warehouse, NEWER, [UNMISS])
    found = read(f"select year(period_start), status from observations where {MALICIOUS} order by all", "UNEF")
    assert [year for year, status in found if status == "M"] == [1968, 1980]
    assert [year for year, _ in found] == [*range(1956, 1969), *range(1973, 1981)]


def test_a_death_after_a_mission_closed_is_counted_and_ends_again(warehouse: Warehouse, read: Read) -> None:
    count_export(warehouse, NEWER, [Casualty("c", "ONUC", "1970-01-02", "Malicious act")])
    found = read(f"select year(period_start), value, status from observations where {MALICIOUS} order by all", "ONUC")
    assert found[-3:] == [(1965, None, "M"), (1970, 1, "A"), (1971, None, "M")]


def test_a_count_is_provisional_while_its_period_is_open_or_a_cause_is_to_be_determined(
    warehouse: Warehouse, read: Read
) -> None:
    count_export(warehouse, NEWER, [UNMISS])
    found = dict(read(f"select year(period_start), status from observations where {MALICIOUS}", "UNMISS"))
    assert [year for year, status in found.items() if status == "P"] == [2023, 2025]
    assert read("select max(period_end) from observations where indicator = 'fatalities_by_cycle'") == [(date(2025, 4, 30),)]


def test_a_reclassified_event_revises_two_counts_and_says_why(warehouse: Warehouse, read: Read) -> None:
    first = count_export(warehouse, NEWER, [UNMISS, ONUC])
    report = count_export(warehouse, NEWER.replace(day=5), [replace(UNMISS, cause="Illness")])
    assert (report.new, first.revised) == (0, 0)
    notes = read(
        "select dimensions['cause'], value, note from observations where batch_id = ? and indicator = 'fatalities'",
        report.batch_id,
    )
    assert ("Illness", 1, "1 reclassified from To be determined to Illness") in notes
    assert ("To be determined", 0, "1 reclassified from To be determined to Illness") in notes
    assert ("Accident", 0, "complete: the exports cover events until 2025-04-05") in notes
    changed = read("select distinct indicator, period_start from observations where batch_id = ? order by all", report.batch_id)
    assert changed == [("fatalities", date(2023, 1, 1)), ("fatalities_by_cycle", date(2022, 11, 1))]


def test_an_event_that_moves_to_another_mission_is_explained_in_both(warehouse: Warehouse, read: Read) -> None:
    count_export(warehouse, NEWER, [replace(UNMISS, cause="Illness")])
    moved = count_export(warehouse, NEWER.replace(day=6), [replace(UNMISS, cause="Illness", mission="UNISFA")])
    notes = {note for (note,) in read("select note from observations where batch_id = ?", moved.batch_id)}
    assert "1 moved from UNMISS, 2023-01-01/2023-12-31 to UNISFA, 2023-01-01/2023-12-31" in notes


def test_a_withdrawn_event_is_no_longer_counted(warehouse: Warehouse, read: Read) -> None:
    count_export(warehouse, NEWER, [UNMISS])
    count_export(warehouse, NEWER.replace(day=5), [replace(UNMISS, is_withdrawn=True)])
    assert read("select sum(value) from observations where mission = 'UNMISS'") == [(0,)]


def test_the_same_export_changes_no_count(warehouse: Warehouse) -> None:
    count_export(warehouse, NEWER, [UNMISS, ONUC])
    report = count_export(warehouse, NEWER, [])
    assert (report.batch_id, report.new, report.revised) == (None, 0, 0)


def test_the_first_export_replaces_the_shipped_counts(warehouse: Warehouse, load: Load, read: Read) -> None:
    load(find_in_tree("metrics") / "observations" / "fatalities.csv", is_shipped=True)
    count_export(warehouse, OLDER, [UNMISS])
    found = f"select value, note from observations where {MALICIOUS} and year(period_start) = ?"
    assert read(found, "ONUC", 1961) == [(0, "replaces the count shipped with the catalogue")]
    assert read(found, "UNMISS", 2025) == [(None, "the exports cover events until 2023-11-28")]
    later = "select distinct status from observations where indicator = 'fatalities' and year(period_start) = 2025"
    assert read(later) == [("O",)]


def test_a_mission_that_closes_ends_its_counts(warehouse: Warehouse, definitions: Definitions, read: Read) -> None:
    count_export(warehouse, NEWER, [UNMISS])
    missions = tuple(
        entry.model_copy(update={"status": "closed", "closed_on": date(2023, 12, 31)}) if entry.mission == "UNMISS" else entry
        for entry in definitions.catalogue.missions
    )
    store_catalogue(warehouse, replace(definitions.catalogue, missions=missions), read_clock())
    with warehouse.write() as cursor:
        count_events(cursor, FEED, None, "a test", read_clock)
    found = read(f"select year(period_start), value, status from observations where {MALICIOUS} order by all", "UNMISS")
    assert found[-3:] == [(2023, 0, "P"), (2024, None, "M"), (2025, None, "M")]


REPORT = find_in_tree("metrics") / "observations" / "accountability_to_peacekeepers.csv"
REAL = Path(os.environ.get("A4P_TEST_DATA", "")) / "un-fatalities-2025-04-04.csv"


@pytest.fixture
def real_counts(tmp_path: Path, definitions: Definitions) -> Iterator[Warehouse]:
    """A warehouse with the counts of the published file of 2025."""
    feed = find_feed(definitions.feeds, FEED)
    assert feed is not None
    opened = open_warehouse(tmp_path / "real.duckdb", 1, "1GB")
    store_catalogue(opened, definitions.catalogue, read_clock())
    store_feeds(opened, definitions.feeds, read_clock())
    with REAL.open(encoding="utf-8", newline="") as stream:
        rows = {row["casualty_id"]: row for row in csv.DictReader(stream)}
    casualties = [
        Casualty(name, row["mission_acronym"], row["incident_date"], feed.kind.values[row["type_of_incident"]])
        for name, row in rows.items()
        if row["mission_acronym"] not in feed.mission.left_out
    ]
    load_files(opened, LoadRequest(files=(REPORT,), loaded_by="a test"), is_shipped=True)
    with opened.write() as cursor:
        batch = store_export(cursor, NEWER, casualties)
        count_events(cursor, FEED, batch, "a test", read_clock)
    yield opened
    opened.close()


@pytest.mark.skipif(not REAL.is_file(), reason="A4P_TEST_DATA does not name the folder of the published file")
def test_the_shipped_counts_are_those_of_the_published_file(real_counts: Warehouse) -> None:
    with (find_in_tree("metrics") / "observations" / "fatalities.csv").open(encoding="utf-8", newline="") as stream:
        shipped = {
            (
                row["indicator"],
                row["mission"],
                row["dimensions"],
                row["period_start"],
                row["period_end"],
                row["value"],
                row["status"],
            )
            for row in csv.DictReader(stream)
        }
    with real_counts.cursor() as cursor:
        counted = cursor.execute(
            "select indicator, mission, 'cause=' || dimensions['cause'], period_start::varchar, period_end::varchar, "
            "coalesce(value::integer::varchar, ''), status from observations "
            "where indicator in ('fatalities', 'fatalities_by_cycle')"
        ).fetchall()
        reconciled = dict(
            cursor.execute(
                "select check_name, computed from reconciliation where contains(check_name, '_events_') order by all"
            ).fetchall()
        )
        (events,) = cursor.execute("select count(*) from events").fetchone() or (0,)
    assert set(counted) == shipped
    # Every event is counted in one year.
    assert sum(int(row[5] or 0) for row in counted if row[0] == "fatalities") == events
    window = "events_2017_01_01_2024_09_03"
    assert reconciled == {
        f"fatalities_malicious_acts_{window}": 196,
        f"fatalities_by_cause_ratio_malicious_act_{window}": pytest.approx(196 / 766),
        f"fatalities_by_cause_ratio_illness_{window}": pytest.approx(426 / 766),
        f"fatalities_by_cause_ratio_other_{window}": pytest.approx(144 / 766),
    }
