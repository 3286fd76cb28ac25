"""Structural metadata as an SDMX-ML 3.0 structure message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from service.sdmx.artefacts import Artefact, Kind, list_keys
from service.sdmx.message import make_id, write_prepared
from service.sdmx.structure import AGENCY, VERSION, Codelist, Component, Structure
from service.sdmx.structure_json import CONCEPT_URN, URN, find_codelist_urn, find_data_type

SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0"
MESSAGE, STRUCTURE, COMMON = f"{{{SCHEMAS}/message}}", f"{{{SCHEMAS}/structure}}", f"{{{SCHEMAS}/common}}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# The collections of a message in the order of the schema, and the elements in them.
ELEMENTS: dict[Kind, tuple[str, str]] = {
    "codelist": ("Codelists", "Codelist"),
    "conceptscheme": ("ConceptSchemes", "ConceptScheme"),
    "dataconstraint": ("DataConstraints", "DataConstraint"),
    "dataflow": ("Dataflows", "Dataflow"),
    "datastructure": ("DataStructures", "DataStructure"),
}

for prefix, namespace in (("message", MESSAGE), ("structure", STRUCTURE), ("common", COMMON)):
    register_namespace(prefix, namespace[1:-1])


def render_structure_xml(artefacts: Sequence[Artefact], prepared: datetime) -> bytes:
    """Return the artefacts as a structure message. https://github.com/sdmx-twg/sdmx-ml"""
    message = Element(f"{MESSAGE}Structure")
    header = SubElement(message, f"{MESSAGE}Header")
    _add_text(header, f"{MESSAGE}ID", make_id(prepared))
    _add_text(header, f"{MESSAGE}Test", "false")
    _add_text(header, f"{MESSAGE}Prepared", write_prepared(prepared))
    SubElement(header, f"{MESSAGE}Sender", id=AGENCY)
    structures = SubElement(message, f"{MESSAGE}Structures")
    for kind, (collection, element) in ELEMENTS.items():
        chosen = [artefact for artefact in artefacts if artefact.kind == kind]
        if chosen:
            parent = SubElement(structures, f"{STRUCTURE}{collection}")
            for artefact in chosen:
                _add_artefact(parent, element, artefact)
    indent(message)
    written: bytes = tostring(message, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add_text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _add_names(parent: Element, name: str, description: str = "") -> None:
    SubElement(parent, f"{COMMON}Name", {LANGUAGE: "en"}).text = name
    if description:
        SubElement(parent, f"{COMMON}Description", {LANGUAGE: "en"}).text = description


def _add_artefact(parent: Element, element: str, artefact: Artefact) -> None:
    content = artefact.content
    attributes = {
        "id": artefact.id,
        "urn": artefact.urn,
        "agencyID": artefact.agency,
        "version": artefact.version,
        "isExternalReference": str(artefact.is_stub).lower(),
    }
    if isinstance(content, Codelist) and content.is_partial and not artefact.is_stub:
        attributes["isPartial"] = "true"
    if artefact.kind == "dataconstraint":
        attributes["role"] = "Allowed"
    added = SubElement(parent, f"{STRUCTURE}{element}", attributes)
    _add_names(added, artefact.name)
    if artefact.is_stub or content is None:
        return
    if isinstance(content, Codelist):
        for code in content.codes:
            _add_names(SubElement(added, f"{STRUCTURE}Code", id=code.id), code.name, code.description)
    elif isinstance(content, tuple):
        for part in content:
            _add_names(SubElement(added, f"{STRUCTURE}Concept", id=part.id), part.name, part.description)
    elif artefact.kind == "datastructure":
        _add_components(added, content)
    elif artefact.kind == "dataflow":
        ((_, data_structure),) = artefact.references
        _add_text(added, f"{STRUCTURE}Structure", f"{URN}.datastructure.DataStructure={AGENCY}:{data_structure}({VERSION})")
    else:
        ((_, dataflow),) = artefact.references
        attachment = SubElement(added, f"{STRUCTURE}ConstraintAttachment")
        _add_text(attachment, f"{STRUCTURE}Dataflow", f"{URN}.datastructure.Dataflow={AGENCY}:{dataflow}({VERSION})")
        keys = SubElement(added, f"{STRUCTURE}DataKeySet", isIncluded="true")
        for key in list_keys(content):
            values = SubElement(keys, f"{STRUCTURE}Key")
            for name, value in key.items():
                _add_text(SubElement(values, f"{STRUCTURE}KeyValue", id=name), f"{STRUCTURE}Value", value)


def _add_components(parent: Element, structure: Structure) -> None:
    components = SubElement(parent, f"{STRUCTURE}DataStructureComponents")
    dimensions = SubElement(components, f"{STRUCTURE}DimensionList", id="DimensionDescriptor")
    for position, part in enumerate(structure.dimensions, 1):
        _add_component(dimensions, "Dimension", part, position=str(position))
    _add_component(dimensions, "TimeDimension", structure.time)
    attributes = SubElement(components, f"{STRUCTURE}AttributeList", id="AttributeDescriptor")
    for part in structure.attributes:
        added = _add_component(attributes, "Attribute", part, usage="mandatory" if part.is_mandatory else "optional")
        relationship = SubElement(added, f"{STRUCTURE}AttributeRelationship")
        for dimension in part.depends_on:
            _add_text(relationship, f"{STRUCTURE}Dimension", dimension)
        if not part.depends_on:
            SubElement(relationship, f"{STRUCTURE}Observation")
    measures = SubElement(components, f"{STRUCTURE}MeasureList", id="MeasureDescriptor")
    _add_component(measures, "Measure", structure.measure, usage="optional")


def _add_component(parent: Element, element: str, part: Component, **attributes: str) -> Element:
    added = SubElement(parent, f"{STRUCTURE}{element}", {"id": part.id, **attributes})
    _add_text(added, f"{STRUCTURE}ConceptIdentity", f"{CONCEPT_URN}.{part.id}")
    representation = SubElement(added, f"{STRUCTURE}LocalRepresentation")
    if part.codelist:
        _add_text(representation, f"{STRUCTURE}Enumeration", find_codelist_urn(part.codelist))
    else:
        SubElement(representation, f"{STRUCTURE}TextFormat", textType=find_data_type(part))
    return added
