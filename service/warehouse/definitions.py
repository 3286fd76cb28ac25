"""Definitions in files: catalogue, KPIs and default thresholds, read and checked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from metrics.catalogue import Catalogue, CatalogueError, read_catalogue
from metrics.counting import list_faults
from metrics.feeds import Feed, read_feeds
from metrics.glossary import GlossaryTerm, read_glossary
from metrics.key_indicators import FILE_NAME as KEY_INDICATORS_FILE
from metrics.key_indicators import KeyIndicator, read_key_indicators
from metrics.kpi_file import Kpi, check_kpis, read_kpis
from metrics.languages import NAMES, SOURCE, Language
from metrics.relations import FILE_NAME, Relation, read_relations
from metrics.thresholds import Threshold, read_default_thresholds
from service.settings import find_in_tree


@dataclass(frozen=True)
class Definitions:
    """The catalogue, KPIs whose inputs it has, why other KPIs are left out, and what else the files define."""

    catalogue: Catalogue
    kpis: tuple[Kpi, ...]
    left_out: tuple[str, ...]
    observation_files: tuple[Path, ...]
    thresholds: tuple[Threshold, ...] = ()
    relations: tuple[Relation, ...] = ()
    feeds: tuple[Feed, ...] = ()
    glossary: tuple[GlossaryTerm, ...] = ()
    key_indicators: tuple[KeyIndicator, ...] = ()
    # By language and English text.
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def find_language(self, code: str) -> Language:
        """Return a language with the texts of this catalogue."""
        return Language(code, self.texts.get(code, {}))


def read_definitions(catalogue_directory: Path, kpi_directory: Path | None = None) -> Definitions:
    """Return the definitions. Raises CatalogueError with file, entry and fix.

    With a catalogue other than the shipped one, a KPI whose inputs it lacks is left out; with the shipped one that
    is an error.
    """
    catalogue = read_catalogue(catalogue_directory)
    feeds = read_feeds(catalogue_directory, catalogue)
    kpis, left_out = check_kpis(
        read_kpis(kpi_directory or find_in_tree("sql") / "kpis"),
        catalogue.indicator_names,
        frozenset(priority.priority for priority in catalogue.priorities),
        frozenset(feed.feed for feed in feeds),
    )
    if left_out and catalogue_directory.resolve() == find_in_tree("metrics"):
        raise CatalogueError("\n".join(left_out))
    files = tuple(sorted((catalogue_directory / "observations").glob("*.csv")))
    thresholds = read_default_thresholds(catalogue_directory / "thresholds.yaml")
    relations = read_relations(catalogue_directory / FILE_NAME, catalogue)
    if faults := list_faults(catalogue, feeds):
        raise CatalogueError("\n".join(faults))
    glossary = read_glossary(catalogue_directory)
    keys = read_key_indicators(catalogue_directory / KEY_INDICATORS_FILE, catalogue, [kpi.kpi for kpi in kpis])
    return Definitions(
        catalogue, kpis, tuple(left_out), files, thresholds, relations, feeds, glossary, keys,
        {code: _collect_texts(code, catalogue, kpis, feeds, glossary) for code in NAMES if code != SOURCE},
    )  # fmt: skip


def _collect_texts(
    language: str, catalogue: Catalogue, kpis: tuple[Kpi, ...], feeds: tuple[Feed, ...], glossary: tuple[GlossaryTerm, ...]
) -> dict[str, str]:
    """Return the texts of the catalogue in a language, by English text."""
    texts: dict[str, str] = {}
    indicators = (entry for _, entry in catalogue.indicators)
    for entry in (*catalogue.terms, *catalogue.priorities, *catalogue.missions, *indicators, *feeds, *glossary):
        texts |= entry.list_texts(language)
    for kpi in kpis:
        texts |= kpi.texts.get(language, {})
    return texts
