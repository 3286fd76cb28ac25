"""Messages, numbers and dates in the language in use."""

from __future__ import annotations

from datetime import date

import pytest

from metrics.languages import (
    Language,
    get_language,
    gettext,
    localize,
    ngettext,
    translate,
    translate_rows,
    use_language,
    write_base,
    write_date,
    write_day,
    write_integer,
    write_percent,
    write_period,
)

FRENCH = Language("fr", {"Field hospitals": "Hôpitaux de campagne"})
THIN, NO_BREAK = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


def test_a_message_without_a_translation_stays_english() -> None:
    with use_language(FRENCH):
        assert gettext("No such message %(name)s", name="x") == "No such message x"
        assert ngettext("%(num)s thing of a test", "%(num)s things of a test", 1) == "1 thing of a test"


def test_the_language_ends_with_its_block() -> None:
    with use_language(FRENCH):
        assert get_language().code == "fr"
    assert get_language().code == "en"


def test_numbers_have_the_separators_of_the_language() -> None:
    assert (write_integer(1234567), localize("1,234.5"), write_percent("37")) == ("1,234,567", "1,234.5", f"37{NO_BREAK}%")
    with use_language(FRENCH):
        assert write_integer(1234567) == f"1{THIN}234{THIN}567"
        assert localize("1,234.5") == f"1{THIN}234,5"
        assert write_percent("37") == f"37{THIN}%"


def test_days_have_the_names_of_months_of_the_language() -> None:
    day = date(2025, 4, 30)
    assert (write_date(day), write_day(day), write_day(None)) == ("30 April 2025", f"30{NO_BREAK}Apr{NO_BREAK}2025", "")
    with use_language(FRENCH):
        assert (write_date(day), write_day(day)) == ("30 avril 2025", f"30{NO_BREAK}avril 2025")
        assert write_date(date(2025, 5, 1)) == "1er mai 2025"


@pytest.mark.parametrize(
    ("label", "french"),
    [
        ("cycle 5", "cycle 5"),
        ("2023", "2023"),
        ("30 Apr 2024", "30 avr. 2024"),
        ("Nov 2023–Apr 2024", "nov. 2023–avr. 2024"),
        ("Aug 2024", "août 2024"),
        (None, ""),
    ],
)
def test_labels_of_periods_are_translated(label: str | None, french: str) -> None:
    assert write_period(label) == (label or "")
    with use_language(FRENCH):
        assert write_period(label) == french


def test_rows_of_queries_have_texts_of_the_catalogue_in_the_language_in_use() -> None:
    rows = [{"title": "Field hospitals", "period": "Aug 2024", "indicators": [{"title": "Field hospitals"}], "value": 1.0}]
    assert translate_rows(rows) is rows
    with use_language(FRENCH):
        assert translate_rows(rows) == [
            {
                "title": "Hôpitaux de campagne",
                "period": "août 2024",
                "indicators": [{"title": "Hôpitaux de campagne"}],
                "value": 1.0,
            }
        ]
        assert translate("A text of a user") == "A text of a user"
        assert write_base("no base") == "no base"
