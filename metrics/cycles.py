"""Reporting cycles: a calendar rule, and the cycles that differ from it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

OLD_FORM = (
    "{file}: a list of cycles is the form of release 0.1; cycles now follow a rule. Write instead:\n"
    "  rule:\n    cycle: {cycle}\n    period_start: {period_start}\n    months: 6\n  due_days: 60\n  exceptions: []\n"
    "and list as an exception each cycle that is not a half-year of this rule (docs/upgrading.md)"
)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CycleRule(_Entry):
    """The cycle from which others are counted, and the length of a cycle."""

    cycle: int = Field(ge=1)
    period_start: date
    months: Literal[1, 2, 3, 4, 6, 12]

    @model_validator(mode="after")
    def _check_start(self) -> CycleRule:
        if self.period_start.day != 1:
            raise ValueError("period_start must be the first day of a month")
        return self


class CycleException(_Entry):
    """A cycle whose dates or deadline differ from the rule."""

    cycle: int = Field(ge=1)
    period_start: date
    period_end: date
    due_days: int | None = Field(default=None, ge=0)
    expiry_days: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _check_order(self) -> CycleException:
        if self.period_start > self.period_end:
            raise ValueError("period_start is after period_end: swap them")
        return self


class Cycles(_Entry):
    """The calendar of reporting cycles, without gaps."""

    rule: CycleRule
    due_days: int = Field(default=60, ge=0)
    expiry_days: int = Field(default=0, ge=0)
    exceptions: tuple[CycleException, ...] = ()

    def find_period(self, cycle: int) -> tuple[date, date]:
        """Return the first and the last day of a cycle."""
        for entry in self.exceptions:
            if entry.cycle == cycle:
                return entry.period_start, entry.period_end
        return self._find_start(cycle), self._find_start(cycle + 1) - timedelta(days=1)

    def find_expiry(self, cycle: int) -> date | None:
        """Return the last day on which missions may submit for a cycle; None if its round never closes."""
        days = self.expiry_days
        for entry in self.exceptions:
            if entry.cycle == cycle and entry.expiry_days is not None:
                days = entry.expiry_days
        return self.find_period(cycle)[1] + timedelta(days=days) if days else None

    def _find_start(self, cycle: int) -> date:
        months = (
            self.rule.period_start.year * 12 + self.rule.period_start.month - 1 + (cycle - self.rule.cycle) * self.rule.months
        )
        return date(months // 12, months % 12 + 1, 1)

    @model_validator(mode="after")
    def _check_expiry(self) -> Cycles:
        for place, days, due in [
            ("expiry_days", self.expiry_days, self.due_days),
            *(
                (
                    f"cycle {entry.cycle}: expiry_days",
                    self.expiry_days if entry.expiry_days is None else entry.expiry_days,
                    self.due_days if entry.due_days is None else entry.due_days,
                )
                for entry in self.exceptions
            ),
        ]:
            if 0 < days < due:
                raise ValueError(f"{place} is {days}, before the deadline of {due} days: raise it, or write 0 for never")
        return self

    @model_validator(mode="after")
    def _check_exceptions(self) -> Cycles:
        numbers = [entry.cycle for entry in self.exceptions]
        for number in numbers:
            if numbers.count(number) > 1:
                raise ValueError(f"exceptions list cycle {number} more than once: keep one")
        for number in sorted({near for listed in numbers for near in (listed - 1, listed) if near >= 1}):
            end, start = self.find_period(number)[1], self.find_period(number + 1)[0]
            if start != end + timedelta(days=1):
                raise ValueError(
                    f"cycle {number} ends on {end} but cycle {number + 1} begins on {start}: "
                    "change the exception, or add the cycle beside it to the exceptions"
                )
        return self


def explain_old_form(file: Path, raw: list[Any]) -> str:
    """Return how to rewrite a cycles.yaml that is a list, as release 0.1 had it."""
    last = raw[-1] if raw and isinstance(raw[-1], dict) else {}
    return OLD_FORM.format(file=file, cycle=last.get("cycle", 5), period_start=last.get("period_start", "2023-11-01"))
