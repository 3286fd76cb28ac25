"""The files in tests/bad_files and the error that each must bring."""

from __future__ import annotations

from service.loading.readers.columns import KNOWN
from service.settings import find_in_tree

BAD_FILES = find_in_tree("tests") / "bad_files"
NO_DATE = "is not a date from 1900 to 2999; write it as YYYY-MM-DD"
NO_NUMBER = "is not a number; write digits with a decimal point, or leave it empty with status O, L, V or M"
NO_CYCLE = (
    "is not a period of an indicator that is half-yearly; use a reporting cycle: 1 May to 31 October, or 1 November to 30 April"
)
NO_YEAR = "is not a period of an indicator that is annual; use 1 January to 31 December of one year"
FIX_STATUS = "use A, E or P with a value; O, L or M without; V with or without"
NO_STATUS = f"is not a status; {FIX_STATUS}"
NO_DIMENSIONS = "cannot be read; write name=value, with ; between several, each name once"
NO_TRAINING = "lacks the dimension training; write training= and one of Engineering, Medical, C4ISR, All"
NOT_EMPTY = "has no value, but the row has one; empty the value, or use A, E, P or V"
INFINITE = "is not finite; write digits with a decimal point, or leave it empty with status O, L, V or M"
FIX_VALUE = "correct the value, or the indicator's minimum, maximum or whole in the catalogue"
# The file in tests/bad_files, and all that is said of it after its name.
BAD_ROWS = {
    "blank_source": "row 3, column source: (empty) is missing; name the document with the value",
    "date_after_2999": f"row 3, column period_end: '3000-01-01' {NO_DATE}",
    "date_before_1900": f"row 3, column period_start: '1899-12-31' {NO_DATE}",
    "date_beyond_any_timestamp": f"row 3, column period_end: '5881580-07-10' {NO_DATE}",
    "day_that_does_not_exist": f"row 3, column period_end: '2024-04-31' {NO_DATE}",
    "control_character": ("row 3, column note: 'a bell\\x07' has a control character; remove it, or type the text again"),
    "decimal_comma": "row 3, column value: '0,37' is not a number; write a decimal point and no thousands separator",
    "dimension_of_an_indicator_without_any": (
        "row 3, column dimensions: 'training=Medical' names the dimension training, which sofa_incidents_new does not have; "
        "leave the column empty"
    ),
    "dimension_twice": f"row 3, column dimensions: 'training=Medical;training=All' {NO_DIMENSIONS}",
    "dimension_twice_in_a_map": f"row 3, column dimensions: '{{training=Medical, training=All}}' {NO_DIMENSIONS}",
    "dimensions_without_names": f"row 3, column dimensions: 'Medical' {NO_DIMENSIONS}",
    "empty_dimension_value": f"row 3, column dimensions: 'training=' {NO_TRAINING}",
    "fraction_of_a_whole_number": f"row 3, column value: '2.5' is not a whole number; {FIX_VALUE}",
    "half_year_a_day_short": f"row 3, column period_end: '2023-11-01..2024-04-29' {NO_CYCLE}",
    "half_year_beside_an_annual_indicator": f"row 3, column period_end: '2023-11-01..2024-04-30' {NO_YEAR}",
    "half_year_of_january_to_june": f"row 3, column period_end: '2024-01-01..2024-06-30' {NO_CYCLE}",
    "indicator_in_capitals": (
        "row 3, column indicator: 'SOFA_INCIDENTS_NEW' is not in the catalogue; did you mean sofa_incidents_new?"
    ),
    "indicator_by_a_misspelt_title": (
        "row 3, column indicator: 'New SOFA or SOMA incident' is not in the catalogue; did you mean sofa_incidents_new?"
    ),
    "infinite_date": f"row 3, column period_end: 'infinity' {NO_DATE}",
    "missing_date": f"row 3, column period_end: (empty) {NO_DATE}",
    "missing_dimension": f"row 3, column dimensions: (empty) {NO_TRAINING}",
    "missing_source": "row 3, column source: (empty) is missing; name the document with the value",
    "mission_by_its_location": "row 3, column mission: 'South Sudan' is not a known mission; did you mean UNMISS?",
    "mission_in_lower_case": ("row 3, column mission: 'monusco' is not a known mission; did you mean MONUSCO?"),
    "negative_count": f"row 3, column value: '-1.0' is below the minimum of 0.0; {FIX_VALUE}",
    "neither_value_nor_status": (f"row 3, column status: (empty) is missing, and the value too; {FIX_STATUS}"),
    "no_value_with_status_normal": (f"row 3, column status: 'A' needs a value, but the row has none; {FIX_STATUS}"),
    "null_dimension_value": f"row 3, column dimensions: 'training=' {NO_TRAINING}",
    "percent_sign": "row 3, column value: '37 %' is not a number; write a ratio, 0.37 for 37 %",
    "ratio_above_1": "row 3, column value: '37.0' is above the maximum of 1.0; write a ratio, 0.37 for 37 %",
    "row_twice": "row 4, column indicator: 'sofa_incidents_new MONUSCO' repeats row 3; remove one of the two",
    "start_after_end": ("row 3, column period_start: '2024-05-01' is after period_end 2024-04-30; swap or correct the dates"),
    "status_n_of_release_0_1": (
        "row 3, column status: 'N' is not used here: in SDMX it means not significant; write M for not applicable"
    ),
    "status_u_of_release_0_1": (
        "row 3, column status: 'U' is not used here: in SDMX it means low reliability; write V for under validation"
    ),
    "status_in_lower_case": f"row 3, column status: 'a' {NO_STATUS}",
    "text_behind_a_date": f"row 3, column period_start: '2023-11-01abc' {NO_DATE}",
    "thousands_separator": ("row 3, column value: '1,234' is not a number; write a decimal point and no thousands separator"),
    "two_values_for_one_cell": (
        "row 4, column indicator: 'sofa_incidents_new MONUSCO' has another value than the same cell in row 3; "
        "remove the wrong one; load a correction as a separate file"
    ),
    "unknown_dimension": (
        "row 3, column dimensions: 'trainings=Medical' names the dimension trainings, which tpp_trainees does not have; "
        "did you mean training?"
    ),
    "unknown_dimension_value": (
        "row 3, column dimensions: 'training=Enginering' has an unknown value of the dimension training; "
        "did you mean Engineering?"
    ),
    "unknown_indicator": (
        "row 3, column indicator: 'sofa_incident_new' is not in the catalogue; did you mean sofa_incidents_new?"
    ),
    "unknown_mission": "row 3, column mission: 'UNMSS' is not a known mission; did you mean UNMISS?",
    "unknown_status": f"row 3, column status: 'X' {NO_STATUS}",
    "unreadable_date": f"row 3, column period_start: '1 Nov 2023' {NO_DATE}",
    "value_beyond_a_double": f"row 3, column value: 'inf' {INFINITE}",
    "value_infinite": f"row 3, column value: 'inf' {INFINITE}",
    "value_nan": f"row 3, column value: 'nan' {INFINITE}",
    "value_not_applicable": f"row 3, column status: 'M' {NOT_EMPTY}",
    "value_text": f"row 3, column value: 'n/a' {NO_NUMBER}",
    "value_not_collected": f"row 3, column status: 'L' {NOT_EMPTY}",
    "value_with_status_missing": f"row 3, column status: 'O' {NOT_EMPTY}",
    "year_that_is_no_calendar_year": f"row 3, column period_end: '2023-07-01..2024-06-30' {NO_YEAR}",
}

THE_HEADER = "The header is: indicator,mission,period_start,period_end,value,source,dimensions,status,page,note"
FIRST_LINE = f"the first line must be the header {','.join(KNOWN)}"
DOUBLE_QUOTES = "correct the row; put a value that contains the delimiter in double quotes"
NOT_CLOSED = 'has a quote that is not closed; close it; a quote within a value is written twice: ""'
# The file in tests/bad_files, and what is said of it, {file} standing for its path.
BAD_TABLES = {
    "blank_first_line": f"{{file}}, row 1: is empty; {FIRST_LINE}",
    "column_twice": f"{{file}}, row 1: the column 'value' is given twice. {THE_HEADER}",
    "ignored_column_twice": f"{{file}}, row 1: the column 'batch_id' is given twice. {THE_HEADER}",
    "column_twice_in_another_case": f"{{file}}, row 1: the column 'value' is given twice. {THE_HEADER}",
    "comma_and_three_digits": (
        "{file}, row 3, column value: '1,234' may be 1234 or 1.234, and no other value in the file decides it; "
        "write a decimal point and no thousands separator"
    ),
    "comma_thousands": (
        "{file}, row 3, column value: '1,234,567' has a comma as thousands separator; "
        "write a decimal point and no thousands separator"
    ),
    "day_first_and_month_first": (
        "{file}, row 3, column period_end: '04/30/2024' has the month first, but row 2 '30/04/2024' has the day first; "
        "write dates as YYYY-MM-DD"
    ),
    "day_or_month_first": (
        "{file}, row 3, column period_start: '01/11/2023' may have the day or the month first, and no other date in "
        "the file decides it; write dates as YYYY-MM-DD"
    ),
    "decimal_comma_and_decimal_point": (
        "{file}, row 2, column value: '0,37' has a decimal comma, but row 3 '12.5' has a decimal point; "
        "use one of them in the whole file"
    ),
    "month_first": ("{file}, row 3, column period_end: '04/30/2024' has the month first; write dates as YYYY-MM-DD"),
    "neither_utf_8_nor_windows_1252": (
        "{file}, row 3, column (row): (empty) is neither UTF-8 nor Windows-1252 text; save the file as CSV in UTF-8"
    ),
    "point_and_three_digits_beside_a_decimal_comma": (
        "{file}, row 3, column value: '1.234' may be 1234 or 1.234, as row 2 '0,37' has a decimal comma; "
        "write a decimal point and no thousands separator"
    ),
    "utf_8_and_windows_1252": (
        "{file}, row 3, column (row): (empty) is UTF-8 text, but other rows are not; save the file as CSV in UTF-8"
    ),
    "missing_column": f"{{file}}, row 1: the column 'period_end' is missing. {THE_HEADER}",
    "nameless_column": f"{{file}}, row 1: the column '' is unknown; remove it. {THE_HEADER}",
    "no_header": (
        "{file}, row 1: no known column in "
        "'sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,40,A,\"A4P+ report, cycle 5\",15,'; "
        f"{FIRST_LINE}, separated by a comma, semicolon, tab or |"
    ),
    "quote_not_closed": f"{{file}}, row 3, column (row): (empty) {NOT_CLOSED}",
    "text_after_a_closing_quote": f"{{file}}, row 3, column (row): (empty) {NOT_CLOSED}",
    "too_few_columns": f"{{file}}, row 3, column (row): (empty) has 4 columns where the header has 10; {DOUBLE_QUOTES}",
    "too_many_columns": f"{{file}}, row 3, column (row): (empty) has 11 columns where the header has 10; {DOUBLE_QUOTES}",
    "unknown_column": (
        "{file}, row 1: the column 'misson' is unknown (did you mean 'mission'?); the column 'mission' is missing. "
        f"{THE_HEADER}"
    ),
    "unquoted_comma": f"{{file}}, row 3, column (row): (empty) has 11 columns where the header has 10; {DOUBLE_QUOTES}",
    "web_page": (
        f"{{file}}, row 1: no known column in '<!doctype html>'; {FIRST_LINE}, separated by a comma, semicolon, tab or |"
    ),
}
