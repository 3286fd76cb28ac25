"""Relations between indicators, read from validation.yaml: the validation rules compare the values that they name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError, field_validator, model_validator

from metrics.catalogue import Catalogue, CatalogueError, Definition, DimensionValue, Indicator, Line, describe_fault, read_yaml

FILE_NAME = "validation.yaml"

Importance = Literal["high", "medium", "low"]
Kind = Literal["required_together", "exclusive", "part_of", "not_above", "total_of"]
OverMissions = Literal["sum", "count"]
Scope = Literal["mission", "total", "sum", "count"]


class Term(Definition):
    """An indicator, or some of its dimension values. In YAML a name alone is the indicator with all its dimension values."""

    indicator: Line
    dimensions: dict[str, tuple[DimensionValue, ...]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _read_name(cls, entry: Any) -> Any:
        return {"indicator": entry} if isinstance(entry, str) else entry


class _Relation(Definition):
    # Replaces the severity in the header of the rule.
    severity: Importance | None = None
    # Why the relation holds, or why it may not.
    note: Line | None = None

    def list_terms(self) -> tuple[Term, ...]:
        """Return the terms in the order of their sides."""
        raise NotImplementedError


class RequiredTogether(_Relation):
    """If one of the indicators is reported, all are, missing and not applicable included."""

    indicators: tuple[Term, ...] = Field(min_length=2)

    def list_terms(self) -> tuple[Term, ...]:
        return self.indicators


class Exclusive(_Relation):
    """A value above 0 of one indicator excludes 0 as the value of the other."""

    positive: Term
    zero: Term

    def list_terms(self) -> tuple[Term, ...]:
        return self.positive, self.zero


class PartOf(_Relation):
    """What the part counts is counted in the whole too."""

    part: Term
    whole: Term

    def list_terms(self) -> tuple[Term, ...]:
        return self.part, self.whole


class NotAbove(_Relation):
    """A later step concerns only what an earlier step has counted."""

    later: Term
    earlier: Term

    def list_terms(self) -> tuple[Term, ...]:
        return self.later, self.earlier


class TotalOf(_Relation):
    """A total is the sum of its parts: dimension values, another indicator, or the values of the expected missions.

    `over_missions: count` counts the missions whose value is above 0.
    """

    total: Term
    parts: Term
    over_missions: OverMissions | None = None
    tolerance: float = Field(default=0, ge=0, allow_inf_nan=False)

    def list_terms(self) -> tuple[Term, ...]:
        return self.total, self.parts


class _Relations(Definition):
    required_together: tuple[RequiredTogether, ...] = ()
    exclusive: tuple[Exclusive, ...] = ()
    part_of: tuple[PartOf, ...] = ()
    not_above: tuple[NotAbove, ...] = ()
    total_of: tuple[TotalOf, ...] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _check_list(cls, entries: Any) -> Any:
        if not isinstance(entries, list):
            raise ValueError("must be a list of relations, each beginning with '- '")
        return entries


@dataclass(frozen=True)
class Side:
    """One side of a relation. `combinations` is the number of series of a mission that are added up.

    `compared_by` are the dimensions that all sides have: sides are compared for each of their values. The values of other
    dimensions are added up. `scope`: "mission" compares the values of each mission, "total" is that of all missions, "sum" adds
    up the expected missions, and "count" counts those with a value above 0.
    """

    indicator: str
    chosen: dict[str, tuple[str, ...]]
    compared_by: tuple[str, ...]
    combinations: int
    scope: Scope


@dataclass(frozen=True)
class Relation:
    """A relation between the values of one mission and period. A `severity` replaces that of the rule."""

    kind: Kind
    sides: tuple[Side, ...]
    severity: Importance | None = None
    note: str | None = None
    tolerance: float = 0
    where: str = field(default="", compare=False)


def read_relations(file: Path, catalogue: Catalogue) -> tuple[Relation, ...]:
    """Return the relations in `file`, none if it does not exist. Raises CatalogueError with file, entry and fix."""
    if not file.exists():
        return ()
    try:
        entries = _Relations.model_validate(read_yaml(file) or {})
    except ValidationError as error:
        raise CatalogueError("\n".join(f"{file}: {describe_fault(fault)}" for fault in error.errors())) from None
    indicators = {entry.indicator: entry for _, entry in catalogue.indicators}
    relations: list[Relation] = []
    faults: list[str] = []
    for kind in get_args(Kind):
        for position, entry in enumerate(getattr(entries, kind), 1):
            where = f"{file}, {kind}, entry {position}"
            if wrong := list(_find_faults(entry, indicators)):
                faults += [f"{where}: {fault}" for fault in wrong]
            else:
                relations.append(_make_relation(kind, entry, indicators, where))
    if faults:
        raise CatalogueError("\n".join(faults))
    return tuple(relations)


def _find_faults(entry: _Relation, indicators: dict[str, Indicator]) -> Iterable[str]:
    known: list[Indicator] = []
    for term in entry.list_terms():
        indicator = indicators.get(term.indicator)
        if indicator is None:
            yield f"unknown indicator {term.indicator!r}; correct the name or remove the relation"
            continue
        known.append(indicator)
        for dimension, values in term.dimensions.items():
            if dimension not in indicator.dimensions:
                known_names = ", ".join(indicator.dimensions) or "none"
                yield f"{term.indicator} has no dimension {dimension!r}; its dimensions: {known_names}"
            elif unknown := [value for value in values if value not in indicator.dimensions[dimension]]:
                yield (
                    f"{term.indicator} has no {dimension} {', '.join(map(repr, unknown))}; "
                    f"known: {', '.join(indicator.dimensions[dimension])}"
                )
            elif not values:
                yield f"{term.indicator}: name at least one value of {dimension!r}"
    terms = entry.list_terms()
    if any(term in terms[:number] for number, term in enumerate(terms)) and not getattr(entry, "over_missions", None):
        yield "both sides are the same; name different indicators or dimension values"
    counts = getattr(entry, "over_missions", None) == "count"
    units = {indicator.unit for indicator in known}
    if isinstance(entry, PartOf | NotAbove | TotalOf) and not counts and len(units) > 1 and units != {"count", "boolean"}:
        named = ", ".join(f"{indicator.indicator} in {indicator.unit}" for indicator in known)
        yield f"the units differ: {named}; compare equal units"


def _make_relation(kind: Kind, entry: _Relation, indicators: dict[str, Indicator], where: str) -> Relation:
    terms = entry.list_terms()
    # A dimension of which a side names values is not compared: the named values are added up.
    free = [set(indicators[term.indicator].dimensions) - set(term.dimensions) for term in terms]
    shared = tuple(sorted(set.intersection(*free)))
    over_missions: OverMissions | None = getattr(entry, "over_missions", None)
    sides = tuple(
        Side(
            term.indicator,
            dict(term.dimensions),
            shared,
            math.prod(
                len(term.dimensions.get(name, values))
                for name, values in indicators[term.indicator].dimensions.items()
                if name not in shared
            ),
            # The parts are the last side.
            "mission" if over_missions is None else over_missions if number else "total",
        )
        for number, term in enumerate(terms)
    )
    return Relation(kind, sides, entry.severity, entry.note, getattr(entry, "tolerance", 0), where)
