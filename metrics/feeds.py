"""Feeds: exports of other systems whose rows are events, each defined by one file in feeds/."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from metrics.catalogue import (
    ALL_MISSIONS,
    NAME,
    Catalogue,
    CatalogueError,
    Definition,
    Line,
    TranslatedDefinition,
    describe_fault,
    read_yaml,
)

DIRECTORY = "feeds"
# The state of an event that a later export no longer has, in a feed that defines it.
WITHDRAWN = "withdrawn"
# Seconds since 1970, as a format of times.
EPOCH = "epoch_seconds"


def fold_column(name: str) -> str:
    """Return the name of a column as it is compared: lower case, stripped, `_` for spaces within."""
    return "_".join(name.lower().split())


def _check_column(name: str) -> str:
    if name != fold_column(name) or not name:
        raise ValueError("write the column in lower case, with _ for spaces")
    return name


def _check_format(text: str) -> str:
    if text == EPOCH:
        return text
    if "%Y" not in text or "%d" not in text:
        raise ValueError(f"a format has at least %d and %Y, as in '%d %B %Y', or is {EPOCH!r}")
    return text


Column = Annotated[str, AfterValidator(_check_column)]
Format = Annotated[str, AfterValidator(_check_format)]


class TextField(Definition):
    """A field of an event: the text of a column, trimmed, or a constant.

    `values` maps texts of the file to stored ones, upper or lower case. A text that is not listed becomes `default` if there
    is one, is stored as written if there are no `values` or with `others: keep`, and makes the row unreadable otherwise.
    """

    column: Column | None = None
    constant: Line | None = None
    values: dict[Line, Line] = Field(default_factory=dict)
    default: Line | None = None
    others: Literal["keep", "reject"] | None = None

    @property
    def keeps_others(self) -> bool:
        """Whether a text that is not in `values` is stored as written."""
        return self.default is None and (self.others or ("reject" if self.values else "keep")) == "keep"

    @property
    def stored_values(self) -> tuple[str, ...] | None:
        """The values that the field can have, in the order of the file, or None if it can have any text."""
        if self.constant is not None:
            return (self.constant,)
        if self.keeps_others:
            return None
        return tuple(dict.fromkeys([*self.values.values(), *([self.default] if self.default else [])]))

    @model_validator(mode="after")
    def _check(self) -> TextField:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either column or constant")
        if self.constant is not None and (self.values or self.default or self.others):
            raise ValueError("a constant has no values, default or others: remove them")
        if self.default is not None and self.others is not None:
            raise ValueError("default replaces all other texts: remove others")
        if self.others == "reject" and not self.values:
            raise ValueError("others: reject needs values")
        if repeated := [text for text, times in Counter(map(str.lower, self.values)).items() if times > 1]:
            raise ValueError(f"the value {repeated[0]!r} is given twice in upper and lower case; remove one")
        return self


class TimeField(Definition):
    """A date or time of an event. Besides YYYY-MM-DD a column may have the given formats of strptime, or epoch_seconds."""

    column: Column
    formats: tuple[Format, ...] = ()


class MissionField(Definition):
    """The mission of an event.

    `values` maps names of the file to missions, or to ALL. Rows of the names in `left_out`, each with a reason, are not stored.
    `unknown`: what is done with the rows of a name that is neither listed nor in the catalogue.
    """

    column: Column
    values: dict[Line, Line] = Field(default_factory=dict)
    left_out: dict[Line, Line] = Field(default_factory=dict)
    unknown: Literal["reject", "leave_out", "ALL"] = "reject"

    @model_validator(mode="after")
    def _check(self) -> MissionField:
        if both := sorted({name.lower() for name in self.values} & {name.lower() for name in self.left_out}):
            raise ValueError(f"{both[0]!r} is in values and in left_out: remove one")
        return self


class RowFilter(Definition):
    """Only rows whose column has one of these values, upper or lower case, are events; others are left out for the reason."""

    column: Column
    values: tuple[Line, ...] = Field(min_length=1)
    reason: Line


class Feed(TranslatedDefinition):
    """An export of another system. Only the named columns are stored; all others are dropped when the file is read.

    `updated_at` orders the revisions of an event. With `withdraws_missing` an event that a later export does not have becomes
    withdrawn; every row of an export then has the same `updated_at`.
    """

    feed: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    title: Line
    description: Line
    source: Line
    licence: Line
    attribution: Line
    event_id: Column
    kind: TextField
    occurred_on: TimeField
    mission: MissionField
    state: TextField
    updated_at: TimeField
    attributes: dict[Line, TextField] = Field(default_factory=dict)
    only: tuple[RowFilter, ...] = ()
    ignored: dict[Column, Line] = Field(default_factory=dict)
    withdraws_missing: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a file must have, each once. An attribute without its column would disappear from every event."""
        texts = [self.kind, self.state, *self.attributes.values()]
        columns = [
            self.event_id, self.occurred_on.column, self.mission.column, self.updated_at.column,
            *(field.column for field in texts), *(entry.column for entry in self.only),
        ]  # fmt: skip
        return tuple(dict.fromkeys(column for column in columns if column is not None))

    def digest(self) -> str:
        """Return the SHA-256 of the definition."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    @model_validator(mode="after")
    def _check(self) -> Feed:
        for name in self.attributes:
            if not NAME.fullmatch(name):
                raise ValueError(f"the attribute {name!r} must be lower_snake_case")
        if both := sorted(set(self.columns) & set(self.ignored)):
            raise ValueError(f"the column {both[0]!r} is read and in ignored: remove one")
        if WITHDRAWN in (self.state.stored_values or ()):
            raise ValueError(f"the state {WITHDRAWN!r} is set by the service: choose another one")
        if self.state.stored_values is None:
            raise ValueError("state: give values, so that the possible states are known")
        if EPOCH in self.occurred_on.formats:
            raise ValueError(f"occurred_on is a date and cannot be {EPOCH}")
        return self


def read_feeds(directory: Path, catalogue: Catalogue) -> tuple[Feed, ...]:
    """Return the feeds of a catalogue directory by name. Raises CatalogueError with all errors: file, key and fix."""
    feeds: list[Feed] = []
    faults: list[str] = []
    for file in sorted((directory / DIRECTORY).glob("*.yaml")):
        try:
            feed = Feed.model_validate(read_yaml(file))
        except CatalogueError as error:
            faults.append(str(error))
            continue
        except ValidationError as error:
            faults += [f"{file}: {describe_fault(fault)}" for fault in error.errors()]
            continue
        faults += [f"{file}: {fault}" for fault in _find_faults(feed, file, catalogue)]
        feeds.append(feed)
    if faults:
        raise CatalogueError("\n".join(faults))
    return tuple(feeds)


def _find_faults(feed: Feed, file: Path, catalogue: Catalogue) -> Iterator[str]:
    if feed.feed != file.stem:
        yield f"the feed is {feed.feed!r}: rename the file to {feed.feed}.yaml or correct the name"
    known = {mission.mission for mission in catalogue.missions} | {ALL_MISSIONS}
    for written, mission in feed.mission.values.items():
        if mission not in known:
            yield f"mission: {written!r} is mapped to {mission!r}, which is not in missions.yaml; correct or add it"
    for name in feed.mission.left_out:
        if name in known:
            yield f"mission: {name!r} is left out but is a mission of the catalogue; remove it from left_out"


def find_feed(feeds: tuple[Feed, ...], name: str) -> Feed | None:
    """Return the feed of this name, or None."""
    return next((feed for feed in feeds if feed.feed == name), None)


# Texts that begin with # in the second row of a file are tags of the Humanitarian Exchange Language (hxlstandard.org).
HXL_TAG = re.compile(r"\s*#[a-z]")
