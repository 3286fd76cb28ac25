"""Observations as SDMX-JSON 2.0, rendered by DuckDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from service.sdmx.data import DATAFLOW, select_observations
from service.sdmx.message import make_meta
from service.sdmx.query import Context, DataQuery
from service.sdmx.structure import OBS_VALUE, TIME_PERIOD, Component, Structure
from service.warehouse.database import Connection, read_sql

SCHEMA = (
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/data-message/tools/schemas/2.0.0/sdmx-json-data-schema.json"
)
LINKS: dict[Context, dict[str, str]] = {
    "dataflow": {"rel": "dataflow", "urn": f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={DATAFLOW}"},
    "datastructure": {"rel": "structure", "urn": f"urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure={DATAFLOW}"},
}
PART_SERIES = 1000
NOT_OPEN = object()


def write_json(
    session: Connection, structure: Structure, query: DataQuery, prepared: datetime, file: Path, is_flat: bool = False
) -> int:
    """Write the observations that a query selects as an SDMX-JSON data message. Return their number.

    Observations are grouped by series, or by none with `is_flat` (dimensionAtObservation=AllDimensions). With the history
    each time of recording has a data set. `session` has been prepared by `read_structure`.
    https://github.com/sdmx-twg/sdmx-json/tree/master/data-message
    """
    sql, parameters = select_observations(structure, query)
    session.execute(f"create or replace temp table sdmx_selected as {sql}", parameters)
    columns = query.list_columns(structure)
    attributes = [part for part in structure.attributes if part.id in columns]
    of_series = [part for part in attributes if part.depends_on and not is_flat]
    of_observations = [part for part in attributes if part not in of_series]
    used = _list_used(session, [*structure.dimensions, *(part for part in attributes if part.codelist)])
    (count,) = session.execute("select count(*) from sdmx_selected").fetchone() or (0,)
    with file.open("wb") as stream:
        stream.write(b'{"meta":' + _dump(make_meta(SCHEMA, prepared)) + b',"data":{"dataSets":[')
        structures: list[dict[str, Any]] = []
        if count:
            datasets = 0
            for part in _render_datasets(session, structure, of_series, of_observations, used, query, is_flat):
                datasets += isinstance(part, Opening)
                stream.write(part)
            periods = _list_periods(session)
            structures = [
                {
                    **_describe(structure, of_series, of_observations, used, periods, query, is_flat),
                    "dataSets": list(range(datasets)),
                }
            ]
        stream.write(b'],"structures":' + _dump(structures) + b"}}\n")
    return int(count)


class Opening(bytes):
    """The beginning of a data set."""


def _list_periods(session: Connection) -> list[dict[str, str]]:
    """Return the values of TIME_PERIOD in their order, with their first and last instant."""
    rows = session.execute(
        'select "TIME_PERIOD", _period_start, _period_end from sdmx_selected group by all order by _period_end, _period_start'
    ).fetchall()
    return [{"value": written, "start": f"{start}T00:00:00Z", "end": f"{end}T23:59:59Z"} for written, start, end in rows]


def _render_datasets(
    session: Connection,
    structure: Structure,
    of_series: list[Component],
    of_observations: list[Component],
    used: dict[str, tuple[str, ...]],
    query: DataQuery,
    is_flat: bool,
) -> Iterator[bytes]:
    values = {f"used_{part.id}": list(used[part.id]) for part in (*of_series, *of_observations) if part.codelist}
    observation = [
        *(["coalesce(d.\"OBS_VALUE\", 'null')"] if query.has_measure else []),
        *(_index(part) if part.codelist else _write_text(part) for part in of_observations),
    ]
    sql = read_sql("sdmx/write_json").format(
        ranks=", ".join(f'dense_rank() over (order by "{part.id}") - 1' for part in structure.dimensions),
        dimensions=", ".join(f'"{part.id}"' for part in structure.dimensions),
        valid_from='"VALID_FROM"' if query.has_history else "null::varchar",
        series_attributes=f"concat_ws(',', {', '.join(map(_index, of_series))})" if of_series else "''",
        observation=", ".join(observation) or "''",
    )
    result = session.execute(sql, {"is_flat": is_flat, **values})
    kind = "observations" if is_flat else "series"
    action = "Replace" if query.has_history or query.updated_after else "Information"
    open_from: object = NOT_OPEN
    separator = ""
    while rows := result.fetchmany(PART_SERIES):
        members: list[str] = []
        for valid_from, member in rows:
            if valid_from != open_from:
                if members:
                    yield "".join(members).encode()
                    members = []
                head = {
                    "structure": 0,
                    "links": [LINKS[query.context]],
                    "action": action,
                    **({"validFrom": valid_from} if valid_from else {}),
                }
                closing = b"" if open_from is NOT_OPEN else b"}},"
                yield Opening(closing + _dump(head)[:-1] + f',"{kind}":{{'.encode())
                open_from, separator = valid_from, ""
            members.append(separator + member)
            separator = ","
        if members:
            yield "".join(members).encode()
    yield b"}}"


def _write_text(part: Component) -> str:
    return f"coalesce(to_json(d.\"{part.id}\")::varchar, 'null')"


def _index(part: Component) -> str:
    return f'list_position($used_{part.id}, d."{part.id}") - 1'


def _list_used(session: Connection, parts: list[Component]) -> dict[str, tuple[str, ...]]:
    lists = ", ".join(f'list(distinct "{part.id}" order by "{part.id}")' for part in parts)
    row = session.execute(f"select {lists} from sdmx_selected").fetchone() or ()
    return {part.id: tuple(values or ()) for part, values in zip(parts, row, strict=True)}


def _describe(
    structure: Structure,
    of_series: list[Component],
    of_observations: list[Component],
    used: dict[str, tuple[str, ...]],
    periods: list[dict[str, str]],
    query: DataQuery,
    is_flat: bool,
) -> dict[str, Any]:
    """Return the structure object of the message: the components with the codes in use."""

    def describe(part: Component) -> dict[str, Any]:
        described: dict[str, Any] = {"id": part.id, "name": part.name, "names": {"en": part.name}}
        if part.codelist:
            codes = {code.id: code.name for code in part.codelist.codes}
            described["values"] = [{"id": code, "name": codes[code], "names": {"en": codes[code]}} for code in used[part.id]]
        else:
            described["format"] = {"dataType": "Double" if part.id == OBS_VALUE else "String"}
        return described

    def describe_attribute(part: Component) -> dict[str, Any]:
        relationship: dict[str, Any] = {"dimensions": list(part.depends_on)} if part.depends_on else {"observation": {}}
        return {**describe(part), "isMandatory": part.is_mandatory, "relationship": relationship}

    dimensions = [
        {**describe(part), "keyPosition": position, **({"roles": ["FREQ"]} if part.id == "FREQ" else {})}
        for position, part in enumerate(structure.dimensions)
    ]
    time = {
        "id": TIME_PERIOD,
        "name": structure.time.name,
        "names": {"en": structure.time.name},
        "keyPosition": len(dimensions),
        "roles": [TIME_PERIOD],
        "format": {"dataType": "ObservationalTimePeriod"},
        "values": periods,
    }
    return {
        "links": [LINKS[query.context]],
        "name": "A4P+ indicators",
        "names": {"en": "A4P+ indicators"},
        "dimensions": {"series": [], "observation": [*dimensions, time]}
        if is_flat
        else {"series": dimensions, "observation": [time]},
        "measures": {"observation": [describe(structure.measure)] if query.has_measure else []},
        "attributes": {
            "series": [describe_attribute(part) for part in of_series],
            "observation": [describe_attribute(part) for part in of_observations],
        },
    }


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
