"""Errors in key_indicators.yaml have file, entry and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.catalogue import CatalogueError, read_catalogue
from metrics.key_indicators import read_key_indicators
from service.settings import find_in_tree

CATALOGUE = read_catalogue(find_in_tree("metrics"))


def test_a_catalogue_without_the_file_has_no_key_indicators(tmp_path: Path) -> None:
    assert read_key_indicators(tmp_path / "key_indicators.yaml", CATALOGUE, []) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: x", "must be a list of entries"),
        ("- {name: sofa_incidents_new}", "entry 1 (sofa_incidents_new): the key 'reason' is missing"),
        ("- {name: sofa_incidents, reason: a}", "entry 1 (sofa_incidents): is neither an indicator nor a KPI"),
        ("- {name: tpp_trainees, reason: a}", "needs a value of each dimension: training"),
        ("- {name: tpp_trainees, dimensions: {training: None}, reason: a}", "training 'None' is not a value of the catalogue"),
        ("- {name: crime_trial_ratio, reason: a}\n" * 2, "entry 2 (crime_trial_ratio): is already in the list"),
        ("- {name: crime_trial_ratio, reason: a}\n" * 9, "has 9 entries; the overview has room for 8"),
    ],
)
def test_a_fault_names_file_entry_and_fix(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "key_indicators.yaml"
    file.write_text(text)
    with pytest.raises(CatalogueError) as caught:
        read_key_indicators(file, CATALOGUE, ["crime_trial_ratio"])
    assert str(caught.value).startswith(str(file)) and fault in str(caught.value)
