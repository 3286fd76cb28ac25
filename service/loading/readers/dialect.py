"""The date and number formats of a text file, detected from the whole file. Ambiguous text is rejected."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import LoadError, RowError


@dataclass(frozen=True)
class Dialect:
    """Formats that a file uses besides YYYY-MM-DD and a decimal point.

    With `grouping_points` or `grouping_spaces` a point or space between groups of three digits is a thousands separator.
    """

    dotted_dates: bool = False
    slashed_dates: bool = False
    decimal_comma: bool = False
    grouping_points: bool = False
    grouping_spaces: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes about these formats in the report of a load."""
        forms = (
            (self.dotted_dates, "dates read as dd.mm.yyyy"),
            (self.slashed_dates, "dates read as dd/mm/yyyy"),
            (self.decimal_comma, "decimal comma"),
            (self.grouping_points, "points read as thousands separators"),
            (self.grouping_spaces, "spaces read as thousands separators"),
        )
        return tuple(note for is_used, note in forms if is_used)


@dataclass(frozen=True)
class Example:
    """The first cell of a file in one format."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        return f"row {self.row} {self.text!r}"


STANDARD = Dialect()
# The formats that show whether a comma, a point or a space is a separator.
_GROUPING_POINTS = ("grouped_decimal_comma", "point_groups")
_DECIMAL_COMMA = (*_GROUPING_POINTS, "space_grouped_decimal_comma", "decimal_comma")


def decide_dialect(file_name: str, found: dict[str, Example]) -> Dialect:
    """Return the dialect of a file, by the first example of each form in it (the forms are those of find_forms.sql).

    Raises LoadError if the examples contradict each other or are ambiguous.
    """
    errors = [*_judge_dates(file_name, found), *_judge_numbers(file_name, found)]
    if errors:
        raise LoadError(f"{file_name} was not loaded", tuple(errors), len(errors))
    grouping_points = not found.keys().isdisjoint(_GROUPING_POINTS)
    return Dialect(
        dotted_dates="dotted_date" in found,
        slashed_dates="day_first" in found,
        decimal_comma=not found.keys().isdisjoint(_DECIMAL_COMMA),
        grouping_points=grouping_points,
        grouping_spaces="space_groups" in found or "space_grouped_decimal_comma" in found,
    )


def _judge_dates(file_name: str, found: dict[str, Example]) -> list[RowError]:
    iso = "write dates as YYYY-MM-DD"
    day_first, month_first, either = found.get("day_first"), found.get("month_first"), found.get("day_or_month_first")
    if month_first and day_first:
        return [_blame(file_name, month_first, f"has the month first, but {day_first} has the day first", iso)]
    if month_first:
        return [_blame(file_name, month_first, "has the month first", iso)]
    if either and not day_first:
        problem = "may have the day or the month first, and no other date in the file decides it"
        return [_blame(file_name, either, problem, iso)]
    return []


def _judge_numbers(file_name: str, found: dict[str, Example]) -> list[RowError]:
    plain = "write a decimal point and no thousands separator"
    comma = next((found[form] for form in _DECIMAL_COMMA if form in found), None)
    point, groups = found.get("decimal_point"), found.get("comma_groups")
    if groups:
        return [_blame(file_name, groups, "has a comma as thousands separator", plain)]
    if comma and point:
        problem = f"has a decimal comma, but {point} has a decimal point"
        return [_blame(file_name, comma, problem, "use one of them in the whole file")]
    if not comma and (either := found.get("comma_and_three_digits")):
        readings = f"{either.text.replace(',', '')} or {either.text.replace(',', '.')}"
        return [_blame(file_name, either, f"may be {readings}, and no other value in the file decides it", plain)]
    if (either := found.get("point_and_three_digits")) and not point and found.keys().isdisjoint(_GROUPING_POINTS):
        readings = f"may be {either.text.replace('.', '')} or {either.text}"
        if comma:
            return [_blame(file_name, either, f"{readings}, as {comma} has a decimal comma", plain)]
        if date := found.get("dotted_date") or found.get("day_first"):
            # With ISO dates a point is a decimal point.
            advice = "remove the thousands separator; for a decimal point, write dates as YYYY-MM-DD"
            return [_blame(file_name, either, f"{readings}, as {date} is not in the standard format", advice)]
    return []


def _blame(file_name: str, example: Example, problem: str, fix: str) -> RowError:
    return RowError(file_name, example.row, example.column, example.text, problem, fix)
