"""The key indicators of the overview and of cycle documents, read from key_indicators.yaml, and their small charts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from metrics import sparkline
from metrics.catalogue import Catalogue, CatalogueError, Definition, DimensionValue, Line, describe_fault, read_yaml
from metrics.thresholds import SEVERITIES

FILE_NAME = "key_indicators.yaml"
# Two rows of four on a wide screen.
MAX_KEY_INDICATORS = 8


class KeyIndicator(Definition):
    """An indicator or KPI of the overview, with the dimension values of its series and why it was chosen."""

    name: Line
    dimensions: dict[str, DimensionValue] = Field(default_factory=dict)
    reason: Line


def read_key_indicators(file: Path, catalogue: Catalogue, kpis: Iterable[str]) -> tuple[KeyIndicator, ...]:
    """Return the key indicators, none if there is no file. Raises CatalogueError with all errors, one line each."""
    if not file.exists():
        return ()
    raw = read_yaml(file)
    if not isinstance(raw, list):
        raise CatalogueError(f"{file}: must be a list of entries, each beginning with '- name:'")
    dimensions = {indicator.indicator: indicator.dimensions for _, indicator in catalogue.indicators}
    dimensions |= {kpi: {} for kpi in kpis if kpi not in dimensions}
    entries: list[KeyIndicator] = []
    faults: list[str] = []
    for position, item in enumerate(raw, 1):
        where = f"{file}, entry {position}" + (f" ({item['name']})" if isinstance(item, dict) and "name" in item else "")
        try:
            entry = KeyIndicator.model_validate(item)
        except ValidationError as error:
            faults += [f"{where}: {describe_fault(fault)}" for fault in error.errors()]
            continue
        faults += [f"{where}: {fault}" for fault in _find_faults(entry, dimensions, entries)]
        entries.append(entry)
    if len(raw) > MAX_KEY_INDICATORS:
        faults.append(f"{file}: has {len(raw)} entries; the overview has room for {MAX_KEY_INDICATORS}, remove the others")
    if faults:
        raise CatalogueError("\n".join(faults))
    return tuple(entries)


def write_keys(entries: Sequence[KeyIndicator]) -> str:
    """Return the key indicators as JSON, the parameter of `sql/overview/list_key_values.sql`."""
    return json.dumps([{"place": place, "name": key.name, "dimensions": key.dimensions} for place, key in enumerate(entries)])


def add_chart(row: Mapping[str, Any], breaches: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a key indicator with its chart, the most severe breach of its series, and other missions with a breach."""
    of_key = [breach for breach in breaches if breach["name"] == row["name"] and breach["dimensions"] == row["dimensions"]]
    own = [breach["severity"] for breach in of_key if breach["mission"] == row["mission"]]
    return {
        **row,
        "line": sparkline.draw_line([(entry["period_end"], entry["value"]) for entry in row["history"]]),
        "bars": sparkline.draw_bars([(entry["mission"], entry["value"]) for entry in row["missions"]]),
        "severity": max(own, key=SEVERITIES.index, default=None),
        "breaching": sorted({breach["mission"] for breach in of_key} - {row["mission"]}),
    }


def _find_faults(
    entry: KeyIndicator, dimensions: dict[str, dict[str, tuple[str, ...]]], earlier: Sequence[KeyIndicator]
) -> Iterable[str]:
    if entry.name not in dimensions:
        yield "is neither an indicator nor a KPI; correct the name or remove the entry"
        return
    known = dimensions[entry.name]
    if set(entry.dimensions) != set(known) and known:
        yield f"needs a value of each dimension: {', '.join(known)}"
    for name, value in entry.dimensions.items():
        if known and name in known and value not in known[name]:
            yield f"{name} {value!r} is not a value of the catalogue; use one of {', '.join(known[name])}"
    if any((entry.name, entry.dimensions) == (other.name, other.dimensions) for other in earlier):
        yield "is already in the list; remove one of the entries"
