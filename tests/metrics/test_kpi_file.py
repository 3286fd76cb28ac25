"""Errors in a KPI file have file, line and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.catalogue import CatalogueError
from metrics.kpi_file import check_kpis, read_kpi, read_kpis

GOOD = """\
-- kpi: crime_ratio
-- title: Crimes investigated
-- description: Investigated over reported.
-- unit: ratio  better: higher  priority: integration
-- labels: mission
-- inputs: crime_cases_reported
select mission, value as value from latest
"""


def write(tmp_path: Path, text: str, name: str = "kpi.sql") -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


def test_a_header_may_have_several_pairs_on_a_line(tmp_path: Path) -> None:
    kpi = read_kpi(write(tmp_path, GOOD))
    assert (kpi.unit, kpi.better, kpi.priority) == ("ratio", "higher", "integration")
    assert kpi.labels == ("mission",)
    assert kpi.metric == "a4p_crime_ratio"
    assert kpi.query == "select mission, value as value from latest"


@pytest.mark.parametrize(
    ("found", "replaced", "message"),
    [
        ("-- title: Crimes investigated\n", "", ":1: the key 'title' is missing in the header; add '-- title: ...'"),
        ("-- labels: mission\n", "-- labels: mission\n-- colour: red\n", ":6: the key 'colour' is unknown"),
        ("-- labels: mission\n", "-- labels: mission\n-- labels: mission\n", ":6: the key 'labels' is given twice"),
        ("-- labels: mission\n", "-- labels: indicator\n", ":5: labels must name mission"),
        ("-- labels: mission\n", "-- just words\n", ":5: expected '-- key: value', found 'just words'"),
        ("unit: ratio", "unit: percent", ":4: unit: Input should be"),
        ("kpi: crime_ratio", "kpi: crime", ":1: the unit is 'ratio', so the name must end in '_ratio'"),
        (
            "-- inputs: crime_cases_reported\n",
            "",
            ":1: the key 'inputs' is missing in the header; add '-- inputs: ...'",
        ),
        ("-- inputs:", "-- feed: deaths  window_days: 30\n-- inputs:", ":7: a KPI over events has no 'inputs'; remove the key"),
        (
            "-- inputs: crime_cases_reported",
            "-- feed: deaths",
            ":1: a KPI over events needs both keys, 'feed' and",
        ),
        ("-- inputs: crime_cases_reported", "-- feed: deaths  window_days: 367", ":6: window_days: Input should be less than"),
        ("select mission, value as value from latest\n", "", "the query below the header is missing"),
    ],
)
def test_a_fault_names_file_line_and_fix(tmp_path: Path, found: str, replaced: str, message: str) -> None:
    assert found in GOOD
    file = write(tmp_path, GOOD.replace(found, replaced))
    with pytest.raises(CatalogueError) as caught:
        read_kpi(file)
    assert f"{file}" in str(caught.value)
    assert message in str(caught.value)


def test_a_file_that_is_not_utf_8_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "kpi.sql"
    file.write_bytes(GOOD.replace("Crimes", "Crímes").encode("latin-1"))
    with pytest.raises(CatalogueError, match=r"kpi\.sql: the file cannot be read .*; save it as UTF-8"):
        read_kpi(file)


def test_two_kpis_with_one_name_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "a.sql")
    write(tmp_path, GOOD, "b.sql")
    with pytest.raises(CatalogueError, match=r"b\.sql: the KPI 'crime_ratio' is already defined in .*a\.sql"):
        read_kpis(tmp_path)


def test_a_kpi_named_like_an_indicator_is_an_error(tmp_path: Path) -> None:
    kpi = read_kpi(write(tmp_path, GOOD))
    with pytest.raises(CatalogueError, match="is also the name of an indicator"):
        check_kpis((kpi,), frozenset({"crime_ratio"}), frozenset({"integration"}))


def test_a_kpi_whose_input_is_unknown_is_left_out_with_the_reason(tmp_path: Path) -> None:
    kpi = read_kpi(write(tmp_path, GOOD))
    usable, reasons = check_kpis((kpi,), frozenset(), frozenset({"integration"}))
    assert usable == ()
    assert "inputs name crime_cases_reported, not in the catalogue" in reasons[0]


def test_a_kpi_whose_feed_is_unknown_is_left_out_with_the_reason(tmp_path: Path) -> None:
    kpi = read_kpi(write(tmp_path, GOOD.replace("inputs: crime_cases_reported", "feed: deaths  window_days: 30")))
    usable, reasons = check_kpis((kpi,), frozenset(), frozenset({"integration"}), frozenset({"un_fatalities"}))
    assert usable == ()
    assert "the feed 'deaths' is not in the catalogue" in reasons[0]
    assert check_kpis((kpi,), frozenset(), frozenset({"integration"}), frozenset({"deaths"})) == ((kpi,), [])


def test_the_digest_changes_with_the_query_only(tmp_path: Path) -> None:
    kpi = read_kpi(write(tmp_path, GOOD))
    retitled = read_kpi(write(tmp_path, GOOD.replace("Crimes investigated", "Another title"), "b.sql"))
    changed = read_kpi(write(tmp_path, GOOD.replace("from latest", "from changes"), "c.sql"))
    assert kpi.digest() == retitled.digest() != changed.digest()
