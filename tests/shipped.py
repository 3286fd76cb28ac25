"""Numbers of what ships with the service, counted in its files, so that an addition changes no test."""

from __future__ import annotations

import csv

from service.settings import find_in_tree

OBSERVATION_FILES = sorted((find_in_tree("metrics") / "observations").glob("*.csv"))


def count_shipped_observations() -> int:
    """Return the number of observations in the CSV files of the report."""
    count = 0
    for file in OBSERVATION_FILES:
        with file.open(encoding="utf-8", newline="") as stream:
            count += sum(1 for _ in csv.DictReader(stream))
    return count


SHIPPED_OBSERVATIONS = count_shipped_observations()
