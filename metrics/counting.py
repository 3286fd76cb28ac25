"""Counting rules: how an indicator is counted from the events of a feed, written beside the indicator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date as day
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from metrics.catalogue import Catalogue, Indicator
    from metrics.feeds import Feed, TextField

# The frequency of an indicator with each kind of period.
FREQUENCIES = {"calendar_years": "annual", "cycles": "half_yearly"}


class CountedFrom(BaseModel):
    """A count of the events of a feed by mission, period and at most one dimension.

    `by` names the field of an event that the dimension is: kind, state or an attribute. `where` lists for such fields the
    values that are counted. `since` is the first day of the first period. The counts of a mission for a period are provisional
    while it has events with one of the `provisional_states`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    by: Mapping[str, str] = Field(default_factory=dict, max_length=1)
    where: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    date: Literal["occurred_on"] = "occurred_on"
    periods: Literal["calendar_years", "cycles"]
    since: day
    provisional_states: tuple[str, ...] = ("pending",)

    def to_row(self) -> dict[str, object]:
        """Return the rule in the form stored in the warehouse."""
        return {
            "feed": self.feed,
            "conditions": {name: list(values) for name, values in self.where.items()},
            "fields": dict(self.by),
            "periods": self.periods,
            "since": self.since.isoformat(),
            "provisional_states": list(self.provisional_states),
        }

    @model_validator(mode="after")
    def _check(self) -> CountedFrom:
        if self.periods == "calendar_years" and (self.since.month, self.since.day) != (1, 1):
            raise ValueError("since must be 1 January for calendar years")
        return self


def list_faults(catalogue: Catalogue, feeds: tuple[Feed, ...]) -> list[str]:
    """Return the faults of counting rules: unknown feeds, fields and values, and dimensions that do not match."""
    known = {feed.feed: feed for feed in feeds}
    return [
        f"indicator {entry.indicator}: counted_from: {fault}"
        for _, entry in catalogue.indicators
        if entry.counted_from is not None
        for fault in _find_faults(entry, entry.counted_from, known)
    ]


def _find_faults(indicator: Indicator, rule: CountedFrom, feeds: Mapping[str, Feed]) -> Iterator[str]:
    if rule.feed not in feeds:
        yield f"unknown feed {rule.feed!r}; the feeds are {', '.join(sorted(feeds)) or 'none'}"
        return
    fields: dict[str, TextField] = {
        "kind": feeds[rule.feed].kind,
        "state": feeds[rule.feed].state,
        **feeds[rule.feed].attributes,
    }
    if set(rule.by) != set(indicator.dimensions):
        dimensions = ", ".join(indicator.dimensions) or "none"
        yield f"by names {', '.join(rule.by) or 'no dimension'}, but the indicator has {dimensions}"
    for name in [*rule.by.values(), *rule.where]:
        if name not in fields:
            yield f"unknown field {name!r} of the feed; its fields are {', '.join(fields)}"
            return
    for name, values in rule.where.items():
        stored = fields[name].stored_values
        for value in values if stored is not None else ():
            if value not in (stored or ()):
                yield f"where: the feed has no {name} {value!r}; correct it"
    for dimension, name in rule.by.items():
        stored = rule.where.get(name) or fields[name].stored_values
        if stored is None:
            yield f"by: {name} of the feed can have any text; give it values in the feed, or list those to count in where"
            continue
        for value in stored:
            if value not in indicator.dimensions.get(dimension, ()):
                yield f"by: {name} can be {value!r}, not a value of {dimension}; add it, or list the values to count in where"
