"""Local formats of files: German and French dates and numbers, Windows-1252, headers in any case, titles for names."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import LoadError
from tests.conftest import Load, Read

HEADER = "indicator;mission;dimensions;period_start;period_end;value;status;source;page;note\n"
VALUES = "select indicator, mission, period_start::varchar, period_end::varchar, value, source from observations order by all"
RATIO = "women_heads_and_deputies_ratio"
EXPECTED = [
    ("sofa_incidents_new", "UNMISS", "2023-11-01", "2024-04-30", 1234.0, "Bericht für Zyklus 5"),
    (RATIO, "ALL", "2023-11-01", "2024-04-30", 0.375, "Bericht für Zyklus 5"),
]


def write_rows(folder: Path, *rows: str, encoding: str = "utf-8", header: str = HEADER) -> Path:
    file = folder / "local.csv"
    file.write_bytes((header + "".join(f"{row}\n" for row in rows)).encode(encoding))
    return file


def row(start: str, end: str, value: str, indicator: str = "sofa_incidents_new", mission: str = "UNMISS") -> str:
    return f"{indicator};{mission};;{start};{end};{value};A;Bericht für Zyklus 5;;"


def test_a_german_file_is_read(load: Load, read: Read, tmp_path: Path) -> None:
    file = write_rows(
        tmp_path,
        row("01.11.2023", "30.04.2024", "1.234,0"),
        row("1.11.2023", "30.4.2024", "0,375", RATIO, "ALL"),
        encoding="cp1252",
    )
    (batch,) = load(file)
    assert read(VALUES) == EXPECTED
    assert batch.notes == (
        "read as Windows-1252",
        "dates read as dd.mm.yyyy",
        "decimal comma",
        "points read as thousands separators",
    )


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_a_french_file_is_read(load: Load, read: Read, tmp_path: Path, space: str) -> None:
    file = write_rows(
        tmp_path,
        row("01/11/2023", "30/04/2024", f"1{space}234"),
        row("01/11/2023", "30/04/2024", "0,375", RATIO, "ALL"),
        encoding="utf-8-sig",
    )
    (batch,) = load(file)
    assert read(VALUES) == EXPECTED
    assert batch.notes == ("dates read as dd/mm/yyyy", "decimal comma", "spaces read as thousands separators")


def test_one_local_format_may_be_mixed_with_iso_dates(load: Load, read: Read, tmp_path: Path) -> None:
    load(write_rows(tmp_path, row("2023-11-01", "30.04.2024", "1234"), row("1.11.2023", "2024-04-30", "0,375", RATIO, "ALL")))
    assert read(VALUES) == EXPECTED


def test_a_standard_file_has_no_notes(load: Load, tmp_path: Path) -> None:
    (batch,) = load(write_rows(tmp_path, row("2023-11-01", "2024-04-30", "0.375", RATIO, "ALL")))
    assert batch.notes == ()


def test_dotted_dates_are_read_between_commas_but_decimal_commas_are_not(load: Load, read: Read, tmp_path: Path) -> None:
    start, end = "01.11.2023", "30.04.2024"
    load(write_rows(tmp_path, row(start, end, "0.375", RATIO, "ALL").replace(";", ","), header=HEADER.replace(";", ",")))
    assert read("select value from observations") == [(0.375,)]
    bad = row(start, end, '"0,375"', RATIO, "ALL").replace(";", ",")
    with pytest.raises(LoadError, match="'0,375' is not a number"):
        load(write_rows(tmp_path, bad, header=HEADER.replace(";", ",")))


def test_a_point_before_three_digits_is_ambiguous_with_local_dates(load: Load, tmp_path: Path) -> None:
    area = "explosive_land_released_square_meters"
    with pytest.raises(
        LoadError, match=r"'1\.234' may be 1234 or 1\.234, as row 2 '01\.11\.2023' is not in the standard format"
    ):
        load(write_rows(tmp_path, row("01.11.2023", "30.04.2024", "1.234", area, "ALL")))
    (batch,) = load(write_rows(tmp_path, row("2023-11-01", "2024-04-30", "1.234", area, "ALL")))
    assert batch.new_observations == 1


def test_an_error_of_the_dialect_names_the_row_of_the_spreadsheet(load: Load, tmp_path: Path) -> None:
    good, bad = row("2023-11-01", "2024-04-30", "7"), row("01/02/2023", "2024-04-30", "7", mission="UNIFIL")
    with pytest.raises(LoadError, match="row 5, column period_start: '01/02/2023' may have the day or the month first"):
        load(write_rows(tmp_path, good, "", "", bad))


def test_a_bad_value_in_a_german_file_is_named_as_written(load: Load, tmp_path: Path) -> None:
    rows = (row("01.11.2023", "30.04.2024", "0,375", RATIO, "ALL"), row("31.02.2024", "30.04.2024", "x"))
    with pytest.raises(LoadError) as caught:
        load(write_rows(tmp_path, *rows))
    assert [(error.row, error.column, error.value) for error in caught.value.rows] == [
        (3, "period_start", "31.02.2024"),
        (3, "value", "x"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        HEADER.upper(),
        "Indicator;Mission;Dimensions;Period start; Period End ;Value;Status;Source;Page;Note\n",
        "\ufeff" + HEADER.title(),
    ],
)
def test_headers_are_read_in_any_case(load: Load, read: Read, tmp_path: Path, header: str) -> None:
    load(write_rows(tmp_path, row("2023-11-01", "2024-04-30", "7"), header=header))
    assert read("select mission, value from observations") == [("UNMISS", 7.0)]


def test_titles_of_indicators_and_names_of_missions_are_read(load: Load, read: Read, tmp_path: Path) -> None:
    indicator, mission = "new SOFA or SOMA incidents", "United Nations Mission in the Republic of SOUTH Sudan"
    load(write_rows(tmp_path, row("2023-11-01", "2024-04-30", "7", indicator, mission)))
    assert read("select indicator, mission from observations") == [("sofa_incidents_new", "UNMISS")]


def test_the_same_cell_by_name_and_by_title_is_given_twice(load: Load, tmp_path: Path) -> None:
    rows = (row("2023-11-01", "2024-04-30", "7"), row("2023-11-01", "2024-04-30", "8", "New SOFA or SOMA incidents"))
    with pytest.raises(LoadError, match="has another value than the same cell in row 2"):
        load(write_rows(tmp_path, *rows))


def test_a_long_line_of_many_columns_in_other_letters_is_an_error_of_its_row(load: Load, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"row 2, column \(row\): \(empty\) has 11 columns where the header has 10"):
        load(write_rows(tmp_path, ";".join(["деловой отчёт " * 20] * 400)))
