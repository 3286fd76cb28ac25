"""SDMX data queries: /sdmx/2.1/data/dataflow/A4P/INDICATORS/1.0/KEY."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.access.roles import Right
from service.application import Application
from service.names import suggest_names
from service.sdmx.data import write_csv
from service.sdmx.filters import FilterError, UnknownCode, read_component_filter, read_keys
from service.sdmx.json_data import write_json
from service.sdmx.query import Condition, Context, DataQuery
from service.sdmx.structure import AGENCY, OBS_VALUE, STRUCTURE_ID, TIME_PERIOD, VERSION, Structure, read_structure
from service.system.time_limit import left_seconds
from service.warehouse.database import Connection
from service.web.answer_cache import MAX_WAIT_SECONDS
from service.web.api.copies import open_copy
from service.web.api.queries import Count, Flag, Instant
from service.web.authorization import requires
from service.web.budget import AnswerBudget
from service.web.clients import find_client
from service.web.problems import Refused, refuse_faults, refuse_invalid
from service.web.sdmx.answers import add_headers, find_cached, send_written
from service.web.sdmx.media_types import CSV_21, DATA_JSON, DATA_TYPES, choose_media_type

ALL_DIMENSIONS = "AllDimensions"
CONTEXTS: dict[str, Context] = {"*": "dataflow", "dataflow": "dataflow", "datastructure": "datastructure"}
NOT_SUPPORTED = ("offset", "limit", "sort")
NO_DATA = "No observations match this query."
_COMPONENT = re.compile(r"c\[(.*)\]")


class DataParameters(BaseModel):
    """Parameters of a data query, other than component filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    updatedAfter: Instant | None = None
    asOf: Instant | None = None
    firstNObservations: Count | None = Field(None, ge=1)
    lastNObservations: Count | None = Field(None, ge=1)
    dimensionAtObservation: str = TIME_PERIOD
    attributes: str = "dsd"
    measures: str = "all"
    includeHistory: Flag = False
    reportingYearStartDay: str | None = Field(None, pattern=r"^--(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")


def add_data_routes(routes: Blueprint, application: Application, budget: AnswerBudget) -> None:
    """Add the route of data queries. Parts of the path can be left out at its end."""

    @requires(Right.READ)
    def answer_data(context: str = "*", agency: str = "*", resource: str = "*", version: str = "*", key: str = "*") -> Response:
        media_type = choose_media_type(DATA_TYPES)
        chosen = _check_path(context, agency, resource, version)
        parameters, filters = _read_parameters()
        copy = open_copy(application)
        if cached := find_cached(copy.info, media_type):
            return cached

        def write(file: Path) -> int:
            with (
                application.pages.take(find_client(), left_seconds(MAX_WAIT_SECONDS)),
                copy.open_session(known_at=parameters.asOf) as session,
            ):
                structure = read_structure(session)
                query = _make_query(session, structure, chosen, key, parameters, filters)
                if media_type == DATA_JSON:
                    is_flat = parameters.dimensionAtObservation == ALL_DIMENSIONS
                    return write_json(session, structure, query, copy.info.made_at, file, is_flat)
                return write_csv(session, structure, query, "2.1" if media_type == CSV_21 else "2.0", file)

        answer = send_written(application.settings.data_dir, budget, write)
        if answer is None:
            raise Refused(404, NO_DATA)
        if media_type != DATA_JSON:
            answer.headers["Content-Disposition"] = (
                f'attachment; filename="{AGENCY}_{STRUCTURE_ID}_{copy.info.snapshot_id}.csv"'
            )
        return add_headers(answer, copy.info, media_type)

    add_path(routes, "/data", ("context", "agency", "resource", "version", "key"), answer_data)


def add_path(routes: Blueprint, rule: str, parts: Iterable[str], view: Callable[..., Response]) -> None:
    """Add a route whose parts can be left out at the end of the path."""
    for part in ("", *(f"/<{part}>" for part in parts)):
        rule += part
        for ending in ("", "/"):
            routes.add_url_rule(f"{rule}{ending}", view_func=view)


def _check_path(context: str, agency: str, resource: str, version: str) -> Context:
    """Return the kind of structure whose data are requested. Raises Refused (404) for another one."""
    known = ((agency, (AGENCY,)), (resource, (STRUCTURE_ID,)), (version, (VERSION, "~", "+")))
    if context not in CONTEXTS or any(not {"*", *names} & set(written.split(",")) for written, names in known):
        raise Refused(404, f"No such data. Available: dataflow/{AGENCY}/{STRUCTURE_ID}/{VERSION}.")
    return CONTEXTS[context]


def _read_parameters() -> tuple[DataParameters, list[tuple[str, str]]]:
    """Return the parameters and the component filters of the request. Raises Refused."""
    # A plus is the operator AND, not a space.
    raw = request.query_string.decode("latin-1").replace("+", "%2B")
    given: dict[str, str] = {}
    filters: list[tuple[str, str]] = []
    for name, value in parse_qsl(raw, keep_blank_values=True):
        matched = _COMPONENT.fullmatch(name)
        if name in given or (matched and matched[1] in dict(filters)):
            raise Refused(400, f"{name}: given more than once. Separate values by commas.")
        if matched:
            filters.append((matched[1], value))
        elif name in NOT_SUPPORTED:
            raise Refused(501, f"{name} is not supported. Use filters, firstNObservations or lastNObservations.")
        else:
            given[name] = value
    try:
        parameters = DataParameters.model_validate(given)
    except ValidationError as error:
        raise refuse_invalid(error, DataParameters.model_fields) from None
    if parameters.dimensionAtObservation not in (TIME_PERIOD, ALL_DIMENSIONS):
        raise Refused(501, f"dimensionAtObservation: only {TIME_PERIOD} and {ALL_DIMENSIONS} are supported.")
    if parameters.updatedAfter and parameters.asOf and parameters.updatedAfter > parameters.asOf:
        raise Refused(400, "updatedAfter: is after asOf. Swap them, or leave one out.")
    return parameters, filters


def _make_query(
    session: Connection,
    structure: Structure,
    context: Context,
    key: str,
    parameters: DataParameters,
    filters: list[tuple[str, str]],
) -> DataQuery:
    conditions: list[Condition | None] = []
    name = "key"
    try:
        conditions.append(read_keys(key, structure))
        for component, written in filters:
            name = f"c[{component}]"
            conditions.append(read_component_filter(session, component, written, structure, parameters.reportingYearStartDay))
    except UnknownCode as error:
        raise Refused(404, f"{NO_DATA} {error}") from None
    except FilterError as error:
        raise refuse_faults([{"name": name, "detail": str(error)}]) from None
    return DataQuery(
        tuple(condition for condition in conditions if condition),
        parameters.updatedAfter,
        parameters.includeHistory,
        parameters.firstNObservations,
        parameters.lastNObservations,
        _choose_attributes(parameters.attributes, structure),
        _has_measure(parameters.measures),
        context,
    )


def _choose_attributes(written: str, structure: Structure) -> tuple[str, ...]:
    """Return the ids of the requested attributes. Raises Refused."""
    groups: dict[str, list[str]] = {
        "dsd": [part.id for part in structure.attributes],
        "all": [part.id for part in structure.attributes],
        "series": [part.id for part in structure.attributes if part.depends_on],
        "obs": [part.id for part in structure.attributes if not part.depends_on],
        "dataset": [],
        "msd": [],
        "none": [],
        **{part.id: [part.id] for part in structure.attributes},
    }
    unknown = [name for name in written.split(",") if name not in groups]
    if unknown:
        raise Refused(400, f"attributes: unknown name {unknown[0]!r}. {suggest_names(unknown[0], groups, '')}".strip())
    return tuple(name for group in written.split(",") for name in groups[group])


def _has_measure(written: str) -> bool:
    if written not in ("all", "none", OBS_VALUE):
        raise Refused(400, f"measures: unknown name {written!r}. Known names: all, none, {OBS_VALUE}.")
    return written != "none"
