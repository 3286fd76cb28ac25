"""Load warnings: the implausible values of each rule. No warning stops a load."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.application import Application
from service.loading.load import load_files
from service.loading.report import Batch
from service.loading.request import LoadRequest
from service.settings import find_in_tree
from service.warehouse.database import Warehouse, read_sql
from service.web.app import make_app
from tests.conftest import Clock, Read, WriteCsv

Row = dict[str, object]
LoadRows = Callable[..., Batch]
BROKEN_RULE = "select series_id, period_start, period_end, error('the rule is broken')::varchar as message"
STORED = "select file_row, rule, message from load_warnings order by all"


def cycle(number: int) -> Row:
    """Return the period of a half-year, 1 being May to October 2010."""
    year, is_second = 2010 + (number - 1) // 2, (number - 1) % 2
    if is_second:
        return {"period_start": f"{year}-11-01", "period_end": f"{year + 1}-04-30"}
    return {"period_start": f"{year}-05-01", "period_end": f"{year}-10-31"}


def year(number: int) -> Row:
    return {"period_start": f"{number}-01-01", "period_end": f"{number}-12-31"}


def history(*values: float, **columns: object) -> list[Row]:
    return [{**cycle(number), "value": value, **columns} for number, value in enumerate(values, 1)]


@pytest.fixture
def load_rows(warehouse: Warehouse, write_csv: WriteCsv, clock: Clock) -> LoadRows:
    """Loads rows as a file of their own, and returns its batch."""

    def load(*rows: Row) -> Batch:
        file = write_csv(f"rows-{clock():%H%M}.csv", *rows)
        (batch,) = load_files(warehouse, LoadRequest(files=(file,), loaded_by="the tests", status_codes="sdmx"), clock=clock)
        return batch

    return load


def messages(batch: Batch) -> list[str]:
    return [f"{warning.rule}: {warning.message}" for warning in batch.warnings]


def test_an_outlier_is_a_warning(load_rows: LoadRows, read: Read) -> None:
    load_rows(*history(38, 42, 40, 37, 45, 41))
    batch = load_rows({**cycle(7), "value": 410})
    # The median is 40.5 and the MAD 2, below the square root of the median, 6.36, which is then the spread.
    message = "410 is far from the 6 previous values, whose median is 40.5 (modified z-score 58.1, threshold 3.5)"
    assert messages(batch) == [f"outlier: {message}"]
    assert batch.new_observations == 1
    assert read(STORED) == [(2, "outlier", message)]
    assert str(batch.warnings[0]).startswith("warning: row 2, sofa_incidents_new UNMISS ")


@pytest.mark.parametrize("value", [20, 36, 62])
def test_a_value_near_its_history_is_no_warning(load_rows: LoadRows, value: float) -> None:
    load_rows(*history(38, 42, 40, 37, 45, 41))
    assert load_rows({**cycle(7), "value": value}).warnings == ()


def test_a_low_outlier_is_a_warning(load_rows: LoadRows) -> None:
    load_rows(*history(38, 42, 40, 37, 45, 41))
    assert [warning.rule for warning in load_rows({**cycle(7), "value": 4}).warnings] == ["outlier"]


def test_four_earlier_values_are_too_few_for_a_warning(load_rows: LoadRows) -> None:
    load_rows(*history(38, 42, 40, 37))
    assert load_rows({**cycle(5), "value": 410}).warnings == ()
    assert [warning.rule for warning in load_rows({**cycle(6), "value": 4100}).warnings] == ["outlier"]


def test_a_mad_of_zero_uses_the_mean_absolute_deviation(load_rows: LoadRows) -> None:
    # Five of six are 100: the MAD is 0 and the mean absolute deviation 50, so the spread is 62.7 and 320 scores 3.51.
    load_rows(*history(100, 100, 100, 100, 100, 400))
    assert load_rows({**cycle(7), "value": 320}).warnings == ()
    (warning,) = load_rows({**cycle(7), "value": 650}).warnings
    assert "modified z-score 8.8" in warning.message


def test_a_constant_history_allows_random_variation(load_rows: LoadRows) -> None:
    load_rows(*history(0, 0, 0, 0, 0))
    assert load_rows({**cycle(6), "value": 3}).warnings == ()
    assert [warning.rule for warning in load_rows({**cycle(6), "value": 30}).warnings] == ["outlier"]


def test_a_typing_error_within_a_history_is_a_warning(load_rows: LoadRows) -> None:
    batch = load_rows(*history(38, 42, 40, 37, 45, 41, 390, 44, 39))
    assert [(warning.row, warning.rule) for warning in batch.warnings] == [(8, "outlier")]


def test_values_of_any_size_are_loaded(load_rows: LoadRows) -> None:
    area = {"indicator": "explosive_land_released_square_meters", "mission": "ALL"}
    days = [f"2023-01-{day:02}" for day in range(1, 11)]
    rows = [{**area, "period_start": day, "period_end": day, "value": 1.7e308} for day in days]
    assert load_rows(*rows).new_observations == 10


def test_a_history_that_grows_steadily_is_no_warning(load_rows: LoadRows) -> None:
    assert load_rows(*history(10, 20, 30, 40, 50, 60, 70, 80, 90)).warnings == ()
    assert load_rows({**cycle(10), "value": 100}).warnings == ()


def test_the_corrected_history_is_used(load_rows: LoadRows) -> None:
    load_rows(*history(400, 400, 400, 400, 400, 400))
    load_rows(*history(4, 5, 4, 5, 4, 5))
    assert [warning.rule for warning in load_rows({**cycle(7), "value": 400}).warnings] == ["outlier"]


def test_an_unchanged_value_has_no_new_warning(load_rows: LoadRows, read: Read) -> None:
    load_rows(*history(38, 42, 40, 37, 45, 41))
    load_rows({**cycle(7), "value": 410})
    assert load_rows({**cycle(7), "value": 410}, {**cycle(7), "mission": "UNIFIL"}).warnings == ()
    assert len(read(STORED)) == 1


def test_a_surge_of_rare_events_is_a_warning(load_rows: LoadRows) -> None:
    rows = {"indicator": "sea_allegations", "mission": "ALL"}
    load_rows(*({**rows, **year(2019 + number), "value": value} for number, value in enumerate((4, 5, 3))))
    assert load_rows({**rows, **year(2022), "value": 12}).warnings == ()
    (warning,) = load_rows({**rows, **year(2022), "value": 40}).warnings
    assert (warning.rule, warning.message[:40]) == ("rare_event_surge", "40 is high for a rare event: the 3 previ")


def test_rare_events_are_compared_by_day(load_rows: LoadRows) -> None:
    rows = {"indicator": "fatalities_malicious_acts", "mission": "ALL"}
    load_rows(*({**rows, **year(2019 + number), "value": 20} for number in range(3)))
    # Twenty in one month, where a year has as many.
    batch = load_rows({**rows, "period_start": "2022-01-01", "period_end": "2022-01-31", "value": 20})
    assert [warning.rule for warning in batch.warnings] == ["rare_event_surge"]


def test_a_period_that_overlaps_another_is_a_warning(load_rows: LoadRows) -> None:
    rows = {"indicator": "explosive_items_destroyed", "mission": "UNMISS"}
    load_rows({**rows, "period_start": "2023-10-01", "period_end": "2024-08-31"})
    batch = load_rows({**rows, "period_start": "2024-08-01", "period_end": "2024-12-31"})
    assert messages(batch) == ["overlapping_period: the period overlaps 2023-10-01..2024-08-31 of the same series"]
    earlier = load_rows({**rows, "period_start": "2023-01-01", "period_end": "2023-10-01"})
    assert messages(earlier) == ["overlapping_period: the period overlaps 2023-10-01..2024-08-31 of the same series"]
    assert load_rows({**rows, "period_start": "2025-01-01", "period_end": "2025-03-31"}).warnings == ()


def test_a_cumulative_value_that_falls_is_a_warning(load_rows: LoadRows) -> None:
    rows = {"indicator": "crime_cases_reported", "mission": "MONUSCO", "period_start": "2013-01-01"}
    load_rows({**rows, "period_end": "2024-04-30", "value": 45})
    batch = load_rows({**rows, "period_end": "2024-10-31", "value": 40})
    assert messages(batch) == [
        "cumulative_value_falls: 40 is below 45, the value until 2024-04-30; a cumulative value cannot decrease"
    ]
    assert load_rows({**rows, "period_end": "2024-10-31", "value": 47}).warnings == ()
    above = load_rows({**rows, "period_end": "2023-10-31", "value": 46})
    assert messages(above) == [
        "cumulative_value_falls: 46 is above 45, the value until 2024-04-30; a cumulative value cannot decrease"
    ]


def test_a_value_of_a_mission_that_is_not_expected_to_report_is_a_warning(load_rows: LoadRows) -> None:
    batch = load_rows({"mission": "UNTSO", "value": 3}, {"mission": "UNMISS", "value": 3}, {"mission": "ALL", "value": 6})
    assert messages(batch) == ["unexpected_mission: UNTSO is not expected to report sofa_incidents_new"]


def test_a_mission_that_is_not_expected_may_report_zero_or_not_applicable(load_rows: LoadRows) -> None:
    batch = load_rows({"mission": "UNTSO", "value": 0}, {"mission": "UNMIK", "value": "", "status": "M"})
    assert batch.warnings == ()


def test_a_closed_mission_may_have_cumulative_values_only(load_rows: LoadRows) -> None:
    cumulative = {"indicator": "crime_cases_reported", "mission": "MINUSMA", "period_start": "2013-01-01"}
    assert load_rows({**cumulative, "value": 174}).warnings == ()
    assert [warning.rule for warning in load_rows({"mission": "MINUSMA", "value": 3}).warnings] == ["unexpected_mission"]


def test_twenty_warnings_are_shown_and_all_are_stored(load_rows: LoadRows, read: Read) -> None:
    batch = load_rows(*({**cycle(number), "mission": "UNTSO", "value": 3} for number in range(1, 31)))
    assert (len(batch.warnings), batch.warning_count) == (20, 30)
    assert read("select count(*) from load_warnings") == [(30,)]


def test_a_warning_is_current_until_its_value_is_corrected(load_rows: LoadRows, read: Read) -> None:
    load_rows({"mission": "UNTSO", "value": 3})
    assert read("select is_current from load_warnings") == [(True,)]
    load_rows({"mission": "UNTSO", "value": 0})
    assert read("select is_current from load_warnings") == [(False,)]


def test_a_preview_shows_warnings_and_stores_none(application: Application, write_csv: WriteCsv) -> None:
    with application.warehouse.cursor() as cursor:
        before = cursor.execute("select count(*) from load_warnings").fetchone()
        preview = application.loads.preview(LoadRequest(files=(write_csv("next.csv", {"mission": "UNTSO", "value": 3}),)))
        assert [warning.rule for warning in preview.batches[0].warnings] == ["unexpected_mission"]
        assert cursor.execute("select count(*) from load_warnings").fetchone() == before


def test_the_report_raises_a_warning_only_for_its_surge(application: Application) -> None:
    with application.warehouse.cursor() as cursor:
        found = cursor.execute(
            "select distinct rule, indicator, dimensions::varchar from load_warnings order by all"
        ).fetchall()
    # Allegations of earlier incidents rose from 21 to 68 a year.
    assert found == [("rare_event_surge", "sea_allegations_by_incident_date", "{incident_date=Other}")]


def test_the_quality_page_lists_warnings(application: Application) -> None:
    page = make_app(application).test_client().get("/quality").get_data(as_text=True)
    assert "Load warnings" in page
    assert "68 is high for a rare event" in page


def test_the_description_of_the_view_lists_every_rule(read: Read) -> None:
    ((comment,),) = read(
        "select comment from duckdb_columns() "
        "where schema_name = 'main' and table_name = 'load_warnings' and column_name = 'rule'"
    )
    rules = [file.stem for file in (find_in_tree("sql") / "checks" / "warnings").glob("*.sql")]
    assert [rule for rule in rules if rule not in str(comment)] == []


@pytest.mark.parametrize("failing", ["checks/warnings/outlier", "load/prepare_warnings"])
def test_a_rule_that_fails_is_logged_and_skipped(
    load_rows: LoadRows, read: Read, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failing: str
) -> None:
    def read_sql_with_fault(name: str) -> str:
        return f"{BROKEN_RULE} from loaded_cells" if name == failing else read_sql(name)

    load_rows(*history(38, 42, 40, 37, 45, 41))
    monkeypatch.setattr("service.loading.warnings.read_sql", read_sql_with_fault)
    monkeypatch.setattr("service.warehouse.database.read_sql", read_sql_with_fault)
    batch = load_rows({**cycle(7), "value": 410})
    assert (batch.new_observations, batch.warnings) == (1, ())
    assert read("select value from observations where value = 410") == [(410.0,)]
    assert "outlier" in caplog.text
    assert "failed and is skipped" in caplog.text


def test_a_preview_skips_a_rule_that_fails(
    application: Application, write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.loading.warnings.read_sql", lambda name: f"{BROKEN_RULE} from loaded_cells")
    preview = application.loads.preview(LoadRequest(files=(write_csv("rows.csv", {**cycle(7), "value": 410}),)))
    assert [batch.new_observations for batch in preview.batches] == [1]
