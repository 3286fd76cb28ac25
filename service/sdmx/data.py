"""Observations as SDMX-CSV, written by DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from service.sdmx.query import DataQuery
from service.sdmx.structure import AGENCY, NOT_APPLICABLE, STRUCTURE_ID, VERSION, Structure
from service.warehouse.database import Connection, read_sql

CsvVersion = Literal["2.0", "2.1"]
DATAFLOW = f"{AGENCY}:{STRUCTURE_ID}({VERSION})"
HISTORY_COLUMNS = ("VALID_FROM", "VALID_TO")


def write_csv(session: Connection, structure: Structure, query: DataQuery, version: CsvVersion, file: Path) -> int:
    """Write the observations that a query selects as SDMX-CSV, series after series, each in the order of its periods.

    Returns their number. `session` has been prepared by `read_structure`; its variable known_at limits what was recorded.
    The action is M (merge), or I (information) in version 2.0, and R (replace) for updates and revisions.
    https://github.com/sdmx-twg/sdmx-csv/blob/master/data-message/docs/sdmx-csv-field-guide.md
    """
    sql, parameters = select_observations(structure, query)
    action = "R" if query.has_history or query.updated_after else "M" if version == "2.1" else "I"
    columns = [*query.list_columns(structure), *(HISTORY_COLUMNS if query.has_history else ())]
    written = ", ".join(f'"{name}"' for name in columns)
    result = session.execute(
        f"""
        copy (
            with selected as ({sql}),
            -- Constants are added after sorting: a fifth of the time.
            sorted as (
                select {written}
                from selected
                order by _series_order, _period_end, _period_start, _recorded_at
            )
            select '{query.context}' as "STRUCTURE", '{DATAFLOW}' as "STRUCTURE_ID", '{action}' as "ACTION", {written}
            from sorted
        ) to '{str(file).replace("'", "''")}' (format csv, header true)
        """,
        parameters,
    )
    (count,) = result.fetchone() or (0,)
    return int(count)


def select_observations(structure: Structure, query: DataQuery) -> tuple[str, dict[str, object]]:
    """Return the SQL of the observations that a query selects, with all components, and its parameters.

    The names of disaggregations are parameters, and their ids are identifiers of the catalogue.
    """
    names = {f"dimension_{part.id}": part.dimension for part in structure.dimensions if part.dimension}
    dimensions = "".join(
        f"""coalesce(sdmx_code(s.dimensions[$dimension_{part.id}]), '{NOT_APPLICABLE}') as "{part.id}",\n        """
        for part in structure.dimensions
        if part.dimension
    )
    revisions = read_sql("sdmx/all_revisions" if query.has_history else "sdmx/current_revisions")
    described = read_sql("sdmx/select_observations").format(dimensions=dimensions, revisions=revisions)
    conditions = [condition.sql for condition in query.conditions]
    parameters: dict[str, object] = {**names}
    for condition in query.conditions:
        parameters |= condition.parameters
    if query.updated_after is not None:
        conditions.append("_recorded_at > $updated_after")
        parameters["updated_after"] = query.updated_after
    sql = f"select * from ({described}) where {' and '.join(conditions) or 'true'}"
    order = "partition by _series_order order by _period_end {way}, _period_start {way}, _recorded_at {way}"
    limits = [
        f"row_number() over ({order.format(way=way)}) <= {int(count)}"
        for way, count in (("", query.first), ("desc", query.last))
        if count is not None
    ]
    return f"{sql} qualify {' or '.join(limits)}" if limits else sql, parameters
