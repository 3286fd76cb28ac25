"""Relations between indicators (validation.yaml): how they are read, and the errors of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.catalogue import Catalogue, CatalogueError, read_catalogue
from metrics.relations import Relation, read_relations
from service.settings import find_in_tree

TRAINEES = "{indicator: tpp_trainees, dimensions: {%s}}"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(find_in_tree("metrics"))


def read(folder: Path, catalogue: Catalogue, text: str) -> tuple[Relation, ...]:
    file = folder / "validation.yaml"
    file.write_text(text, encoding="utf-8")
    return read_relations(file, catalogue)


def test_a_catalogue_without_the_file_has_no_relations(tmp_path: Path, catalogue: Catalogue) -> None:
    assert read_relations(tmp_path / "validation.yaml", catalogue) == ()
    assert read(tmp_path, catalogue, "# none yet\n") == ()


def test_sides_are_compared_by_the_dimensions_that_both_have(tmp_path: Path, catalogue: Catalogue) -> None:
    (relation,) = read(tmp_path, catalogue, "exclusive:\n  - {positive: tpp_trainees, zero: tpp_trainings}\n")
    assert [(side.compared_by, side.combinations) for side in relation.sides] == [(("training",), 1), (("training",), 1)]
    (relation,) = read(
        tmp_path, catalogue, "total_of:\n  - {total: sea_allegations, parts: sea_allegations_by_incident_date}\n"
    )
    assert [(side.compared_by, side.combinations) for side in relation.sides] == [((), 1), ((), 4)]


def test_a_total_over_missions_is_compared_with_the_missions(tmp_path: Path, catalogue: Catalogue) -> None:
    text = "total_of:\n  - {total: missions_with_hospitals, parts: hospitals, over_missions: count, severity: low}\n"
    (relation,) = read(tmp_path, catalogue, text)
    assert ([side.scope for side in relation.sides], relation.severity) == (["total", "count"], "low")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("part_of: [{part: hospital_reporting, whole: hospitals}]", "part_of, entry 1: unknown indicator 'hospital_reporting'"),
        ("part_of: [{part: hospitals}]", "part_of.0.whole' is missing; add it"),
        ("part_of: [{part: hospitals, whole: hospitals}]", "both sides are the same"),
        ("part_off: []", "the key 'part_off' is unknown"),
        ("part_of: hospitals", "part_of: must be a list of relations"),
        ("part_of: [{part: pki_academy_women_ratio, whole: hospitals}]", "the units differ: pki_academy_women_ratio in ratio"),
        (f"part_of: [{{part: hospitals, whole: {TRAINEES % 'course: [All]'}}}]", "no dimension 'course'"),
        (f"part_of: [{{part: hospitals, whole: {TRAINEES % 'training: [Diving]'}}}]", "no training 'Diving'; known: "),
        ("required_together: [{indicators: [hospitals]}]", "indicators: "),
        ("exclusive: [{positive: hospitals, zero: military_units, severity: urgent}]", "severity"),
        ("total_of: [{total: hospitals, parts: military_units, tolerance: -1}]", "tolerance"),
    ],
)  # fmt: skip
def test_a_wrong_relation_is_an_error_with_its_place_and_fix(
    tmp_path: Path, catalogue: Catalogue, text: str, fault: str
) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(tmp_path, catalogue, text)
    assert fault in str(caught.value) and str(caught.value).startswith(str(tmp_path / "validation.yaml"))
