"""SDMX structure queries: /sdmx/2.1/structure/datastructure/A4P/INDICATORS/1.0."""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.access.roles import Right
from service.application import Application
from service.sdmx.artefacts import DETAILS, KINDS, REFERENCES, list_artefacts, select_artefacts
from service.sdmx.structure import read_structure
from service.sdmx.structure_json import render_structure_json
from service.sdmx.structure_xml import render_structure_xml
from service.system.time_limit import left_seconds
from service.web.answer_cache import MAX_WAIT_SECONDS
from service.web.api.copies import open_copy
from service.web.authorization import requires
from service.web.clients import find_client
from service.web.problems import Refused
from service.web.sdmx.answers import add_headers, find_cached
from service.web.sdmx.data import add_path
from service.web.sdmx.media_types import STRUCTURE_TYPES, STRUCTURE_XML, choose_media_type

PARAMETERS = ("detail", "references")


def add_structure_routes(routes: Blueprint, application: Application) -> None:
    """Add the route of structure queries. Parts of the path can be left out at its end."""

    @requires(Right.READ)
    def answer_structures(
        kind: str = "*", agency: str = "*", resource: str = "*", version: str = "~", item: str = "*"
    ) -> Response:
        media_type = choose_media_type(STRUCTURE_TYPES)
        detail, references = _read_parameters()
        if kind not in ("*", *KINDS):
            raise Refused(404, f"There are no structures of the type {kind!r}. Available: {', '.join(KINDS)}.")
        copy = open_copy(application)
        if cached := find_cached(copy.info, media_type):
            return cached
        with application.pages.take(find_client(), left_seconds(MAX_WAIT_SECONDS)), copy.open_session() as session:
            known = list_artefacts(read_structure(session))
        found = select_artefacts(
            known,
            [kind],
            agency.split(","),
            resource.split(","),
            version.split(","),
            item.split(","),
            references,
            detail,
        )
        if not found:
            names = ", ".join(f"{artefact.agency}/{artefact.id}" for artefact in known if kind in ("*", artefact.kind))
            raise Refused(404, f"No structure matches this query. Available: {names}.")
        render = render_structure_xml if media_type == STRUCTURE_XML else render_structure_json
        return add_headers(Response(render(found, copy.info.made_at)), copy.info, media_type)

    add_path(routes, "/structure", ("kind", "agency", "resource", "version", "item"), answer_structures)


def _read_parameters() -> tuple[str, list[str]]:
    """Return detail and references. Raises Refused (400)."""
    for name, values in request.args.lists():
        if name not in PARAMETERS:
            raise Refused(400, f"{name}: unknown name. Known names: {', '.join(PARAMETERS)}.")
        if len(values) > 1:
            raise Refused(400, f"{name}: given more than once.")
    detail = request.args.get("detail", "full")
    references = request.args.get("references", "none").split(",")
    if detail not in DETAILS:
        raise Refused(400, f"detail: unknown value {detail!r}. Known values: {', '.join(DETAILS)}.")
    known = (*REFERENCES, *KINDS)
    for written in references:
        if written not in known:
            raise Refused(400, f"references: unknown value {written!r}. Known values: {', '.join(known)}.")
    return detail, references
