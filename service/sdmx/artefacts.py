"""The structural metadata as SDMX artefacts, their references to each other, and the selection of a structure query."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Literal

from service.sdmx.structure import AGENCY, STRUCTURE_ID, VERSION, Code, Codelist, Component, Structure

Kind = Literal["codelist", "conceptscheme", "datastructure", "dataflow", "dataconstraint"]
CONCEPTS_ID, CONSTRAINT_ID = "CS_INDICATORS", "CR_INDICATORS"
KINDS: tuple[Kind, ...] = ("codelist", "conceptscheme", "datastructure", "dataflow", "dataconstraint")
# The package and class of each kind in URNs.
URN_CLASSES: dict[Kind, str] = {
    "codelist": "codelist.Codelist",
    "conceptscheme": "conceptscheme.ConceptScheme",
    "datastructure": "datastructure.DataStructure",
    "dataflow": "datastructure.Dataflow",
    "dataconstraint": "registry.DataConstraint",
}
MAX_KEYS = 1000
ANY, NEWEST = "*", ("~", "+")
STUBS = {"allstubs", "allcompletestubs"}
REFERENCE_STUBS = {"referencestubs", "referencecompletestubs"}
DETAILS = ("full", "referencepartial", "raw", *sorted(STUBS | REFERENCE_STUBS))
REFERENCES = ("none", "children", "descendants", "parents", "parentsandsiblings", "ancestors", "all")

Reference = tuple[Kind, str]


@dataclass(frozen=True)
class Artefact:
    """A maintainable artefact. `content` is what its kind consists of; a stub has none."""

    kind: Kind
    id: str
    name: str
    content: Codelist | tuple[Component, ...] | Structure | None
    references: tuple[Reference, ...] = ()
    agency: str = AGENCY
    version: str = VERSION
    description: str = ""
    is_stub: bool = False

    @property
    def urn(self) -> str:
        """The URN of the artefact."""
        return f"urn:sdmx:org.sdmx.infomodel.{URN_CLASSES[self.kind]}={self.agency}:{self.id}({self.version})"

    @property
    def reference(self) -> Reference:
        """The kind and id, which are unique."""
        return self.kind, self.id


def list_artefacts(structure: Structure) -> tuple[Artefact, ...]:
    """Return all artefacts: codelists, concepts, the data structure, the dataflow and its constraint."""
    codelists = tuple(
        Artefact("codelist", codelist.id, codelist.name, codelist, (), codelist.agency, codelist.version)
        for codelist in structure.codelists
    )
    parts = (*structure.dimensions, structure.time, structure.measure, *structure.attributes)
    used = tuple(artefact.reference for artefact in codelists)
    concepts: Reference = ("conceptscheme", CONCEPTS_ID)
    data_structure: Reference = ("datastructure", STRUCTURE_ID)
    dataflow: Reference = ("dataflow", STRUCTURE_ID)
    return (
        *codelists,
        Artefact("conceptscheme", CONCEPTS_ID, "Concepts of the A4P+ indicators", parts),
        Artefact("datastructure", STRUCTURE_ID, "A4P+ indicators", structure, (concepts, *used)),
        Artefact("dataflow", STRUCTURE_ID, "A4P+ indicators", structure, (data_structure,)),
        Artefact(
            "dataconstraint",
            CONSTRAINT_ID,
            "Frequencies and disaggregations of the A4P+ indicators",
            structure,
            (dataflow,),
        ),
    )


def list_keys(structure: Structure) -> list[dict[str, str]]:
    """Return the combinations of indicator, frequency and disaggregations that observations can have.

    Of an indicator with more than MAX_KEYS combinations, dimensions with several codes are left out, which allows all.
    """
    keys = []
    for indicator, every in structure.values_of_indicators:
        codes = every
        if prod(map(len, every.values())) > MAX_KEYS:
            codes = {name: listed for name, listed in every.items() if len(listed) == 1}
        for combination in product(*codes.values()):
            key = {"INDICATOR": indicator, **dict(zip(codes, combination, strict=True))}
            keys.append({part.id: key[part.id] for part in structure.dimensions if part.id in key})
    return keys


def select_artefacts(
    known: Sequence[Artefact],
    kinds: Collection[str],
    agencies: Collection[str],
    ids: Collection[str],
    versions: Collection[str],
    items: Collection[str] = (ANY,),
    references: Collection[str] = ("none",),
    detail: str = "full",
) -> tuple[Artefact, ...]:
    """Return the artefacts that a structure query matches and, by `references`, those that they refer to or are used by.

    * matches everything. Each artefact has one version. With `items`, codelists and concept schemes have only these items.
    """

    def matches(artefact: Artefact) -> bool:
        return (
            _is_among(artefact.kind, kinds)
            and _is_among(artefact.agency, agencies)
            and _is_among(artefact.id, ids)
            and (_is_among(artefact.version, versions) or any(version in NEWEST for version in versions))
        )

    matched = [artefact for artefact in known if matches(artefact)]
    found = {artefact.reference for artefact in matched}
    related = _find_related(known, found, references) - found
    if ANY not in items:
        matched = [partial for artefact in matched if (partial := _pick_items(artefact, items))]
        if not matched:
            return ()
    is_stub, are_references_stubs = detail in STUBS, detail in STUBS | REFERENCE_STUBS
    chosen = {artefact.reference: replace(artefact, is_stub=is_stub) for artefact in matched}
    chosen |= {
        artefact.reference: replace(artefact, is_stub=are_references_stubs)
        for artefact in known
        if artefact.reference in related
    }
    return tuple(chosen[artefact.reference] for artefact in known if artefact.reference in chosen)


def _is_among(value: str, given: Collection[str]) -> bool:
    return ANY in given or value in given


def _find_related(known: Sequence[Artefact], found: set[Reference], references: Iterable[str]) -> set[Reference]:
    children = {artefact.reference: set(artefact.references) for artefact in known}
    parents: dict[Reference, set[Reference]] = {reference: set() for reference in children}
    for reference, referred in children.items():
        for child in referred:
            parents[child].add(reference)

    def follow(edges: dict[Reference, set[Reference]], begin: set[Reference], is_deep: bool) -> set[Reference]:
        reached: set[Reference] = set()
        edge = begin
        while edge := set().union(*(edges[reference] for reference in edge)) - reached:
            reached |= edge
            if not is_deep:
                break
        return reached

    above, below = follow(parents, found, False), follow(children, found, False)
    ancestors, descendants = follow(parents, found, True), follow(children, found, True)
    siblings = above | follow(children, above, False)
    meanings = {
        "none": set(),
        "children": below,
        "descendants": descendants,
        "parents": above,
        "parentsandsiblings": siblings,
        "ancestors": ancestors,
        "all": siblings | descendants,
    }
    related: set[Reference] = set()
    for written in references:
        if written in meanings:
            related |= meanings[written]
        else:
            related |= {reference for reference in above | below if reference[0] == written}
    return related


def _pick_items(artefact: Artefact, items: Collection[str]) -> Artefact | None:
    content = artefact.content
    if isinstance(content, Codelist):
        codes: tuple[Code, ...] = tuple(code for code in content.codes if code.id in items)
        return replace(artefact, content=replace(content, codes=codes, is_partial=True)) if codes else None
    if isinstance(content, tuple):
        concepts = tuple(part for part in content if part.id in items)
        return replace(artefact, content=concepts) if concepts else None
    return None
