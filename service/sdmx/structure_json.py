"""Structural metadata as an SDMX-JSON 2.0 structure message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from service.sdmx.artefacts import CONCEPTS_ID, Artefact, Kind, list_keys
from service.sdmx.message import make_meta
from service.sdmx.structure import AGENCY, OBS_VALUE, TIME_PERIOD, VERSION, Codelist, Component, Structure

SCHEMA = (
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/structure-message/tools/schemas/2.0.0/"
    "sdmx-json-structure-schema.json"
)
COLLECTIONS: dict[Kind, str] = {
    "codelist": "codelists",
    "conceptscheme": "conceptSchemes",
    "datastructure": "dataStructures",
    "dataflow": "dataflows",
    "dataconstraint": "dataConstraints",
}
URN = "urn:sdmx:org.sdmx.infomodel"
CONCEPT_URN = f"{URN}.conceptscheme.Concept={AGENCY}:{CONCEPTS_ID}({VERSION})"


def render_structure_json(artefacts: Sequence[Artefact], prepared: datetime) -> bytes:
    """Return the artefacts as a structure message. https://github.com/sdmx-twg/sdmx-json/tree/master/structure-message"""
    data: dict[str, list[dict[str, Any]]] = {}
    for artefact in artefacts:
        data.setdefault(COLLECTIONS[artefact.kind], []).append(_describe(artefact))
    return (
        json.dumps({"meta": make_meta(SCHEMA, prepared), "data": data}, ensure_ascii=False, separators=(",", ":")).encode()
        + b"\n"
    )


def find_codelist_urn(codelist: Codelist) -> str:
    """Return the URN of a codelist."""
    return f"{URN}.codelist.Codelist={codelist.agency}:{codelist.id}({codelist.version})"


def _name(text: str) -> dict[str, Any]:
    return {"name": text, "names": {"en": text}}


def _describe_text(text: str) -> dict[str, Any]:
    return {"description": text, "descriptions": {"en": text}} if text else {}


def _describe(artefact: Artefact) -> dict[str, Any]:
    described = {
        "id": artefact.id,
        "agencyID": artefact.agency,
        "version": artefact.version,
        "isExternalReference": artefact.is_stub,
        **_name(artefact.name),
        "links": [{"rel": "self", "type": artefact.kind, "urn": artefact.urn}],
    }
    content = artefact.content
    if artefact.is_stub or content is None:
        return described
    if isinstance(content, Codelist):
        codes = [{"id": code.id, **_name(code.name), **_describe_text(code.description)} for code in content.codes]
        return {**described, "isPartial": content.is_partial, "codes": codes}
    if isinstance(content, tuple):
        concepts = [{"id": part.id, **_name(part.name), **_describe_text(part.description)} for part in content]
        return {**described, "concepts": concepts}
    if artefact.kind == "datastructure":
        return {**described, "dataStructureComponents": _describe_components(content)}
    (reference,) = artefact.references
    if artefact.kind == "dataflow":
        return {**described, "structure": f"{URN}.datastructure.DataStructure={AGENCY}:{reference[1]}({VERSION})"}
    keys = [{"keyValues": [{"id": name, "value": code} for name, code in key.items()]} for key in list_keys(content)]
    return {
        **described,
        "role": "Allowed",
        "constraintAttachment": {"dataflows": [f"{URN}.datastructure.Dataflow={AGENCY}:{reference[1]}({VERSION})"]},
        "dataKeySets": [{"isIncluded": True, "keys": keys}],
    }


def _describe_components(structure: Structure) -> dict[str, Any]:
    dimensions = [{**_describe_component(part), "position": position} for position, part in enumerate(structure.dimensions)]
    attributes = [
        {
            **_describe_component(part),
            "usage": "mandatory" if part.is_mandatory else "optional",
            "attributeRelationship": {"dimensions": list(part.depends_on)} if part.depends_on else {"observation": {}},
        }
        for part in structure.attributes
    ]
    return {
        "dimensionList": {
            "id": "DimensionDescriptor",
            "dimensions": dimensions,
            "timeDimension": _describe_component(structure.time),
        },
        "measureList": {
            "id": "MeasureDescriptor",
            "measures": [{**_describe_component(structure.measure), "usage": "optional"}],
        },
        "attributeList": {"id": "AttributeDescriptor", "attributes": attributes},
    }


def _describe_component(part: Component) -> dict[str, Any]:
    representation: dict[str, Any]
    if part.codelist:
        representation = {"enumeration": find_codelist_urn(part.codelist)}
    else:
        representation = {"format": {"dataType": find_data_type(part)}}
    return {"id": part.id, "conceptIdentity": f"{CONCEPT_URN}.{part.id}", "localRepresentation": representation}


def find_data_type(part: Component) -> str:
    """Return the SDMX data type of a component without a codelist."""
    return {TIME_PERIOD: "ObservationalTimePeriod", OBS_VALUE: "Double"}.get(part.id, "String")
