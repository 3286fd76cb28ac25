"""The dashboard of collection rounds: the state of each mission, overdue reports, and submissions that wait for a decision."""

from __future__ import annotations

from metrics.dashboards import uids
from metrics.dashboards.labels import BAD, BAD_CELL, CLEAR, GOOD_CELL, WARNING, WARNING_CELL, Contents
from metrics.dashboards.layout import Line, Page
from metrics.dashboards.panels import (
    Column,
    PanelBuilder,
    Query,
    count,
    draw_steps,
    map_values,
    show_snapshot,
    tabulate,
)
from metrics.dashboards.queries import select_scraped

RANGE = ("now-30d", "now")
FAILED = 'state="failed"'
WAITING = 'state=~"submitted|validated|approved"'
STATES = {
    "overdue": ("overdue", BAD_CELL),
    "returned": ("returned", BAD_CELL),
    "due": ("due", WARNING_CELL),
    "not_due": ("not due", CLEAR),
    "submitted": ("submitted", GOOD_CELL),
    "validated": ("validated", GOOD_CELL),
    "approved": ("approved", GOOD_CELL),
    "published": ("published", CLEAR),
    "not_applicable": ("not applicable", CLEAR),
}


def build_page(contents: Contents) -> Page:
    """Return the dashboard of collection rounds."""
    return Page(
        uids.ROUNDS,
        "A4P+ collection rounds",
        "State of each mission in the current cycle and the two before it: overdue reports, submissions, decisions.",
        [
            Line(3, [(6, panel) for panel in [*_count(), show_snapshot()]]),
            Line(18, [(14, _tabulate_states()), (10, _draw_states())]),
        ],
        range=RANGE,
        shows_cycles=False,
        pages=(("Rounds page", "/rounds"), ("Missions", "/missions")),
    )


def _count() -> list[PanelBuilder]:
    return [
        count(
            "Missions overdue",
            "Missions and departments (ALL) with reports past their deadline in one of the rounds.",
            f"count(max by (mission) ({select_scraped('a4p_submission_overdue_days')}) > 0)",
            "No mission is overdue",
            BAD,
            "mission is overdue",
            "missions are overdue",
        ),
        count(
            "Waiting for a decision",
            "Submissions that an approver has to validate, approve, publish or return.",
            f"count({select_scraped('a4p_submission_state', WAITING)})",
            "No submission waits for a decision",
            WARNING,
            "submission waits for a decision",
            "submissions wait for a decision",
        ),
        count(
            "Messages not sent",
            "Messages about rounds that were given up. `a4p messages --state failed` lists them.",
            f"max({select_scraped('a4p_outbox_messages', FAILED)}) > 0",
            "Every message was sent",
            BAD,
            "message was not sent",
            "messages were not sent",
        ),
    ]


def _tabulate_states() -> PanelBuilder:
    states, days = select_scraped("a4p_submission_state"), select_scraped("a4p_submission_overdue_days")
    # The state of a series is a label; its product with the days has the labels of both.
    overdue = f"{states} * on (job, instance, cycle, mission) group_left () {days}"
    return tabulate(
        "State of missions",
        "State of each mission in a round, and days since its earliest deadline without a report. The page Rounds of the "
        "service shows each priority and who acts next.",
        [f"max by (cycle, mission, state) ({overdue})"],
        [
            Column("cycle", "Cycle", 80),
            Column("mission", "Mission"),
            Column("state", "State", 150, mappings=[map_values(STATES)], is_coloured=True, align="center"),
            Column("Value #A", "Days overdue", 120, align="right"),
        ],
        "No scrapes in the time range",
        sort_by="Days overdue",
        descending=True,
    )


def _draw_states() -> PanelBuilder:
    return draw_steps(
        "Missions by state",
        "Missions in each state, over the rounds of three cycles.",
        [Query(f"count by (state) ({select_scraped('a4p_submission_state')})", "{{state}}")],
        "No scrapes in the time range",
    ).interval("1m")
