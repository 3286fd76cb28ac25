"""The report of a load: which cells changed, from which value to which, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.client.protocol import LOAD
from service.commands.load import load as load_command
from service.loading.load import load_files
from service.loading.report import Batch, CellCounts
from service.loading.request import LoadRequest
from service.warehouse.database import Warehouse
from tests.conftest import Clock, WriteCsv

MEDICAL = {"indicator": "tpp_trainees", "mission": "ALL", "dimensions": "training=Medical"}
Report = Callable[..., Batch]


@pytest.fixture
def report(warehouse: Warehouse, clock: Clock) -> Report:
    """Loads a file and returns its batch with what changed."""

    def load_one(file: Path, limit: int = 20, with_unchanged: bool = False) -> Batch:
        (batch,) = load_files(
            warehouse,
            LoadRequest(files=(file,), loaded_by="the tests", changes=limit, with_unchanged=with_unchanged),
            clock=clock,
        )
        return batch

    return load_one


def list_lines(batch: Batch) -> list[str]:
    return [str(change) for change in batch.changes]


def test_a_new_value_is_listed_with_its_cell(report: Report, write_csv: WriteCsv) -> None:
    batch = report(write_csv("new.csv", {"value": "97"}, {**MEDICAL, "value": "61"}))
    assert list_lines(batch) == [
        "sofa_incidents_new UNMISS cycle 5: 97 (new)",
        "tpp_trainees ALL training=Medical cycle 5: 61 (new)",
    ]


def test_a_revision_shows_the_value_before_and_after(report: Report, write_csv: WriteCsv) -> None:
    report(write_csv("first.csv", {"value": "97"}))
    batch = report(write_csv("second.csv", {"value": "131"}))
    assert list_lines(batch) == ["sofa_incidents_new UNMISS cycle 5: 97 -> 131 (revision, +34)"]
    (change,) = batch.changes
    assert (change.previous_value, change.value, change.revised_columns) == (97.0, 131.0, ("value",))


def test_a_revision_replaces_the_newest_value_of_several(report: Report, write_csv: WriteCsv) -> None:
    for value in ("97", "131", "98"):
        batch = report(write_csv(f"{value}.csv", {"value": value}))
    assert list_lines(batch) == ["sofa_incidents_new UNMISS cycle 5: 131 -> 98 (revision, -33)"]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"value": "", "status": "V"}, "40 -> no value (status V) (revision)"),
        ({"value": "", "status": "O"}, "40 -> no value (status O) (removal)"),
        ({"status": "P"}, "40 -> 40 (status P) (revision)"),
        ({"source": "Another", "note": "as printed"}, "40 (revision of source, note)"),
        ({"value": "41", "page": ""}, "40 -> 41 (revision, +1)"),
    ],
)
def test_a_revision_says_what_changed(report: Report, write_csv: WriteCsv, row: dict[str, object], line: str) -> None:
    report(write_csv("first.csv", {}))
    batch = report(write_csv("second.csv", row))
    assert list_lines(batch) == [f"sofa_incidents_new UNMISS cycle 5: {line}"]


def test_cells_are_counted_by_their_change(report: Report, write_csv: WriteCsv) -> None:
    missions = ("UNMISS", "UNIFIL", "MONUSCO", "UNDOF")
    report(write_csv("first.csv", *({"mission": mission} for mission in missions)))
    file = write_csv(
        "second.csv", {}, {"mission": "UNIFIL", "value": "41"}, {"mission": "MONUSCO", "value": "", "status": "L"},
        {"mission": "UNDOF", "value": "", "status": "V"}, {"mission": "UNISFA"},
    )  # fmt: skip
    batch = report(file)
    assert batch.cells == CellCounts(new=1, changed=2, removed=1, unchanged=1, ignored=0)
    assert str(batch).endswith(" 1 new observations, 3 revisions (1 without a value), 1 unchanged")
    assert report(file).cells == CellCounts(new=0, changed=0, removed=0, unchanged=0, ignored=5)


def test_unchanged_cells_are_listed_on_request(report: Report, write_csv: WriteCsv) -> None:
    report(write_csv("first.csv", {}))
    rows = ({}, {"mission": "MONUSCO"})
    assert len(report(write_csv("second.csv", *rows)).changes) == 1
    batch = report(write_csv("third.csv", *rows, {"mission": "UNIFIL"}), with_unchanged=True)
    assert list_lines(batch) == [
        "sofa_incidents_new UNIFIL cycle 5: 40 (new)",
        "sofa_incidents_new UNMISS cycle 5: 40 (unchanged)",
        "sofa_incidents_new MONUSCO cycle 5: 40 (unchanged)",
    ]


def test_revisions_come_before_new_values_and_the_limit_cuts_the_rest(report: Report, write_csv: WriteCsv) -> None:
    report(write_csv("first.csv", {"mission": "UNIFIL"}))
    rows = ({"mission": "MONUSCO"}, {"mission": "UNMISS"}, {"mission": "UNIFIL", "value": "41"})
    batch = report(write_csv("second.csv", *rows), limit=2)
    assert [(change.kind, change.mission) for change in batch.changes] == [("revision", "UNIFIL"), ("new", "MONUSCO")]
    assert (batch.new_observations, batch.revisions) == (2, 1)


def test_each_file_has_its_own_changes(warehouse: Warehouse, clock: Clock, write_csv: WriteCsv) -> None:
    files = [write_csv("first.csv", {}), write_csv("second.csv", {"mission": "MONUSCO"})]
    batches = load_files(warehouse, LoadRequest(files=files, loaded_by="the tests"), clock=clock)
    assert [[change.mission for change in batch.changes] for batch in batches] == [["UNMISS"], ["MONUSCO"]]


def test_a_report_reads_back_from_json_as_it_was(report: Report, write_csv: WriteCsv) -> None:
    report(write_csv("first.csv", {}))
    file = write_csv("second.csv", {"value": "41"}, {**MEDICAL, "value": "", "status": "V"})
    batches = (report(file), report(file))
    assert LOAD.result.validate_python(LOAD.result.dump_python(batches, mode="json")) == batches
    assert batches[1].loaded_before_at is not None


def run_load(data_dir: Path, *arguments: str | Path) -> list[str]:
    """Return the lines that `a4p load` prints."""
    result = CliRunner().invoke(load_command, [*map(str, arguments), "--data-dir", str(data_dir)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_the_command_prints_twenty_changes_and_counts_the_rest(tmp_path: Path, write_csv: WriteCsv) -> None:
    rows = [
        {"period_start": f"{year}-11-01", "period_end": f"{year + 1}-04-30", "mission": mission}
        for year in range(2010, 2015)
        for mission in ("UNMISS", "MONUSCO", "UNIFIL", "UNISFA", "UNDOF")
    ]
    lines = run_load(tmp_path / "data", write_csv("many.csv", *rows))
    assert len(lines) == 22
    assert lines[-1] == "  and 5 more (--verbose lists them)"
    assert len(run_load(tmp_path / "other", write_csv("many.csv", *rows), "--verbose")) == 26
