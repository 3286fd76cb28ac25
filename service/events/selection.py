"""A selection of the events of one feed, as the page `/events` and its chart show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# Spans of at most this many years have a bar for each month.
MAX_YEARS_BY_MONTH = 3


@dataclass(frozen=True)
class EventSelection:
    """The events of a feed with these values; None for any."""

    feed: str
    mission: str | None = None
    kind: str | None = None
    state: str | None = None
    from_year: int | None = None
    to_year: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The selection as the parameters of its queries."""
        return asdict(self)

    def write(self, **changes: str | None) -> dict[str, str | None]:
        """Return the selection, with changes, as the parameters of a link."""
        written = {name: None if value is None else str(value) for name, value in self.parameters.items()}
        return {**written, **changes}

    def is_by_month(self, first_year: int, last_year: int) -> bool:
        """Return whether the chart of events from the first to the last year has a bar for each month."""
        return min(self.to_year or last_year, last_year) - max(self.from_year or first_year, first_year) < MAX_YEARS_BY_MONTH
