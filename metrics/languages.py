"""Languages of pages and documents: messages, texts of the catalogue, numbers and dates of the language in use.

A message is English text in the code, marked by `gettext` or `ngettext`, in templates also by `trans`. Its translations are in
`translations/<language>/LC_MESSAGES/messages.po`; `a4p generate` compiles them. A text of the catalogue has its translation
beside it, under the key of the language. `use_language` sets the language of the present thread.

Babel is used directly: Flask-Babel translates only within a request, and documents are also written by a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from babel.core import Locale
from babel.support import NullTranslations, Translations

TRANSLATIONS = Path(__file__).parent / "translations"
# The language of the code, whose messages need no translation.
SOURCE = "en"
# Each with its own name, as a reader looks for it.
NAMES = {SOURCE: "English", "fr": "Français"}
NO_BREAK = "\N{NO-BREAK SPACE}"
_MONTH = re.compile(r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b")
_SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BASE = re.compile(r"(\d+) of (\d+) missions?")


@dataclass(frozen=True)
class Language:
    """A language: its code, the translations of messages, and those of texts of the catalogue by English text."""

    code: str = SOURCE
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_source(self) -> bool:
        return self.code == SOURCE


ENGLISH = Language()
_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def get_language() -> Language:
    """Return the language in use."""
    return _current.get()


@contextmanager
def use_language(language: Language) -> Iterator[None]:
    """Use a language in this thread."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def gettext(message: str, /, **values: object) -> str:
    """Return a message in the language in use, with its values in the places of %(name)s."""
    language = _current.get()
    text = message if language.is_source else str(_load(language.code).gettext(message))
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """Return a message that depends on a number, in the language in use. The number itself is %(num)s."""
    return choose_plural(singular, plural, number) % {"num": write_integer(number), **values}


def pgettext(context: str, message: str, /, **values: object) -> str:
    """Return a message as `gettext` does, in one of several meanings of its English text."""
    language = _current.get()
    text = message if language.is_source else str(_load(language.code).pgettext(context, message))
    return text % values if values else text


def choose_plural(singular: str, plural: str, number: int) -> str:
    """Return the form of a message for a number, in the language in use, with its places still open."""
    language = _current.get()
    if language.is_source:
        return singular if number == 1 else plural
    return str(_load(language.code).ngettext(singular, plural, number))


def mark_message(message: str) -> str:
    """Return a message as it is, and mark it for translation. `gettext` translates it where it is used."""
    return message


def translate(text: str | None) -> str:
    """Return a text of the catalogue in the language in use, or as it is without a translation; empty for None."""
    return "" if text is None else _current.get().texts.get(text, text)


def write_integer(number: int) -> str:
    """Return a whole number with separators of thousands: 1,234 in English."""
    return localize(f"{number:,}")


def localize(number: str) -> str:
    """Return a number written in English with the separators of the language in use."""
    language = _current.get()
    if language.is_source:
        return number
    group, decimal = find_separators(language.code)
    return number.replace(",", "\0").replace(".", decimal).replace("\0", group)


def write_percent(number: str) -> str:
    """Return a number that is already written, with the percent sign of the language in use."""
    language = _current.get()
    return f"{number}{NO_BREAK if language.is_source else find_separators(language.code)[0]}%"


def write_month(day: date) -> str:
    """Return the name of a month in the language in use."""
    language = _current.get()
    return f"{day:%B}" if language.is_source else _list_months(language.code, "wide")[day.month]


def write_date(day: date) -> str:
    """Return a day as running text has it: 30 April 2024."""
    return gettext("%(day)s %(month)s %(year)s", day=_write_day_of_month(day), month=write_month(day), year=day.year)


def write_day(day: date | None) -> str:
    """Return a day as tables have it: 30 Apr 2024; empty for None."""
    if day is None:
        return ""
    if _current.get().is_source:
        return f"{day.day}{NO_BREAK}{day:%b}{NO_BREAK}{day.year}"
    # A line may break before the year: names of months are longer than in English.
    return write_date(day).replace(" ", NO_BREAK, 1)


def write_period(label: str | None) -> str:
    """Return the label of a period, as SQL writes it in English, in the language in use; empty for None."""
    language = _current.get()
    if label is None or language.is_source:
        return label or ""
    if label.startswith("as of "):
        return gettext("as of %(day)s", day=write_period(label.removeprefix("as of ")))
    if label.startswith("to "):
        return gettext("until %(day)s", day=write_period(label.removeprefix("to ")))
    months = _list_months(language.code, "abbreviated")
    return _MONTH.sub(lambda found: months[_SHORT_MONTHS.index(found[1]) + 1], label)


def write_base(base: str | None) -> str:
    """Return the number of missions that a total covers, as SQL writes it in English, in the language in use."""
    found = _BASE.fullmatch(base or "")
    if found is None or _current.get().is_source:
        return base or ""
    total = int(found[2])
    return ngettext("%(count)s of %(num)s mission", "%(count)s of %(num)s missions", total, count=found[1])


def translate_series(series: str) -> str:
    """Return the name of a series, which is a mission, dimension values or both, in the language in use."""
    texts = _current.get().texts
    return texts[series] if series in texts else ", ".join(translate(part) for part in series.split(", "))


# The columns of queries whose texts are of the catalogue, or labels written by SQL.
_COLUMNS = {
    **dict.fromkeys(("title", "priority_title", "location", "description", "name", "note", "source"), translate),
    **dict.fromkeys(("series", "part"), translate_series),
    **dict.fromkeys(("period", "previous_period"), write_period),
    **dict.fromkeys(("base", "change_base"), write_base),
}


def translate_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of a query with their texts in the language in use, those of nested rows too."""
    return rows if _current.get().is_source else [_translate_row(row) for row in rows]


def _translate_row(row: dict[str, Any]) -> dict[str, Any]:
    return {column: _translate_value(column, value) for column, value in row.items()}


def _translate_value(column: str, value: Any) -> Any:
    if isinstance(value, str):
        return _COLUMNS[column](value) if column in _COLUMNS else value
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_translate_row(entry) for entry in value]
    return value


def _write_day_of_month(day: date) -> str:
    # The only ordinal: 1er mai, but 2 mai.
    return "1er" if day.day == 1 and _current.get().code == "fr" else str(day.day)


@cache
def _load(code: str) -> NullTranslations:
    return Translations.load(TRANSLATIONS, [code])


@cache
def find_separators(code: str) -> tuple[str, str]:
    """Return the separators of thousands and of decimals of a language."""
    symbols = Locale(code).number_symbols["latn"]
    return symbols["group"], symbols["decimal"]


@cache
def list_names(code: str) -> Mapping[str, list[str]]:
    """Return the names of months and days of a language, as formats of d3 have them: the week begins with Sunday."""
    days = {width: Locale(code).days["format"][width] for width in ("wide", "abbreviated")}
    months = {width: _list_months(code, width) for width in ("wide", "abbreviated")}
    return {
        "days": [days["wide"][(number + 6) % 7] for number in range(7)],
        "shortDays": [days["abbreviated"][(number + 6) % 7] for number in range(7)],
        "months": [months["wide"][number] for number in range(1, 13)],
        "shortMonths": [months["abbreviated"][number] for number in range(1, 13)],
    }


@cache
def _list_months(code: str, width: str) -> Mapping[int, str]:
    months: Mapping[int, str] = Locale(code).months["format"][width]
    return months
