"""Codes that pages and documents print as words, marked for translation: `gettext` translates them where they are printed."""

from __future__ import annotations

from metrics.languages import gettext, mark

# A code that is not in this list is printed as it is.
CODES = (
    # Severities and states of alerts.
    mark("critical"), mark("warning"), mark("info"), mark("none"), mark("error"),
    mark("firing"), mark("acknowledged"), mark("silenced"), mark("resolved"),
    # Comparisons, directions and changes.
    mark("above"), mark("below"), mark("higher"), mark("lower"), mark("neutral"),
    mark("better"), mark("worse"), mark("same"), mark("overdue"), mark("due"),
    # Statuses of values.
    mark("normal"), mark("estimated"), mark("provisional"), mark("under validation"), mark("missing"),
    mark("not collected"), mark("not applicable"),
    # Levels, booleans and units.
    mark("low"), mark("medium"), mark("high"), mark("yes"), mark("no"), mark("count"), mark("days"),
    # Frequencies.
    mark("half-yearly"), mark("annual"), mark("irregularly"),
    # States of reports, submissions and comments.
    mark("draft"), mark("submitted"), mark("validated"), mark("approved"), mark("published"), mark("returned"),
    mark("withdrawn"), mark("refused"), mark("not reported"), mark("in progress"), mark("reported"), mark("complete"),
    mark("set"), mark("cleared"), mark("new"), mark("revised"), mark("unchanged"),
    # Actions.
    mark("submit"), mark("validate"), mark("approve"), mark("publish"), mark("return"), mark("withdraw"),
    # Runs of jobs and messages.
    mark("succeeded"), mark("failed"), mark("interrupted"), mark("missed"), mark("running"), mark("waiting"), mark("sent"),
    # Roles.
    mark("reader"), mark("contributor"), mark("analyst"), mark("approver"), mark("administrator"),
    # Results in the audit.
    mark("done"), mark("denied"),
    # Kinds of results of a search.
    mark("Indicator"), mark("KPI"), mark("Mission"), mark("Priority"), mark("Cycle"), mark("Note"), mark("Page"), mark("Term"),
    # Headings of dimensions.
    mark("action"), mark("area"), mark("cause"), mark("incident date"), mark("outcome"), mark("personnel"), mark("training"),
    mark("indicator"),
)  # fmt: skip


def write_code(code: str) -> str:
    """Return a code as words in the language in use."""
    text = code.replace("_", " ")
    return gettext(text) if text else ""
