"""Queries of SDMX data: what a request selects, as conditions of SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from service.sdmx.structure import OBS_VALUE, Structure

Context = Literal["dataflow", "datastructure"]


@dataclass(frozen=True)
class Condition:
    """A condition on the columns of `sql/sdmx/select_observations.sql`, with its parameters."""

    sql: str
    parameters: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class DataQuery:
    """What to write. `attributes` are ids, None for all; `first` and `last` count observations of a series."""

    conditions: tuple[Condition, ...] = ()
    updated_after: datetime | None = None
    has_history: bool = False
    first: int | None = None
    last: int | None = None
    attributes: tuple[str, ...] | None = None
    has_measure: bool = True
    context: Context = "dataflow"

    def list_columns(self, structure: Structure) -> list[str]:
        """Return the ids of the components to write, in their order."""
        left_out = set() if self.has_measure else {OBS_VALUE}
        if self.attributes is not None:
            left_out |= {part.id for part in structure.attributes} - set(self.attributes)
        return [name for name in structure.component_ids if name not in left_out]
