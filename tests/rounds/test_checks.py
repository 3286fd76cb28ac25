"""Each validation rule with tests/rounds/checks/<rule>.yaml: earlier observations, a file, and exactly its findings.

A case is `case` (a sentence), `given`, `expected`, and `earlier`, if something was loaded before. A row is of cycle 5 unless it
names its period. An expected finding names the fields to compare.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from service.loading.load import append_staged, open_staging, stage_files
from service.loading.report import Finding
from service.loading.request import LoadRequest
from service.loading.warnings import skip_failed_rules
from service.rounds import checks
from service.rounds.checks import find_findings, read_shipped_rules
from service.settings import find_in_tree
from service.warehouse.database import Connection, Warehouse, read_clock, run_sql
from service.warehouse.definitions import Definitions

COLUMNS = ["indicator", "mission", "dimensions", "period_start", "period_end", "value", "status", "source", "note"]
CYCLE_5 = {"period_start": "2023-11-01", "period_end": "2024-04-30"}
FILES = sorted(find_in_tree("tests").joinpath("rounds", "checks").glob("*.yaml"))
CASES = [
    pytest.param(file.stem, case, id=f"{file.stem}: {case['case']}")
    for file in FILES
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]

Row = dict[str, Any]
Find = Callable[..., tuple[Finding, ...]]


def write_file(file: Path, rows: list[Row]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for row in rows:
            dimensions = ";".join(f"{name}={value}" for name, value in row.get("dimensions", {}).items())
            writer.writerow({**CYCLE_5, "source": "a test", **row, "dimensions": dimensions})
    return file


def append(cursor: Connection, *files: Path, skipped: frozenset[str] = frozenset()) -> None:
    run_sql(cursor, "load/prepare_staging")
    request = LoadRequest(files=tuple(files), loaded_by="the tests", status_codes="sdmx")
    stage_files(cursor, request)
    append_staged(cursor, request, False, read_clock, skipped)


@pytest.fixture(scope="module")
def find(shared: Warehouse, definitions: Definitions, tmp_path_factory: pytest.TempPathFactory) -> Find:
    """Returns the findings about a file of rows, after earlier rows were loaded."""
    folder = tmp_path_factory.mktemp("files")

    def find_all(rows: list[Row], earlier: list[Row] | None = None) -> tuple[Finding, ...]:
        def rehearse(skipped: frozenset[str]) -> tuple[Finding, ...]:
            with open_staging(shared) as cursor, shared.rehearse(cursor):
                if earlier:
                    append(cursor, write_file(folder / "earlier.csv", earlier))
                append(cursor, write_file(folder / "given.csv", rows), skipped=skipped)
                return find_findings(cursor, definitions.relations, skipped)

        return skip_failed_rules(rehearse)

    return find_all


def test_every_rule_has_cases() -> None:
    assert {file.stem for file in FILES} == {rule.rule for rule in read_shipped_rules()}


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_rule_finds_exactly_the_expected_cells(find: Find, rule: str, case: Row) -> None:
    found = [asdict(finding) for finding in find(case["given"], case.get("earlier")) if finding.rule == rule]
    expected = case["expected"]
    compared = [{name: row[name] for name in expected_row} for row, expected_row in zip(found, expected, strict=False)]
    assert (len(found), compared) == (len(expected), expected)


def test_a_finding_names_row_period_and_action(find: Find) -> None:
    rows = [{"indicator": "sofa_incidents_total", "mission": "UNMISS", "value": 3}]
    findings = find([*rows, {"indicator": "sofa_incidents_new", "mission": "UNMISS", "value": 4}])
    assert [str(finding) for finding in findings] == [
        "high: row 3, sofa_incidents_new UNMISS cycle 5: sofa_incidents_new is 4, above 3, the value of sofa_incidents_total, "
        "which includes it. Correct the part or the whole."
    ]


def test_only_two_values_of_the_report_contradict_each_other(shared: Warehouse, definitions: Definitions) -> None:
    with open_staging(shared) as cursor, shared.rehearse(cursor):
        append(cursor, *definitions.observation_files)
        findings = find_findings(cursor, definitions.relations)
    assert [(finding.indicator, finding.mission, finding.period) for finding in findings if finding.severity == "high"] == [
        # 7 suspects tried, 6 identified; and 306 trainees, 314 in the three trainings.
        ("crime_suspects_tried", "UNIFIL", "to 31 Oct 2023"),
        ("tpp_trainees", "ALL", "cycle 5"),
    ]


def test_a_rule_that_fails_is_skipped(find: Find, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    broken = (
        "select series_id, period_start, period_end, error('the rule is broken')::varchar as message from staged_observations"
    )
    rules = tuple(
        replace(rule, query=broken) if rule.rule == "outside_range" else rule for rule in read_shipped_rules()
    )  # fmt: skip
    monkeypatch.setattr(checks, "read_shipped_rules", lambda: rules)
    findings = find(
        [
            {"indicator": "sofa_incidents_total", "mission": "UNMISS", "value": 3},
            {"indicator": "sofa_incidents_new", "mission": "UNMISS", "value": 4},
        ]
    )
    assert [finding.rule for finding in findings] == ["part_above_whole"]
    assert "rule submission/outside_range failed and is skipped" in caplog.text


COUNTS = st.none() | st.integers(0, 3)
MISSIONS = ["MINURSO", "MINUSCA", "MONUSCO", "UNDOF", "UNIFIL", "UNISFA", "UNMISS"]


def list_contradictions(
    hospitals: int | None, reporting: int | None, interrupted: int | None, outage: int | None
) -> Iterator[tuple[str, str]]:
    """Yield rule and indicator of each contradiction between values of hospitals."""
    if hospitals is not None and reporting is not None and reporting > hospitals:
        yield "part_above_whole", "hospitals_reporting"
    if reporting is not None and interrupted is not None and interrupted > reporting:
        yield "part_above_whole", "hospitals_with_interruptions"
    if hospitals == 0 and outage:
        yield "mutually_exclusive", "hospital_outage_days"


@settings(max_examples=8, deadline=None)
@given(drawn=st.lists(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), min_size=len(MISSIONS), max_size=len(MISSIONS)))
def test_high_findings_are_exactly_the_contradictions_of_random_values(
    find: Find, drawn: list[tuple[int | None, int | None, int | None, int | None]]
) -> None:
    names = ["hospitals", "hospitals_reporting", "hospitals_with_interruptions", "hospital_outage_days"]
    rows: list[Row] = [
        {"indicator": name, "mission": mission, "value": value, "status": "O" if value is None else "A",
         "dimensions": {"cause": "Personnel"} if name == "hospital_outage_days" else {}}
        for mission, values in zip(MISSIONS, drawn, strict=True)
        for name, value in zip(names, values, strict=True)
    ]  # fmt: skip
    expected = {
        (mission, *found) for mission, values in zip(MISSIONS, drawn, strict=True) for found in list_contradictions(*values)
    }
    found = {(finding.mission, finding.rule, finding.indicator) for finding in find(rows) if finding.severity == "high"}
    assert found == expected
