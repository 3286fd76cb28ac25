"""The glossary: terms of peacekeeping and of this service that a reader may not know, read from glossary.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from metrics.catalogue import CatalogueError, Line, TranslatedDefinition, read_entries

FILE_NAME = "glossary.yaml"


class GlossaryTerm(TranslatedDefinition):
    """A term, the name that an abbreviation stands for, its explanation, and the path of a page about it."""

    term: Line
    name: Line | None = None
    text: Line
    page: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_/]*$")] | None = None

    @property
    def anchor(self) -> str:
        """The id of the term on the page."""
        return "".join(character if character.isalnum() else "-" for character in self.term.lower().replace("+", "-plus"))


def read_glossary(directory: Path) -> tuple[GlossaryTerm, ...]:
    """Return the terms in alphabetical order; none if the catalogue has no glossary.yaml. Raises CatalogueError."""
    file = directory / FILE_NAME
    if not file.exists():
        return ()
    faults: list[str] = []
    terms = read_entries(file, GlossaryTerm, "term", faults)
    if faults:
        raise CatalogueError("\n".join(faults))
    return tuple(sorted(terms, key=lambda entry: entry.term.lower()))


def find_abbreviations(terms: Sequence[GlossaryTerm], text: str) -> list[GlossaryTerm]:
    """Return the abbreviations that a text contains as whole words, with a plural s or without, in the order of the terms."""
    return [term for term in terms if term.name and re.search(rf"(?<!\w){re.escape(term.term)}s?(?!\w)", text)]
