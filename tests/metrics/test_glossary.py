"""The glossary: terms, and the abbreviations that a text contains."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.catalogue import CatalogueError
from metrics.glossary import GlossaryTerm, find_abbreviations, read_glossary

TERMS = (
    GlossaryTerm(term="FPU", name="Formed police unit", text="A police unit."),
    GlossaryTerm(term="SOFA", name="Status of Forces Agreement", text="An agreement."),
    GlossaryTerm(term="Status", text="A letter beside a value."),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("New SOFA or SOMA incidents", ["SOFA"]),
        ("Evaluations of FPUs under a SOFA", ["FPU", "SOFA"]),
        ("Status of SOFAS in sofa", []),
        ("", []),
    ],
)
def test_abbreviations_are_found_as_whole_words(text: str, found: list[str]) -> None:
    assert [term.term for term in find_abbreviations(TERMS, text)] == found


def test_terms_are_in_alphabetical_order(tmp_path: Path) -> None:
    (tmp_path / "glossary.yaml").write_text("- term: b\n  text: second\n- term: A\n  text: first\n  page: /cycles\n")
    assert [(term.term, term.page) for term in read_glossary(tmp_path)] == [("A", "/cycles"), ("b", None)]


def test_a_catalogue_without_a_glossary_has_no_terms(tmp_path: Path) -> None:
    assert read_glossary(tmp_path) == ()


def test_errors_name_file_entry_and_fix(tmp_path: Path) -> None:
    (tmp_path / "glossary.yaml").write_text(
        "- term: SOFA\n  txt: wrong\n- term: SOMA\n  text: right\n  page: https://example.org\n"
    )
    with pytest.raises(CatalogueError) as caught:
        read_glossary(tmp_path)
    assert "glossary.yaml, entry 1 (SOFA)" in str(caught.value)
    assert "the key 'txt' is unknown; remove it or correct its spelling" in str(caught.value)
    assert "glossary.yaml, entry 2 (SOMA)" in str(caught.value)
