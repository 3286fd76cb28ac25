"""Filters of SDMX data queries: keys such as S.*.UNMISS, and component filters such as c[MISSION]=UNMISS,UNMIK."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from service.names import suggest_names
from service.sdmx.query import Condition
from service.sdmx.structure import OBS_VALUE, TIME_PERIOD, Component, Structure
from service.warehouse.database import Connection

ANY = ("*", "")
MAX_TERMS = 500
_TERM = re.compile(r"(?:(eq|ne|lt|le|gt|ge|co|nc|sw|ew):)?(.*)", re.DOTALL)
_COMPARISONS = {"eq": "is not distinct from", "ne": "is distinct from", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TEXTS = {"co": "contains({}, {})", "nc": "not contains({}, {})", "sw": "starts_with({}, {})", "ew": "ends_with({}, {})"}
# Later and earlier periods: compared by their first and last day.
_PERIODS = {
    "lt": "_period_end < {first}",
    "le": "_period_end <= {last}",
    "gt": "_period_start > {last}",
    "ge": "_period_start >= {first}",
}


class FilterError(ValueError):
    """A filter that cannot be read. The text names the fix."""


class UnknownCode(FilterError):
    """A code that no observation can have."""


def read_keys(written: str, structure: Structure) -> Condition | None:
    """Return the condition of one or more keys, separated by commas; None for all observations.

    Dimensions that a key leaves out at its end, * and nothing match every code. Raises FilterError.
    """
    keys = written.split(",")
    if len(keys) > MAX_TERMS:
        raise FilterError(f"{len(keys)} keys are more than the maximum of {MAX_TERMS}.")
    alternatives: list[str] = []
    parameters: dict[str, object] = {}
    for number, key in enumerate(keys):
        codes = key.split(".")
        if len(codes) > len(structure.dimensions):
            order = ".".join(part.id for part in structure.dimensions)
            raise FilterError(f"{key!r} has {len(codes)} parts. A key has at most {len(structure.dimensions)}: {order}.")
        conditions = []
        for part, code in zip(structure.dimensions, codes, strict=False):
            if code in ANY:
                continue
            _check_code(part, code)
            name = f"key_{number}_{part.id}"
            conditions.append(f'"{part.id}" = ${name}')
            parameters[name] = code
        alternatives.append(" and ".join(conditions) or "true")
    if "true" in alternatives:
        return None
    return Condition(f"({' or '.join(f'({alternative})' for alternative in alternatives)})", parameters)


def read_component_filter(
    session: Connection, component: str, written: str, structure: Structure, year_start: str | None = None
) -> Condition:
    """Return the condition of c[component]=written: a comma is OR, a plus is AND, and a prefix such as ge: an operator.

    `year_start` is the start of the reporting year of periods such as 2023-S2, written --05-01. Raises FilterError.
    """
    parts = {part.id: part for part in (*structure.dimensions, structure.time, structure.measure, *structure.attributes)}
    if component not in parts:
        raise FilterError(
            f"unknown component {component!r}. {suggest_names(component, tuple(parts), 'See the data structure.')}"
        )
    part = parts[component]
    make = _choose_maker(session, part, year_start)
    parameters: dict[str, object] = {}
    groups = [group.split("+") for group in written.split(",")]
    if sum(map(len, groups)) > MAX_TERMS:
        raise FilterError(f"more than {MAX_TERMS} values.")
    alternatives = []
    for group in groups:
        conditions = []
        for term in group:
            matched = _TERM.fullmatch(term)
            operator, value = (matched[1] or "eq", matched[2]) if matched else ("eq", "")
            if not value:
                raise FilterError(f"{term!r} has no value. Write it like c[{component}]=A,B or c[{component}]=ne:A.")
            name = f"c_{part.id}_{len(parameters)}"
            conditions.append(make(operator, value, name, parameters))
        alternatives.append(" and ".join(conditions))
    return Condition(f"({' or '.join(f'({alternative})' for alternative in alternatives)})", parameters)


Maker = Callable[[str, str, str, dict[str, object]], str]


def _choose_maker(session: Connection, part: Component, year_start: str | None) -> Maker:
    def compare_text(operator: str, value: str, name: str, parameters: dict[str, object]) -> str:
        if operator == "eq" and part.codelist:
            _check_code(part, value)
        parameters[name] = value
        if operator in _TEXTS:
            return f"coalesce({_TEXTS[operator].format(_quote(part.id), f'${name}')}, {str(operator == 'nc').lower()})"
        return f'"{part.id}" {_COMPARISONS[operator]} ${name}'

    def compare_number(operator: str, value: str, name: str, parameters: dict[str, object]) -> str:
        if operator not in _COMPARISONS:
            raise FilterError(f"{operator}: compares texts. Use eq, ne, lt, le, gt or ge for {part.id}.")
        try:
            parameters[name] = float(value)
        except ValueError:
            raise FilterError(f"{value!r} is not a number.") from None
        return f"_value {_COMPARISONS[operator]} ${name}"

    def compare_period(operator: str, value: str, name: str, parameters: dict[str, object]) -> str:
        if operator in _TEXTS:
            return compare_text(operator, value, name, parameters)
        first, last = read_period(session, value, year_start)
        if operator in _PERIODS:
            days = {"first": first, "last": last}
            (used,) = (key for key in days if f"{{{key}}}" in _PERIODS[operator])
            parameters[name] = days[used]
            return _PERIODS[operator].format(**{used: f"${name}"})
        parameters |= {f"{name}_first": first, f"{name}_last": last}
        same = f"(_period_start = ${name}_first and _period_end = ${name}_last)"
        return same if operator == "eq" else f"not {same}"

    return {TIME_PERIOD: compare_period, OBS_VALUE: compare_number}.get(part.id, compare_text)


def read_period(session: Connection, written: str, year_start: str | None) -> tuple[date, date]:
    """Return the first and last day of a TIME_PERIOD. Raises FilterError."""
    row = session.execute(
        "select (sdmx_period($written, $year_start)).first::varchar, (sdmx_period($written, $year_start)).last::varchar",
        {"written": written, "year_start": year_start},
    ).fetchone()
    try:
        first, last = (date.fromisoformat(day) for day in row or ())
    except (TypeError, ValueError):
        fix = "Write it like 2023-11-01/P6M, 2023 or 2023-11-01; 2023-S2 needs reportingYearStartDay, such as --05-01."
        raise FilterError(f"{written!r} is not a period. {fix}") from None
    return first, last


def _check_code(part: Component, code: str) -> None:
    codes: Sequence[str] = [entry.id for entry in part.codelist.codes] if part.codelist else []
    if code not in codes:
        raise UnknownCode(f"{part.id} has no code {code!r}. {suggest_names(code, codes, 'See its codelist.')}")


def _quote(name: str) -> str:
    return f'"{name}"'
