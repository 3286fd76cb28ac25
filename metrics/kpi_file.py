"""KPI definitions: the header of each file in sql/kpis and the query below it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from metrics.catalogue import METRIC_PREFIX, Better, CatalogueError, Definition, Line, Unit, find_name_fault

ALL_INDICATORS = "*"
# A value is computed for each day on which an event enters or leaves the window, so the cost grows with its length.
MAX_WINDOW_DAYS = 366
_PAIR = re.compile(r"(?P<key>[a-z_]+): +(?P<value>.+)")


class KpiHeader(Definition):
    """The keys of the comment block of a KPI file.

    `inputs` are indicators. A KPI over the events of a window has `feed` and `window_days` instead. `maximum` is optional: the
    largest possible value, 1 for a share; a larger value is shown and flagged as impossible. `short_title` is for rows of
    dashboards. `title_fr`, `short_title_fr` and `description_fr` are the texts in French.
    """

    kpi: Line
    title: Line
    title_fr: Line | None = None
    short_title: Line | None = None
    short_title_fr: Line | None = None
    description: Line
    description_fr: Line | None = None
    unit: Unit
    better: Better
    priority: Line
    labels: Line
    inputs: Line | None = None
    feed: Line | None = None
    window_days: int | None = Field(default=None, ge=1, le=MAX_WINDOW_DAYS)
    maximum: float | None = Field(default=None, allow_inf_nan=False)


@dataclass(frozen=True)
class Kpi:
    """A KPI: its header and the query that computes it.

    A KPI with `feed` counts the events of that feed in the `window_days` days until a date; its query reads `window_events` and
    `open_missions`. The query of any other KPI reads `latest` and `changes`.

    Columns of the query: the labels, `value` and, for totals over missions, `missions`, which lists the missions; null in the
    rows of one mission.
    """

    kpi: str
    title: str
    description: str
    unit: Unit
    better: Better
    priority: str
    labels: tuple[str, ...]
    inputs: tuple[str, ...]
    query: str
    file: Path
    maximum: float | None = None
    feed: str | None = None
    window_days: int | None = None
    short_title: str | None = None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)

    @property
    def metric(self) -> str:
        return METRIC_PREFIX + self.kpi

    @property
    def reads_everything(self) -> bool:
        """Whether the KPI reads all indicators."""
        return self.inputs == (ALL_INDICATORS,)

    @property
    def source(self) -> str:
        """What the KPI is computed from, in words for users."""
        if self.feed is not None:
            return f"events of {self.feed} in {self.window_days} days"
        return "every indicator" if self.reads_everything else ", ".join(self.inputs)

    @property
    def is_total(self) -> bool:
        """Whether values are totals over missions, which a column of the query lists (`... as missions`)."""
        return re.search(r"\bas missions\b", self.query) is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the query must have."""
        return (*self.labels, "value", *(["missions"] if self.is_total else []))

    def digest(self) -> str:
        """Return the SHA-256 of name, labels, inputs or window, and query, which determine the values."""
        window = [self.feed, str(self.window_days)] if self.feed else []
        text = "\0".join([self.kpi, ",".join(self.labels), ",".join(self.inputs), self.query, *window])
        return hashlib.sha256(text.encode()).hexdigest()


def parse_header(text: str, file: Path) -> tuple[dict[str, tuple[str, int]], str]:
    """Split the text of an SQL file into its header (key -> value and line number) and the query below.

    A header is the block of `-- key: value` lines at the top; two or more spaces separate pairs on a line.
    Raises CatalogueError naming file and line.
    """
    header: dict[str, tuple[str, int]] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.startswith("--"):
            return header, "\n".join(lines[number - 1 :]).strip().rstrip(";")
        for part in re.split(r" {2,}", line.removeprefix("--").strip()):
            pair = _PAIR.fullmatch(part)
            if pair is None:
                raise CatalogueError(f"{file}:{number}: expected '-- key: value', found {part!r}")
            if pair["key"] in header:
                raise CatalogueError(f"{file}:{number}: the key {pair['key']!r} is given twice; remove one")
            header[pair["key"]] = (pair["value"].strip(), number)
    return header, ""


H = TypeVar("H", bound=Definition)


def read_header(file: Path, model: type[H]) -> tuple[H, dict[str, tuple[str, int]], str]:
    """Return the header of an SQL file, its values with their line numbers, and the query below.

    Raises CatalogueError with file, line and fix.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{file}: the file cannot be read ({error}); save it as UTF-8") from None
    raw, query = parse_header(text, file)
    try:
        header = model.model_validate({key: value for key, (value, _) in raw.items()})
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            key = str(fault["loc"][0])
            line = raw[key][1] if key in raw else 1
            if fault["type"] == "missing":
                faults.append(f"{file}:1: the key {key!r} is missing in the header; add '-- {key}: ...'")
            elif fault["type"] == "extra_forbidden":
                faults.append(f"{file}:{line}: the key {key!r} is unknown; remove it or correct its spelling")
            else:
                faults.append(f"{file}:{line}: {key}: {fault['msg']}")
        raise CatalogueError("\n".join(faults)) from None
    if not query:
        raise CatalogueError(f"{file}: the query below the header is missing")
    return header, raw, query


def read_kpi(file: Path) -> Kpi:
    """Return the KPI defined in `file`. Raises CatalogueError with file, line and fix."""
    header, raw, query = read_header(file, KpiHeader)
    if name_fault := find_name_fault(header.kpi, header.unit):
        raise CatalogueError(f"{file}:{raw['kpi'][1]}: {name_fault}")
    labels = tuple(label.strip() for label in header.labels.split(","))
    if "mission" not in labels:
        raise CatalogueError(f"{file}:{raw['labels'][1]}: labels must name mission")
    if (header.feed is None) != (header.window_days is None):
        raise CatalogueError(f"{file}:1: a KPI over events needs both keys, 'feed' and 'window_days'; add the other")
    if (header.inputs is None) == (header.feed is None):
        raise CatalogueError(
            f"{file}:1: the key 'inputs' is missing in the header; add '-- inputs: ...', or 'feed' and 'window_days' for a KPI "
            "over events"
            if header.inputs is None
            else f"{file}:{raw['inputs'][1]}: a KPI over events has no 'inputs'; remove the key, or 'feed' and 'window_days'"
        )
    return Kpi(
        header.kpi,
        header.title,
        header.description,
        header.unit,
        header.better,
        header.priority,
        labels,
        tuple(name.strip() for name in header.inputs.split(",")) if header.inputs else (),
        query,
        file,
        header.maximum,
        header.feed,
        header.window_days,
        header.short_title,
        {"fr": _pair_texts(header, "fr")},
    )


def _pair_texts(header: KpiHeader, language: str) -> dict[str, str]:
    """Return the texts of a header in a language by English text."""
    keys = ("title", "short_title", "description")
    pairs = ((getattr(header, key), getattr(header, f"{key}_{language}")) for key in keys)
    return {text: translated for text, translated in pairs if text and translated}


def read_kpis(directory: Path) -> tuple[Kpi, ...]:
    """Return all KPIs of `directory`, by file name. Raises CatalogueError with all errors, one line each."""
    kpis: dict[str, Kpi] = {}
    faults: list[str] = []
    for file in sorted(directory.glob("*.sql")):
        try:
            kpi = read_kpi(file)
        except CatalogueError as error:
            faults.append(str(error))
            continue
        if kpi.kpi in kpis:
            faults.append(f"{file}: the KPI {kpi.kpi!r} is already defined in {kpis[kpi.kpi].file}; rename one")
            continue
        kpis[kpi.kpi] = kpi
    if faults:
        raise CatalogueError("\n".join(faults))
    return tuple(kpis.values())


def check_kpis(
    kpis: tuple[Kpi, ...], indicators: frozenset[str], priorities: frozenset[str], feeds: frozenset[str] = frozenset()
) -> tuple[tuple[Kpi, ...], list[str]]:
    """Return the KPIs whose inputs and feeds are in the catalogue, and the reasons why the others cannot be computed.

    Raises CatalogueError if a name is both an indicator and a KPI, because both would be the same metric.
    """
    usable: list[Kpi] = []
    reasons: list[str] = []
    for kpi in kpis:
        if kpi.kpi in indicators:
            raise CatalogueError(f"{kpi.file}: {kpi.kpi!r} is also the name of an indicator; rename the KPI")
        unknown = [] if kpi.reads_everything else [name for name in kpi.inputs if name not in indicators]
        if unknown:
            reasons.append(f"{kpi.file}: inputs name {', '.join(unknown)}, not in the catalogue; correct the name or add it")
        elif kpi.feed is not None and kpi.feed not in feeds:
            reasons.append(f"{kpi.file}: the feed {kpi.feed!r} is not in the catalogue; correct the name or add it")
        elif kpi.priority not in priorities and kpi.priority != "all":
            reasons.append(f"{kpi.file}: the priority {kpi.priority!r} is not in the catalogue; correct the name")
        else:
            usable.append(kpi)
    return tuple(usable), reasons
