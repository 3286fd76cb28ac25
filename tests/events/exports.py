"""Small exports in the format of the shipped feeds, for tests. The persons and events are invented."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

FATALITY = {
    "id": "1",
    "incident_date": "2020-03-01",
    "casualty_id": "UNMISS-2020-03-00001",
    "mission_acronym": "UNMISS",
    "type_of_casualty": "Fatality",
    "gender": "M",
    "casualty_nationality": "Ghana",
    "casualty_personnel_type": "Military",
    "type_of_incident": "Illness",
    "m49_code": "288.0",
    "isocode3": "GHA",
    "last_update": "2023-11-28",
}
INCIDENT = {
    "event_id_cnty": "SSD1",
    "event_date": "15 January 2024",
    "event_type": "Strategic developments",
    "sub_event_type": "Movement restriction",
    "actor1": "A person",
    "country": "South Sudan",
    "admin1": "Unity",
    "notes": "Name of a person",
    "mission_acronym": "UNMISS",
    "verified": "Pending",
    "timestamp": "1706000000",
}


def write_export(
    file: Path, standard: dict[str, str], *rows: dict[str, str], encoding: str = "utf-8", delimiter: str = ","
) -> Path:
    """Write rows, each the standard row but for what it names; return the file."""
    with file.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(standard), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**standard, **row} for row in rows)
    return file


def name_event(number: int, mission: str = "UNMISS") -> str:
    """Return the identifier of a casualty."""
    return f"{mission}-2020-03-{number:05d}"


DATA_DIR = Path(os.environ.get("A4P_TEST_DATA", "/nonexistent"))
OLDER, NEWER = DATA_DIR / "un-fatalities-2023-11-28.csv", DATA_DIR / "un-fatalities-2025-04-04.csv"
needs_real_files = pytest.mark.skipif(not NEWER.exists(), reason="A4P_TEST_DATA does not name the folder of the data set")
