"""The summary of a cycle: sentences, key indicators and the map of missions, by the rules of the overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from metrics.briefing import Sentence, write_briefing, write_findings, write_overdue
from metrics.catalogue import ALL_MISSIONS
from metrics.codes import write_code
from metrics.key_indicators import add_chart, write_keys
from metrics.languages import gettext, translate_rows
from metrics.mission_map import MissionMap, draw_map, find_states, list_places
from service.warehouse.database import Connection, read_rows, run_sql
from service.warehouse.definitions import Definitions

# Width in pixels and size of letters of the map.
MAP_SIZE = (560, 13)
# More than all changes of a cycle: every priority has a sentence on its largest one.
MAX_CHANGES = 100_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """The summary of a cycle. `findings` are the sentences on each priority, `states` the most severe breach of each mission.

    `keys` are rows of `sql/overview/list_key_values.sql` with their charts. Without definitions there are no keys and no map.
    """

    sentences: tuple[Sentence, ...]
    findings: Mapping[str, tuple[Sentence, ...]]
    keys: tuple[Row, ...] = ()
    mission_map: MissionMap | None = None
    states: Mapping[str, tuple[str, int]] | None = None


def read_summary(
    session: Connection,
    cycle: int,
    period: tuple[date, date],
    has_values: bool,
    outstanding: Sequence[Row],
    is_due: bool,
    definitions: Definitions | None,
) -> Summary:
    """Return the summary of a cycle from a session as of its last day. `outstanding` are its reports not received."""
    breaches = translate_rows(read_rows(run_sql(session, "overview/list_breaches")))
    found_changes = run_sql(session, "overview/list_changes", max_rows=MAX_CHANGES, cycle_start=period[0], cycle_end=period[1])
    changes = translate_rows(read_rows(found_changes))
    if has_values:
        *found, _ = write_briefing(cycle, breaches, changes, ())
    else:
        nothing = Sentence(
            "–", "none", gettext("No value of cycle %(cycle)s", cycle=cycle), gettext("was received."), "/cycles", (str(cycle),)
        )
        found = [nothing, *write_findings(breaches, ())]
    priorities = dict.fromkeys(row["priority"] for row in [*breaches, *changes])
    findings = {
        priority: tuple(
            write_findings(
                [row for row in breaches if row["priority"] == priority],
                [row for row in changes if row["priority"] == priority],
            )
        )
        for priority in priorities
    }
    sentences = (*found, write_overdue(outstanding, is_due))
    if definitions is None:
        return Summary(sentences, findings)
    keys = translate_rows(read_rows(run_sql(session, "overview/list_key_values", keys=write_keys(definitions.key_indicators))))
    places = list_places(definitions.catalogue, period[1])
    return Summary(
        sentences,
        findings,
        tuple(add_chart(row, breaches) for row in keys),
        draw_map(places, *MAP_SIZE) if places else None,
        find_states(breaches),
    )


def describe_scope(key: Row) -> str:
    """Return what the value of a key indicator is about: the whole, or the mission with the worst value."""
    if key["mission"] == ALL_MISSIONS:
        return gettext("Peacekeeping as a whole")
    if key["better"] == "higher":
        return gettext("Lowest value of a mission: %(mission)s", mission=key["mission"])
    return gettext("Highest value of a mission: %(mission)s", mission=key["mission"])


def describe_threshold(key: Row) -> str:
    """Return the threshold state of a key indicator, such as 'warning; breach in UNIFIL' or 'no breach'."""
    parts = [gettext("%(severity)s: breach", severity=write_code(key["severity"]))] if key["severity"] else []
    if key["breaching"]:
        parts.append(gettext("breach in %(missions)s", missions=", ".join(key["breaching"])))
    return "; ".join(parts) or (gettext("no breach") if key["has_threshold"] else gettext("no threshold"))
