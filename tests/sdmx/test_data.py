"""Observations as SDMX-CSV and SDMX-JSON, read by other programs."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta

from service.sdmx.data import write_csv
from service.sdmx.query import DataQuery
from service.sdmx.structure import Structure
from service.warehouse.database import Connection
from tests.conftest import STORED_AT, Load, WriteCsv
from tests.sdmx.conftest import Write

KINDS = ["csv", "json", "flat json"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_observation_of_the_report_is_written(copy: Connection, select: Write, kind: str) -> None:
    rows = select(kind=kind)
    observed = copy.execute(
        """
        select
            indicator, mission, coalesce(replace(dimensions['area'], ' ', '_'), '_Z'), period_start, period_end, value, status,
            source, coalesce(page, ''), coalesce(note, '')
        from observations
        """
    ).fetchall()
    names = ("OBS_STATUS", "SOURCE_DETAIL", "SOURCE_PAGE", "COMMENT_OBS")
    written = [
        (
            row["INDICATOR"], row["MISSION"], row["AREA"], *read_period(row["TIME_PERIOD"]),
            float(row["OBS_VALUE"]) if row["OBS_VALUE"] else None, *(row[name] for name in names),
        )
        for row in rows
    ]  # fmt: skip
    assert sorted(written, key=str) == sorted(observed, key=str)


def read_period(written: str) -> tuple[date, date]:
    """Return the first and last day of a time range of a date and an ISO 8601 duration."""
    begin, duration = written.split("/P")
    first = date.fromisoformat(begin)
    unit = {"D": "days", "M": "months", "Y": "years"}[duration[-1]]
    return first, first + relativedelta(**{unit: int(duration[:-1])}) - timedelta(days=1)


def test_a_dimension_that_an_indicator_does_not_have_is_not_applicable(select: Write) -> None:
    (row,) = select("*.misconduct_sanctions_new.ALL.Civilian_separated")
    assert row["DIM_ACTION"] == "Civilian_separated"
    assert {row["CAUSE"], row["TRAINING"], row["AREA"]} == {"_Z"}


@pytest.mark.parametrize(("version", "action"), [("2.0", "I"), ("2.1", "M")])
def test_the_action_is_that_of_the_version(
    copy: Connection, structure: Structure, tmp_path: Path, version: str, action: str
) -> None:
    file = tmp_path / "observations.csv"
    write_csv(copy, structure, DataQuery(), version, file)  # type: ignore[arg-type]
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["STRUCTURE"], row["STRUCTURE_ID"], row["ACTION"]) for row in rows} == {
        ("dataflow", "A4P:INDICATORS(1.0)", action)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_text_with_quotes_line_ends_and_separators_is_written_unchanged(
    load: Load, write_csv: WriteCsv, write_known: Write, kind: str
) -> None:
    text = 'said "no", then;\nleft | \\ \u2028 \N{SNOWMAN}'
    load(write_csv("values.csv", {"note": text, "page": '"'}))
    (row,) = write_known(kind)
    assert (row["COMMENT_OBS"], row["SOURCE_PAGE"]) == (text, '"')


@pytest.mark.parametrize("kind", KINDS)
def test_an_observation_without_a_value_has_a_status(load: Load, write_csv: WriteCsv, write_known: Write, kind: str) -> None:
    load(write_csv("values.csv", {"value": "", "status": "O"}))
    (row,) = write_known(kind)
    assert (row["OBS_VALUE"], row["OBS_STATUS"]) == ("", "O")


@pytest.mark.parametrize("kind", KINDS)
def test_a_correction_is_known_only_after_it_was_recorded(
    load: Load, write_csv: WriteCsv, write_known: Write, kind: str
) -> None:
    load(write_csv("first.csv", {"value": "40"}))
    load(write_csv("correction.csv", {"value": "41"}, {"mission": "UNIFIL", "value": "1"}))
    before_correction = STORED_AT + timedelta(seconds=90)
    assert [row["OBS_VALUE"] for row in write_known(kind)] == ["1", "41"]
    assert [row["OBS_VALUE"] for row in write_known(kind, before_correction)] == ["40"]
    assert [row["OBS_VALUE"] for row in write_known(kind, updated_after=before_correction)] == ["1", "41"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_history_has_every_revision_with_the_time_it_was_recorded(
    load: Load, write_csv: WriteCsv, write_known: Write, kind: str
) -> None:
    load(write_csv("first.csv", {"value": "40"}))
    load(write_csv("correction.csv", {"value": "41"}))
    rows = write_known(kind, has_history=True)
    assert [(row["OBS_VALUE"], row["VALID_FROM"]) for row in rows] == [
        ("40", "2025-01-01T00:01:00.000000Z"),
        ("41", "2025-01-01T00:02:00.000000Z"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_and_last_observations_of_a_series(select: Write, kind: str) -> None:
    def list_periods(**limits: int) -> list[str]:
        return [row["TIME_PERIOD"] for row in select("*.serious_misconduct_allegations.ALL", kind=kind, **limits)]

    every = list_periods()
    assert len(every) > 3
    assert list_periods(first=1) == every[:1]
    assert list_periods(last=2) == every[-2:]
    assert list_periods(first=1, last=1) == [every[0], every[-1]]


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_and_the_measure_can_be_left_out(select: Write, kind: str) -> None:
    (row,) = select("*.sofa_incidents_new.UNMISS", kind=kind, attributes=("OBS_STATUS", "UNIT_MEASURE"), has_measure=False)
    assert (row["OBS_STATUS"], row["UNIT_MEASURE"]) == ("A", "NUMBER")
    assert not {"OBS_VALUE", "UNIT_MULT", "SOURCE_DETAIL"} & set(row)


def test_no_observations_are_a_message_without_data_sets(select: Write) -> None:
    assert select("*.sofa_incidents_new.UNMISS", "OBS_VALUE=lt:0", kind="json") == []
